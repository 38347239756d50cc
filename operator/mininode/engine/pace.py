"""How often the engine tries and how long it waits: every figure, with its reason. app/settings.py names the variables."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Counts, and times in seconds."""

    retry_limit: int = 5
    """Attempts for one digest; then it goes back to what worked, and a human or a new spec is needed."""

    retry_first: float = 5.0
    """Pause after the first failed attempt: it doubles, with jitter, so that a broken node does not storm."""

    retry_last: float = 300.0
    """The longest pause between two attempts."""

    gate_deadline: float = 600.0
    """How long a gate may say no after an install or upgrade: a slow disk and a big image; then that has failed."""

    probe_first: float = 0.5
    """Pause after a gate's first no; it doubles."""

    probe_last: float = 15.0
    """The longest pause: Guacamole bars who fails to log in 30 times in 300 s."""

    probe_again: float = 300.0
    """When a gate that held is asked again; changes of its pods are seen at once anyway."""

    resync: float = 300.0
    """Between two looks at a node that is as it should be."""

    check_again: float = 1800.0
    """When all objects of a release are compared with its chart; in between watches tell of changes."""


USUAL = Pace()

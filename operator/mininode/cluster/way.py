"""A way to have a Kubernetes API, as the installer sees it: each way answers the same few questions.

The installer's steps (cli/install.py) ask them in this order. Everything that a way does may be done again: it looks first, and
does only what is missing. `plan` is asked before the person agreed, so it only reads.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step is given: somebody to talk to, and until when it may take."""

    say: Say
    ends: float  # time.monotonic()

    @classmethod
    def within(cls, seconds: float, say: Say) -> "Progress":
        """A progress that ends so many seconds from now."""
        return cls(say, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds left, never less than a tenth: a time-out of nought means none to some."""
        return max(0.1, self.ends - time.monotonic())


@dataclass(frozen=True, slots=True)
class OperatorAt:
    """The operator at work, as a command follows it."""

    where: str  # for the closing screen: "process beside the cluster"
    log: str  # where its log is: a path, or the command that shows it
    runs: Callable[[], bool]
    last_words: Callable[[], str]
    idle: str = ""  # why nobody acts on the node at all, where that is known
    anew: bool = False  # started by this very run: a settled status may be older than it is


IN_CLUSTER = OperatorAt(
    where="pod of the cluster",
    log="kubectl logs --namespace mininode-system deployment/mininode-operator",
    runs=lambda: True,  # Kubernetes starts it again; whether it works shows in the node's status
    last_words=lambda: "",
)


class Way(Protocol):
    """One way to have a cluster with an operator in it."""

    @property
    def title(self) -> str:
        """For people, with its article: "a rehearsal on this computer"."""

    @property
    def tools(self) -> tuple[str, ...]:
        """Programs of the toolbox that it needs; the installer has them before `ensure`."""

    def plan(self) -> tuple[str, ...]:
        """What it will do, a line each. Reads only. Raises MininodeError where it is clear that it can't be done."""

    def ensure(self, progress: Progress) -> Path:
        """Make the cluster be there; its access file."""

    def prepare(self, kubeconfig: Path, namespace: str, progress: Progress) -> None:
        """Put CRD, the operator's rights and the node's namespace into the cluster."""

    def operator(self, kubeconfig: Path, progress: Progress) -> OperatorAt:
        """Make the operator work there."""

    def closing(self) -> tuple[tuple[str, str], ...]:
        """What the last screen says of the cluster: label and text."""

    def next_commands(self) -> tuple[str, ...]:
        """Commands worth knowing next, beside those for every node."""


@runtime_checkable
class MachineWay(Way, Protocol):
    """A way whose cluster is one container of this computer's engine, with the node's data on folders in it."""

    @property
    def machine(self) -> str:
        """The container's name."""

    @property
    def engine(self) -> str:
        """The engine's program."""


@runtime_checkable
class SharedWay(Way, Protocol):
    """A way into a cluster that others use, too: what concerns them needs a yes, and silence is none."""

    def concerns_others(self) -> tuple[str, ...]:
        """What would be written for the whole cluster, an object a line. Reads only."""

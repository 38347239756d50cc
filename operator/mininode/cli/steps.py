"""Steps of a long command: named, each with a time-out and a log of its own, and a record that the next run reads.

Every step looks first and does only what is missing, so the next run begins with the first one again, however this one ended.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import platformdirs
import typer

from mininode.cli.screen import fitted
from mininode.cluster.files import private_folder, write_private
from mininode.cluster.way import Progress, Say
from mininode.errors import MininodeError, NotThereYet
from mininode.toolbox.locking import only_one

_SHOWN = 0.5  # s; what is quicker needs no time beside it


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `run` returns what came of it, for the screen; empty when there is nothing to tell."""

    name: str  # also of its log
    doing: str  # "make the cluster be there"
    seconds: float  # that it may take
    run: Callable[[Progress], str]


@dataclass(frozen=True, slots=True)
class LastRun:
    """How far the last run came."""

    step: str
    outcome: str  # running, done, failed, stopped
    at: str
    pid: int = 0

    @property
    def sentence(self) -> str:
        """For the next run; empty when it came to its end."""
        how = {
            "failed": f"failed at the step {self.step}",
            "stopped": f"was stopped at the step {self.step}",
            "running": f"was killed at the step {self.step}",
        }.get(self.outcome)
        return f"The last run ({self.at}) {how}: going on from there." if how else ""


def install_folder() -> Path:
    """Where the installer's record and logs lie: `$XDG_STATE_HOME/mininode/install`."""
    return platformdirs.user_state_path("mininode") / "install"


def last_run(folder: Path) -> LastRun | None:
    """What the last run wrote down; None when there was none."""
    try:
        return LastRun(**json.loads((folder / "last.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def run_steps(steps: Iterable[Step], folder: Path, say: Say = typer.echo) -> None:
    """Run the steps in order, one run at a time. An error leaves with the place of the step's log in its advice."""
    steps = tuple(steps)
    private_folder(folder)
    with only_one(folder / "lock", say, "an installation"):
        if (before := last_run(folder)) and before.sentence:
            say(before.sentence)
        for number, step in enumerate(steps, 1):
            with _recorded(folder, step.name):
                _run(step, f"{number}/{len(steps)}", folder, say)
        _record(folder, steps[-1].name, "done")


def _run(step: Step, place: str, folder: Path, say: Say) -> None:
    log = folder / f"{step.name}.log"
    say(fitted(f"{place} ", f"{step.name}: {step.doing}"))
    began = time.monotonic()
    with _opened(log) as file:

        def both(line: str) -> None:
            file.write(f"{_now()} {line}\n")
            file.flush()
            say(fitted("  ", line, 4))

        try:
            came = step.run(Progress.within(step.seconds, both))
        except TimeoutError as error:
            late = NotThereYet(
                f"The step {step.name} was not done within {step.seconds:.0f} s.",
                f"Run the same command again: it goes on from here. Its log: {log}",
                reason="StepTimeUp",
            )
            file.write(f"{_now()} {late}\n")
            raise late from error
        except MininodeError as error:
            file.write(f"{_now()} {error}\n")
            error.advice = f"{error.advice} The log of the step {step.name}: {log}".strip()
            raise
        took = time.monotonic() - began
        if came or took > _SHOWN:
            both(f"✓ {came or 'done'}" + (f" ({took:.1f} s)" if took > _SHOWN else ""))


@contextmanager
def _recorded(folder: Path, name: str) -> Iterator[None]:
    """Write down that the step runs, and how it ended when it did not end well."""
    _record(folder, name, "running")
    try:
        yield
    except MininodeError:
        _record(folder, name, "failed")
        raise
    except BaseException as error:  # Ctrl-C, and faults of ours
        _record(folder, name, "stopped" if isinstance(error, KeyboardInterrupt) else "failed")
        raise


@contextmanager
def _opened(log: Path) -> Iterator[TextIO]:
    """The step's log, for its owner only; the run before lies beside it, with `.1` at the end."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        yield file


def _record(folder: Path, step: str, outcome: str) -> None:
    write_private(folder / "last.json", json.dumps(asdict(LastRun(step, outcome, _now(), os.getpid()))).encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""What is known of a rehearsal: the answer of `Rehearsal.status`."""

import enum
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


class State(enum.StrEnum):
    """The rehearsal in a word."""

    RUNNING = "Running"  # all of its processes live and the API server answers
    STOPPED = "Stopped"  # none of them lives
    BROKEN = "Broken"  # some do, or the API server does not answer; `start` repairs it


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process of the rehearsal, or beside it."""

    name: str
    pid: int | None  # None when it does not run
    memory: int  # resident, bytes
    running: bool
    log: Path


@dataclass(frozen=True, slots=True)
class RehearsalStatus:
    """The whole rehearsal."""

    state: State
    processes: tuple[ProcessStatus, ...]  # in the order of their start; those beside it last
    kubeconfig: Path
    server: str  # URL of the Kubernetes API; empty when it was never started
    version: str  # of Kubernetes, as `v1.35.1`; empty when it does not answer
    since: datetime | None  # when the oldest of its processes was started
    problems: tuple[str, ...]  # what is wrong, a sentence each

    @property
    def memory(self) -> int:
        """Resident memory of all processes, in bytes."""
        return sum(process.memory for process in self.processes)

    def as_json(self) -> dict[str, Any]:
        """For `--output json`: plain values, names as in Kubernetes."""
        return {
            "state": self.state.value,
            "server": self.server,
            "version": self.version,
            "kubeconfig": str(self.kubeconfig),
            "since": self.since.isoformat() if self.since else None,
            "memoryBytes": self.memory,
            "problems": list(self.problems),
            "processes": [
                {
                    "name": process.name,
                    "running": process.running,
                    "pid": process.pid,
                    "memoryBytes": process.memory,
                    "log": str(process.log),
                }
                for process in self.processes
            ],
        }

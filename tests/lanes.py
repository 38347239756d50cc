"""Runs all lanes of tests in the order of their worth, and says at the end, loudly, what failed and what did not run.

usage: lanes.py [LANE …]

The first lanes run one by one, the others two at a time, for tests with an API server mostly wait: what such a lane printed is
shown when it ends. A lane that fails does not stop the next one. None starts once $LANES_STOP_STARTING seconds (default 4200)
have passed, counted from $LANES_STARTED (Unix time, default now): with cold caches the tools are built first, and the machine's
time is bounded. The last lanes are those of real pods, which want the lab; where it can't be made, or no time is left for it,
they do not run, and the last line says so.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

TOP = Path(__file__).parent.parent
TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "helm", "kubectl")
COVERAGE = ("--cov", "--cov-report=")
AT_ONCE = 2
_SAY_EVERY = 60.0  # s


@dataclass(frozen=True)
class Lane:
    name: str
    commands: tuple[tuple[str, ...], ...]
    alone: bool = False  # nothing else runs meanwhile: others need what it makes, or it has to do with time
    after: str = ""  # a lane without whose success this one can't run
    cold: float = 0.0  # s that it may take longer where its caches are empty, so it starts that much earlier or not at all

    @property
    def coverage(self) -> Path:
        """A file of its own, for two lanes at once must not write to the same."""
        return TOP / f".coverage.{self.name.replace(' ', '-')}"


def python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def pytest(*arguments: str) -> tuple[str, ...]:
    return python("-m", "pytest", *COVERAGE, *arguments)


ENGINE = "tests/control_plane/engine"
# `make test-minikube` in pieces, each with a cluster of its own: none so long that it ends late when it was the last to start.
MINIKUBE = {"life": ("life", "image"), "outages": ("power", "remade", "login"), "documents": ("documents",)}
PASSED, NO_TIME, NO_GROUND = "passed", "DID NOT RUN: no time left", "DID NOT RUN: no lab here"
LANES = (
    Lane(
        "check",
        (
            python("-m", "ruff", "check", "."),
            python("-m", "mypy"),
            python("-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"),
            python("-m", "mininode.cli.main", "generate", "--check"),
        ),
        alone=True,
    ),
    Lane("unit", (pytest("tests/unit"),), alone=True),
    Lane("tools", tuple(python("-m", "mininode.cli.main", "tools", "get", tool) for tool in TOOLS), alone=True),
    Lane("engine", (pytest(ENGINE),), alone=True),
    Lane("control plane", (pytest("tests/control_plane", f"--ignore={ENGINE}"),)),
    Lane("charts", (pytest("tests/charts"),)),
    Lane("scan", (python("tests/scan/run.py"),)),
    Lane("cli", (pytest("tests/cli"),)),
    Lane("docs", (pytest("tests/docs"),)),
    Lane("chaos", (pytest("tests/chaos"),)),
    Lane("services", (pytest("tests/services"),), alone=True),
    Lane("flags", (pytest("tests/minikube/test_flags.py"),)),
    Lane("lab", (python("tests/lab/lab.py", "up"),), alone=True, cold=600),
    Lane("real pods", (pytest("tests/micro/test_1_use.py"),), alone=True, after="lab"),
    *(
        Lane(f"minikube {name}", (pytest(*(f"tests/minikube/test_{file}.py" for file in files)),), alone=True, after="lab")
        for name, files in MINIKUBE.items()
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    lane: Lane
    said: str
    seconds: float = 0.0


@dataclass
class Run:
    """The lanes that are left, those at work, and what came of the others."""

    last_start: float  # Unix time
    left: list[Lane]
    working: dict[Future[Outcome], tuple[Lane, IO[bytes] | None]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def all(self) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while self.left or self.working:
                while self.left and self._room(self.left[0]):
                    self._begin(pool, self.left.pop(0))
                done, _ = wait(self.working, timeout=_SAY_EVERY, return_when=FIRST_COMPLETED)
                for one in done:
                    self._end(one)
                if not done and all(output for _, output in self.working.values()):
                    say(f"at work: {', '.join(lane.name for lane, _ in self.working.values())}")

    def _room(self, lane: Lane) -> bool:
        if lane.alone or any(one.alone for one, _ in self.working.values()):
            return not self.working
        return len(self.working) < AT_ONCE

    def _begin(self, pool: ThreadPoolExecutor, lane: Lane) -> None:
        if time.time() > self.last_start - lane.cold:
            self.outcomes.append(Outcome(lane, NO_TIME))
            return
        if lane.after and not any(one.lane.name == lane.after and one.said == PASSED for one in self.outcomes):
            self.outcomes.append(Outcome(lane, NO_GROUND))
            return
        title(lane.name if lane.alone else f"{lane.name} begins")
        output = None if lane.alone else tempfile.TemporaryFile()  # noqa: SIM115 - closed when its lane has ended
        self.working[pool.submit(run, lane, output)] = lane, output

    def _end(self, one: Future[Outcome]) -> None:
        lane, output = self.working.pop(one)
        if output is not None:
            title(lane.name)
            output.seek(0)
            sys.stdout.buffer.write(output.read())
            sys.stdout.flush()
            output.close()
        self.outcomes.append(one.result())


def run(lane: Lane, output: IO[bytes] | None) -> Outcome:
    """All commands of a lane, the later ones also when an earlier one failed."""
    begin, environment = time.monotonic(), {**os.environ, "COVERAGE_FILE": str(lane.coverage)}
    ended = [
        subprocess.run(
            command, cwd=TOP, env=environment, stdout=output, stderr=output and subprocess.STDOUT, check=False
        ).returncode
        for command in lane.commands
    ]
    said = NO_GROUND if os.EX_UNAVAILABLE in ended else "FAILED" if any(ended) else PASSED
    return Outcome(lane, said, time.monotonic() - begin)


def title(text: str) -> None:
    say(f"\n━━ {text} ━━")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def covered() -> None:
    """What all lanes together ran of the product."""
    subprocess.run(python("-m", "coverage", "combine", "--quiet"), cwd=TOP, check=False)
    subprocess.run(python("-m", "coverage", "report", "--skip-covered", "--sort=cover"), cwd=TOP, check=False)


def main(wanted: Sequence[str]) -> int:
    started = float(os.environ.get("LANES_STARTED", time.time()))
    lanes = [lane for lane in LANES if not wanted or lane.name in wanted]
    for old in TOP.glob(".coverage*"):
        old.unlink()
    work = Run(started + float(os.environ.get("LANES_STOP_STARTING", "4200")), lanes)
    work.all()
    covered()
    say("\n━━ summary ━━")
    outcomes = sorted(work.outcomes, key=lambda one: LANES.index(one.lane))
    for one in outcomes:
        say(f"{one.lane.name:<20} {one.said:<28} {one.seconds:7.1f} s")
    if absent := [one.lane.name for one in outcomes if one.said in (NO_TIME, NO_GROUND)]:
        say(f"\n!!! NOT EVERYTHING RAN. Nothing is known of: {', '.join(absent)}")
    return 1 if any(one.said == "FAILED" for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Figures of this version on this machine, as a table with the goals beside them. Run by `make bench`; a few minutes.

Everything is real: the commands as processes, a rehearsal of its own in a temporary folder, the operator under its own
account. API calls are counted in the API server's audit log, Helm processes by a script in Helm's place.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rows import Row, verdict

TREE = Path(__file__).parents[2]
sys.path.insert(0, str(TREE / "operator"))

ACCOUNT = "system:serviceaccount:mininode-system:mininode-operator"
MIB = 1024**2
HELP_RUNS = 10
LOOKS = 5
IDLE_SECONDS = 20.0  # s that an operator is left alone before its memory is read


@dataclass
class Bench:
    """A person's folders, the commands, and what they cost."""

    folder: Path
    helm: Path
    figures: list[Row] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
        counted = self.folder / "helm"
        return inherited | {
            "PYTHONPATH": str(TREE / "operator"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "MININODE_TOOL_HELM": str(counted),
        }

    def count_helm(self) -> None:
        """Put a script in Helm's place that writes a line and becomes Helm."""
        script = self.folder / "helm"
        script.write_text(f'#!/bin/sh\necho "$1 $2" >> "{self.folder}/helm-runs"\nexec "{self.helm}" "$@"\n')
        script.chmod(0o700)
        (self.folder / "helm-runs").touch()

    def helm_runs(self) -> int:
        return len([line for line in (self.folder / "helm-runs").read_text().splitlines() if not line.startswith("version")])

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mininode.cli.main", *arguments],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in codes:
            sys.exit(f"mininode {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def timed(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> float:
        began = time.perf_counter()
        self.run(*arguments, codes=codes)
        return time.perf_counter() - began

    def note(self, what: str, measured: float, unit: str, goal: float | None = None) -> None:
        figure = Row(what, measured, unit, goal)
        self.figures.append(figure)
        print(figure.line(), flush=True)

    def rehearsal(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("rehearsal", "status", "-o", "json"))
        return found

    def operator_calls(self) -> int:
        """Requests of the operator's account, Helm's among them, but for the renewals of its lease."""
        asked = set()
        for line in (self.folder / "state/mininode/rehearsal/logs/audit.log").read_text().splitlines():
            entry = json.loads(line)
            if entry["user"]["username"] == ACCOUNT and entry.get("objectRef", {}).get("resource") != "leases":
                asked.add(entry["auditID"])
        return len(asked)


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench in a temporary folder; nothing of it stays."""
    from mininode.toolbox.toolbox import Toolbox  # noqa: PLC0415 - the path to it is set above

    box = Toolbox.from_environment(say=print)
    for tool in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl"):
        box.get(tool)
    folder = Path(tempfile.mkdtemp(prefix="mininode-bench-"))
    one = Bench(folder, box.get("helm").path)
    one.count_helm()
    try:
        yield one
    finally:
        one.run("rehearsal", "stop")
        shutil.rmtree(folder)


def help_text(one: Bench) -> None:
    one.run("--help")
    times = [one.timed("--help") for _ in range(HELP_RUNS)]
    one.note(f"mininode --help, best of {HELP_RUNS}", min(times), "s", 0.3)
    one.note(f"mininode --help, median of {HELP_RUNS}", statistics.median(times), "s")


def rehearsal(one: Bench) -> None:
    one.note("rehearsal start, first", one.timed("rehearsal", "start"), "s")
    one.run("rehearsal", "stop")
    one.note("rehearsal start, warm", one.timed("rehearsal", "start"), "s", 15)
    memory = sum(process["memoryBytes"] for process in one.rehearsal()["processes"])
    one.note("rehearsal, memory of its processes", memory / MIB, "MiB", 700)


def installs(one: Bench) -> None:
    one.note("first install of micro", one.timed("install", "micro", "--cluster", "rehearsal", "--yes"), "s")
    one.note("  API calls of the operator and its Helm", one.operator_calls(), "")
    one.note("  Helm processes", one.helm_runs(), "", 5)
    before = one.helm_runs()
    one.note("second install, nothing changed", one.timed("install", "micro", "--cluster", "rehearsal", "--yes"), "s", 5)
    one.note("  Helm processes", one.helm_runs() - before, "", 0)


def looks(one: Bench) -> None:
    """The commands that only look, on a healthy node."""
    one.note(f"mininode plan, best of {LOOKS}", min(one.timed("plan") for _ in range(LOOKS)), "s", 1.5)
    one.note(f"mininode status, best of {LOOKS}", min(one.timed("status") for _ in range(LOOKS)), "s")
    for cluster in ("rehearsal", "minikube"):  # exit code 4: this computer is not fit for it, which takes as long to find out
        times = [one.timed("check", "--cluster", cluster, codes=(0, 4)) for _ in range(LOOKS)]
        one.note(f"mininode check --cluster {cluster}, best of {LOOKS}", min(times), "s", 3)


def idle(one: Bench) -> None:
    (operator,) = [process for process in one.rehearsal()["processes"] if process["name"] == "operator"]
    process = psutil.Process(operator["pid"])
    calls, cpu, began = one.operator_calls(), sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(IDLE_SECONDS)
    one.note("operator idle, resident memory", process.memory_info().rss / MIB, "MiB", 110)
    one.note("operator idle, API calls but for its lease", one.operator_calls() - calls, "")
    spent = (sum(process.cpu_times()[:2]) - cpu) / (time.monotonic() - began)
    one.note("operator idle, share of one processor", spent * 100, "%")


async def second_look(one: Bench) -> None:
    """A look at a node that is as it should be, with the operator's own account and code, counted at its own door."""
    from mininode.api.status import NodeStatus  # noqa: PLC0415
    from mininode.app.settings import Settings  # noqa: PLC0415
    from mininode.app.wiring import build_engine  # noqa: PLC0415
    from mininode.engine.reconcile import Pass  # noqa: PLC0415
    from mininode.engine.state import remembered  # noqa: PLC0415
    from mininode.kube.resources import EUCAIM_NODES  # noqa: PLC0415

    access = one.folder / "state/mininode/rehearsal/operator.kubeconfig"
    engine = await build_engine(Settings(kubeconfig=access, helm=one.folder / "helm"))
    try:
        (resource,) = await engine.kube.list(EUCAIM_NODES, "eucaim-node")  # the operator has no right to get a single one
        memory = remembered(NodeStatus.model_validate(resource["status"]), engine.clock())
        calls, processes, began = engine.kube.calls.total(), one.helm_runs(), time.perf_counter()
        await Pass(engine, memory, lambda: resource, asyncio.Event()).run()
        seconds = time.perf_counter() - began
    finally:
        await engine.kube.close()
    one.note("second look, nothing changed", seconds * 1000, "ms")
    one.note("  API calls", engine.kube.calls.total() - calls, "", 1)
    one.note("  Helm processes", one.helm_runs() - processes, "", 0)


def main() -> None:
    steps: tuple[Callable[[Bench], None], ...] = (help_text, rehearsal, installs, looks, idle)
    print(f"mininode on {os.cpu_count()} processors, Python {sys.version.split()[0]}\n")
    with bench() as one:
        for step in steps:
            step(one)
        asyncio.run(second_look(one))
    print(f"\n{verdict(one.figures)}")


if __name__ == "__main__":
    main()

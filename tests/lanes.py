"""Runs all lanes of tests in the order of their worth, and says at the end, loudly, what failed and what did not run.

usage: lanes.py [LANE …]

A lane that fails does not stop the next one. None starts once $LANES_STOP_STARTING seconds (default 4200) have passed, counted
from $LANES_STARTED (Unix time, default now): with cold caches the tools are built first, and the machine's time is bounded.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parent.parent
TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "helm", "kubectl")
COVERAGE = ("--cov", "--cov-append", "--cov-report=")


@dataclass(frozen=True)
class Lane:
    name: str
    commands: tuple[tuple[str, ...], ...]


def python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def pytest(*arguments: str) -> tuple[str, ...]:
    return python("-m", "pytest", *COVERAGE, *arguments)


LANES = (
    Lane(
        "check",
        (
            python("-m", "ruff", "check", "."),
            python("-m", "mypy"),
            python("-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"),
            python("-m", "mininode.cli.main", "generate", "--check"),
        ),
    ),
    Lane("unit", (pytest("tests/unit"),)),
    Lane("tools", tuple(python("-m", "mininode.cli.main", "tools", "get", tool) for tool in TOOLS)),
    Lane("control plane", (pytest("tests/control_plane"),)),
    Lane("charts", (pytest("tests/charts"),)),
    Lane("scan", (python("tests/scan/run.py"),)),
    Lane("cli", (pytest("tests/cli"),)),
    Lane("docs", (pytest("tests/docs"),)),
    Lane("chaos", (pytest("tests/chaos"),)),
    Lane("services", (pytest("tests/services"),)),
    Lane("minikube", (pytest("tests/minikube/test_flags.py"),)),
)  # fmt: skip


def main(wanted: list[str]) -> int:
    started = float(os.environ.get("LANES_STARTED", time.time()))
    last_start = float(os.environ.get("LANES_STOP_STARTING", "4200"))
    lanes = [lane for lane in LANES if not wanted or lane.name in wanted]
    (TOP / ".coverage").unlink(missing_ok=True)
    results: list[tuple[str, str, float]] = []
    for lane in lanes:
        if time.time() - started > last_start:
            results.append((lane.name, "DID NOT RUN: no time left", 0.0))
            continue
        print(f"\n━━ {lane.name} ━━", flush=True)
        begin = time.monotonic()
        failed = [command for command in lane.commands if subprocess.run(command, cwd=TOP, check=False).returncode]
        results.append((lane.name, "FAILED" if failed else "passed", time.monotonic() - begin))
    subprocess.run(python("-m", "coverage", "report", "--skip-covered", "--sort=cover"), cwd=TOP, check=False)
    print("\n━━ summary ━━")
    for name, outcome, seconds in results:
        print(f"{name:<16} {outcome:<28} {seconds:7.1f} s")
    return 1 if any(outcome != "passed" for _, outcome, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

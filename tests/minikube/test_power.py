"""Power cuts: of the engine with all that runs in it, and of the lab's own making. Ends the lab's engine, whoever else uses it."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from engine import BRIDGE, answers
from person import LAB, as_ordinary, until
from places import Places, places

PRELOAD = "preloaded-tarball"


def lab(deed: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(LAB), deed], capture_output=True, text=True, timeout=seconds, check=False)


def by_the_unit(person: Any) -> subprocess.CompletedProcess[str]:
    """What the systemd unit runs at boot, with its variables, and with those that stand for an installation here."""
    unit = person.run("cluster", "boot", "--show", "--profile", person.profile).stdout
    lines = [line.partition("=") for line in unit.splitlines() if "=" in line]
    (command,) = (shlex.split(value) for name, _, value in lines if name == "ExecStart")
    variables = dict(shlex.split(value)[0].split("=", 1) for name, _, value in lines if name == "Environment")
    own = {key: value for key, value in person.environment.items() if key.startswith(("MININODE_TOOL_", "PYTHON"))}
    return subprocess.run(
        [*as_ordinary(), *command], env={**variables, **own}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900,
        check=False,
    )  # fmt: skip


@pytest.fixture
def own_engine(made: Any) -> Iterator[Places]:
    """The lab's engine; it is up again afterwards, and the cluster runs."""
    if not made.engine:
        pytest.skip("the engine is this machine's own: no test ends it")
    yield places()
    assert lab("up").returncode == 0
    assert made.ensure().returncode == 0


@pytest.mark.usefixtures("identity")
def test_after_a_reboot_everything_is_there(made: Any, own_engine: Places) -> None:
    """The engine and every container die at once, as by a power cut; then what the systemd unit runs."""
    made.docker("exec", made.profile, "sh", "-c", "echo before > /var/hostpath-provisioner/cut.txt; sync")
    assert lab("kill").returncode == 0
    assert not answers(own_engine)

    without = made.ensure()
    assert without.returncode == 4
    assert "Docker can't be used" in without.stderr
    assert "systemctl" in without.stderr

    assert lab("up").returncode == 0
    assert made.state_now() == "Stopped"
    done = by_the_unit(made)
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.state_now() == "Running"
    assert (made.data / "cut.txt").read_text() == "before\n"
    assert made.docker("exec", made.profile, "cat", "/var/hostpath-provisioner/cut.txt") == "before\n"
    assert "Ready" in made.kubectl("get", "nodes")


@pytest.mark.usefixtures("identity")
def test_lab_down_leaves_nothing_that_runs(made: Any, own_engine: Places) -> None:
    assert lab("down").returncode == 0
    assert not answers(own_engine)
    assert not Path("/sys/class/net", BRIDGE).exists()
    commands = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    assert [one for one in commands if str(own_engine.run) in one] == []
    assert lab("up").returncode == 0
    assert made.ensure().returncode == 0


def test_a_lab_whose_making_was_killed_is_made_whole_by_the_next_run(own_engine: Places) -> None:
    """Its longest part, the preload: killed while a machine packs it, with nothing of it finished."""
    (preload,) = (own_engine.cache / PRELOAD).glob("*.tar.lz4")
    whole = preload.stat()
    (own_engine.root / "preload.key").unlink()
    with subprocess.Popen([sys.executable, str(LAB), "up"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as making:
        part = preload.with_name(preload.name + ".part")
        until(part.exists, 300, "the preload is being packed")
        os.kill(making.pid, signal.SIGKILL)
    assert preload.stat().st_mtime == whole.st_mtime  # what was whole is not touched by what was cut off

    done = lab("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "preload:" in done.stdout
    assert preload.stat().st_mtime > whole.st_mtime
    assert not list(own_engine.root.rglob("*.part"))
    named = ["docker", "--host", f"unix://{own_engine.socket}", "ps", "-a", "--filter", "name=mininode-lab-preload", "-q"]
    assert subprocess.run(named, capture_output=True, text=True, check=True).stdout == ""
    quick = time.monotonic()
    assert lab("up").returncode == 0
    assert time.monotonic() - quick < 60

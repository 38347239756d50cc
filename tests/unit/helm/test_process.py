"""Starting Helm: real processes that are called helm, each a small script."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import mininode.helm.process as process_module
from mininode.errors import HelmError, ToolError
from mininode.helm.client import Helm
from mininode.helm.process import HelmCommand, helm_error

SECONDS = 20.0  # s until a condition must hold
NOTE = """
import json, os, signal, subprocess, sys, time
def note(what):
    with open({notes!r}, "a") as file:
        file.write(what + "\\n")
"""

Script = Callable[[str], Path]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def script(tmp_path: Path, notes: Path) -> Script:
    """A program called helm that does what the text says; `note(...)` writes a line down."""

    def make(text: str) -> Path:
        path = tmp_path / "helm"
        path.write_text(f"#!{sys.executable}\n{NOTE.format(notes=str(notes))}\n{text}")
        path.chmod(0o700)
        return path

    return make


def command(executable: Path, **settings: Any) -> HelmCommand:
    return HelmCommand(executable=executable, environment={"PATH": os.environ["PATH"]}, deadline=60, **settings)


async def noted(notes: Path, word: str) -> str:
    """The first line with this word, as soon as it is there."""
    async with asyncio.timeout(SECONDS):
        while True:
            lines = notes.read_text().splitlines() if notes.exists() else []
            if found := [line for line in lines if word in line]:
                return found[0]
            await asyncio.sleep(0.02)


async def gone(pid: int) -> None:
    async with asyncio.timeout(SECONDS):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.02)


async def test_what_it_prints_comes_back(script: Script) -> None:
    helm = script("print('hello', *sys.argv[1:])")
    assert await command(helm).run(["version"]) == b"hello version\n"


async def test_values_go_in_on_standard_input_and_never_on_the_command_line(script: Script, notes: Path) -> None:
    helm = Helm(script("note(json.dumps({'argv': sys.argv, 'stdin': sys.stdin.read()}))\nprint('{\"version\": 7}')"))
    revision = await helm.apply(
        "db", Path("/charts/db"), {"password": "PLAINTEXT"}, namespace="eucaim", labels={"a/b": "c"}, description="demo, 1"
    )
    seen = json.loads(await noted(notes, "argv"))
    assert revision == 7
    assert json.loads(seen["stdin"]) == {"password": "PLAINTEXT"}
    assert "PLAINTEXT" not in " ".join(seen["argv"])
    assert "a/b=c" in seen["argv"]


async def test_secrets_of_our_environment_stay_with_us(
    script: Script, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "PLAINTEXT")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.hospital.example:3128")
    helm = Helm(script("note(json.dumps(dict(os.environ)))\nprint('{}')"))
    await helm.uninstall("db", namespace="eucaim")
    seen = json.loads(await noted(notes, "PATH"))
    assert "PLAINTEXT" not in seen.values()
    assert seen["HTTPS_PROXY"] == "http://proxy.hospital.example:3128"
    assert not seen["HELM_CONFIG_HOME"].startswith(os.environ.get("HOME", "/nowhere"))


async def test_a_failure_is_its_last_useful_lines(script: Script) -> None:
    helm = script(
        "sys.stderr.write('level=INFO msg=start\\nWARNING: unimportant\\n\\n"
        "Error: UPGRADE FAILED: failed to create resource: quota exceeded\\n')\nsys.exit(1)"
    )
    with pytest.raises(HelmError) as caught:
        await command(helm).run(["upgrade", "db"])
    assert caught.value.message.startswith("helm upgrade: ")
    assert caught.value.message.endswith("quota exceeded")
    assert not any(noise in caught.value.message for noise in ("level=", "WARNING", "Error:", "\n"))
    assert caught.value.retry_soon is False


async def test_a_failure_without_a_word_is_told_all_the_same(script: Script) -> None:
    with pytest.raises(HelmError, match="helm upgrade: no message"):
        await command(script("sys.exit(3)")).run(["upgrade", "db"])


async def test_a_helm_that_somebody_killed_is_told_as_such(script: Script) -> None:
    """Its last line is news of its work, not the reason of its end."""
    with pytest.raises(HelmError, match=r"helm upgrade was killed \(signal 9\)") as caught:
        await command(script("print('level=INFO msg=x', file=sys.stderr)\nos.kill(os.getpid(), 9)")).run(["upgrade", "x"])
    assert caught.value.reason == "HelmKilled"


async def test_another_helm_at_work_is_no_failure_of_the_release(script: Script) -> None:
    said = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"
    with pytest.raises(HelmError) as caught:
        await command(script(f"sys.stderr.write({said!r})\nsys.exit(1)")).run(["upgrade", "db"])
    assert caught.value.retry_soon is True


def test_a_long_story_is_cut() -> None:
    assert len(helm_error("upgrade", "Error: " + "x" * 100_000).message) < 1100


async def test_cancelled_it_is_asked_to_end_with_all_its_children(script: Script, notes: Path) -> None:
    helm = script(
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "def end(*_):\n    note('asked to end')\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "note(f'started {os.getpid()} {child.pid} {os.getpgid(0)}')\n"
        "time.sleep(600)"
    )
    task = asyncio.create_task(command(helm).run(["upgrade", "db"]))
    _, own, child, group = (await noted(notes, "started")).split()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await noted(notes, "asked to end")
    assert own == group
    assert int(group) != os.getpgid(0)
    await gone(int(own))
    await gone(int(child))


async def test_what_will_not_end_is_ended(script: Script, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_STOP_SECONDS", 0.3)
    helm = script("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nnote(f'started {os.getpid()}')\ntime.sleep(600)")
    task = asyncio.create_task(command(helm).run(["upgrade", "db"]))
    pid = int((await noted(notes, "started")).split()[1])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(pid)


async def test_what_hangs_is_ended_and_told(script: Script, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = command(script("note(f'started {os.getpid()}')\ntime.sleep(600)"))
    monkeypatch.setattr(hanging, "_deadline", 1.0)
    with pytest.raises(HelmError, match="did not end within 1 s") as caught:
        await hanging.run(["upgrade", "db"])
    assert caught.value.reason == "HelmTimeout"
    await gone(int((await noted(notes, "started")).split()[1]))


async def test_no_helm_is_told_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="Helm can't be started") as caught:
        await command(tmp_path / "nowhere").run(["version"])
    assert "mininode tools doctor" in caught.value.advice


async def test_no_more_run_at_a_time_than_were_allowed(script: Script, notes: Path) -> None:
    helm = Helm(script("note('in')\ntime.sleep(0.2)\nnote('out')\nprint('{}')"), parallel=2)
    await asyncio.gather(*(helm.uninstall(f"r{i}", namespace="n") for i in range(5)))
    inside = most = 0
    for line in notes.read_text().splitlines():
        inside += 1 if line == "in" else -1
        most = max(most, inside)
    assert most <= 2
    assert helm.processes == 5

"""Processes are known by identity: a reused number, a stale record and a zombie are told from the real one."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mininode.cluster.processes import ProcessSpec, Supervisor
from mininode.errors import ToolError

SLEEP = shutil.which("sleep") or "/bin/sleep"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    one = Supervisor(tmp_path / "run", tmp_path / "logs")
    yield one
    for record in one.records():
        one.stop(record.name, 5)


def sleeper(name: str = "one", fingerprint: str = "1") -> ProcessSpec:
    return ProcessSpec(name, (SLEEP, "600"), {}, fingerprint)


def python(code: str, name: str = "one", **env: str) -> ProcessSpec:
    return ProcessSpec(name, (sys.executable, "-I", "-S", "-c", code), env, "1")


def until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 10
    while not (answer := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def change(tmp_path: Path, name: str, /, **fields: Any) -> None:
    """What a record looks like after something happened that a test can't wait for."""
    path = tmp_path / "run" / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_started_process_is_found_by_another_supervisor_and_stopped(supervisor: Supervisor, tmp_path: Path) -> None:
    record = supervisor.start(sleeper())
    other = Supervisor(tmp_path / "run", tmp_path / "logs")

    assert other.running("one") == record
    other.stop("one", 5)

    assert not runs(record.pid)
    assert other.records() == []


def test_it_is_no_child_of_ours_and_has_a_session_of_its_own(supervisor: Supervisor) -> None:
    pid = supervisor.start(sleeper()).pid

    assert psutil.Process(pid).ppid() != os.getpid()
    assert os.getsid(pid) == pid


def test_it_gets_exactly_the_environment_given_and_no_secret_shows(supervisor: Supervisor) -> None:
    code = "import os, time; print(sorted(os.environ), flush=True); time.sleep(600)"
    pid = supervisor.start(python(code, MINE="s3cret", LC_ALL="C")).pid

    assert until(lambda: supervisor.log("one").read_text()) == "['LC_ALL', 'MINE']\n"
    assert "s3cret" not in " ".join(psutil.Process(pid).cmdline())


def test_a_number_that_belongs_to_somebody_else_now_is_not_ours(supervisor: Supervisor, tmp_path: Path) -> None:
    stranger = subprocess.Popen([SLEEP, "600"], start_new_session=True)
    try:
        mine = supervisor.start(sleeper())
        change(tmp_path, "one", pid=stranger.pid)

        assert supervisor.running("one") is None
        supervisor.stop("one", 5)

        assert runs(stranger.pid)
        os.kill(mine.pid, signal.SIGKILL)
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("field", [{"executable": "/bin/other"}, {"moment": 1.0}])
def test_identity_is_more_than_the_number(supervisor: Supervisor, tmp_path: Path, field: dict[str, Any]) -> None:
    record = supervisor.start(sleeper())
    change(tmp_path, "one", **field)

    assert supervisor.running("one") is None

    change(tmp_path, "one", **dataclasses.asdict(record))
    assert supervisor.running("one") == record


@pytest.mark.parametrize("text", ["", "{}", "[]", "17", '{"pid": 1}', "\x00"])
def test_a_file_that_is_no_record_is_nothing(supervisor: Supervisor, tmp_path: Path, text: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "one.json").write_text(text)

    assert supervisor.running("one") is None
    assert supervisor.records() == []
    assert runs(supervisor.start(sleeper()).pid)


def test_a_killed_process_is_seen(supervisor: Supervisor) -> None:
    record = supervisor.start(sleeper())
    os.kill(record.pid, signal.SIGKILL)

    until(lambda: supervisor.running("one") is None)

    assert supervisor.record("one") == record  # what ran is still known


def test_what_does_not_listen_is_killed_with_its_children(supervisor: Supervisor) -> None:
    code = (
        "import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"child = subprocess.Popen([{SLEEP!r}, '600']); print(child.pid, flush=True); child.wait(); signal.pause()"
    )
    pid = supervisor.start(python(code)).pid
    child = int(until(lambda: supervisor.log("one").read_text()))

    supervisor.stop("one", 0.2)

    assert not runs(pid)
    assert not runs(child)


def test_children_of_a_dead_leader_are_stopped_too(supervisor: Supervisor) -> None:
    code = (
        f"import subprocess; child = subprocess.Popen([{SLEEP!r}, '600']); print(child.pid, flush=True); child.wait()"
    )
    pid = supervisor.start(python(code)).pid
    child = int(until(lambda: supervisor.log("one").read_text()))
    os.kill(pid, signal.SIGKILL)
    until(lambda: not runs(pid))

    supervisor.stop("one", 5)

    assert not runs(child)


def test_a_program_that_is_not_there_is_an_error_that_names_it(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="nowhere: No such file or directory"):
        supervisor.start(ProcessSpec("one", (str(tmp_path / "nowhere"),), {}, "1"))

    assert supervisor.records() == []


def test_the_run_before_keeps_its_log(supervisor: Supervisor) -> None:
    for word in ("first", "second"):
        supervisor.start(python(f"print({word!r})"))
        until(lambda: supervisor.running("one") is None)

    assert supervisor.log("one").read_text() == "second\n"
    assert supervisor.log("one").with_name("one.log.1").read_text() == "first\n"

"""Temporary files end with their process, also with one that was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mininode import scratch
from mininode.errors import ToolError

HOLDER = """
import tempfile, time
from mininode import scratch
with scratch.own():
    print(tempfile.mkstemp(suffix=".key")[1], flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    tempfile.tempdir = None


@pytest.fixture
def holder() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process with a temporary file."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], env={**os.environ, "PYTHONPATH": "operator"}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.wait(10)


def test_what_a_killed_process_left_is_removed_by_the_next(holder: tuple[subprocess.Popen[str], Path]) -> None:
    process, file = holder
    with scratch.own():
        assert file.exists()  # it lives, and so do its files
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert file.exists()
    with scratch.own():
        assert not file.exists()
        assert not file.parent.exists()


def test_temporary_files_are_in_the_process_s_own_folder_which_goes_with_it(tmp_path: Path) -> None:
    with scratch.own() as folder:
        descriptor, name = tempfile.mkstemp()
        os.close(descriptor)
        assert Path(name).parent == folder
        assert scratch.private() == folder.parent  # what processes share is not in it
    assert not folder.exists()
    assert tempfile.gettempdir() == str(tmp_path)


def test_a_folder_that_others_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"mininode-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(ToolError, match="not a private folder"), scratch.own():
        pass

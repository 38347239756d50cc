"""Trouble with mininode's own folders, told from trouble with other things."""

import errno
import os
from pathlib import Path

import pytest

from mininode.cli.own_folders import trouble


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "mininode").mkdir()
    return tmp_path / "mininode"


def failed(number: int, path: Path | str | None) -> OSError:
    return OSError(number, os.strerror(number), path)


def test_a_folder_of_another_user_names_the_chown(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: mine + 1)
    found = trouble(failed(errno.EACCES, state / "install/last.json"))
    assert found is not None
    assert found.message == f"{state}/install/last.json can't be used: Permission denied."
    assert f"sudo chown -R $USER {state}" in found.advice
    assert found.exit_code == 4


def test_a_folder_of_ones_own_that_is_closed_names_the_chmod(state: Path) -> None:
    found = trouble(failed(errno.EACCES, state / "install"))
    assert found is not None
    assert f"chmod u+rwx {state}" in found.advice


def test_a_full_disk_is_told(state: Path) -> None:
    found = trouble(failed(errno.ENOSPC, state / "install/follow.log"))
    assert found is not None
    assert "is full" in found.message


@pytest.mark.parametrize(
    "error",
    [
        failed(errno.EACCES, "/etc/shadow"),
        failed(errno.ECONNREFUSED, None),
        OSError("no number"),
        ValueError("something else"),
        FileNotFoundError(errno.ENOENT, "gone", "x"),
    ],
    ids=repr,
)
def test_anything_else_is_none_of_it(state: Path, error: Exception) -> None:  # noqa: ARG001 - our folders are elsewhere
    assert trouble(error) is None


def test_a_missing_file_of_ours_is_a_fault(state: Path) -> None:
    assert trouble(failed(errno.ENOENT, state / "install/never-written")) is None

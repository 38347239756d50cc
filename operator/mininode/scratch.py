"""Temporary files that do not outlive their process, not even one that was killed: certificates, keys, Helm's small folder.

A long-lived process keeps them in a folder of its own, with a lock that the kernel gives up when the process ends, however it
ends. Who starts next removes the folders whose lock nobody holds.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mininode.errors import ToolError

_LOCK = "lock"
_base: list[str] = []  # the machine's folder for temporary files, as it was before a process got one of its own


def private() -> Path:
    """A folder that only this user may read and write, the same for all processes of the user. Raises ToolError."""
    folder = Path(_base[0] if _base else tempfile.gettempdir()) / f"mininode-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise ToolError(f"{folder} is not a private folder of ours", "Remove it, or set TMPDIR to a folder of your own.")
    return folder


@contextmanager
def own() -> Iterator[Path]:
    """Temporary files of this process go into a folder of its own; what killed processes left is removed. Raises ToolError."""
    parent, before = private(), tempfile.tempdir
    with _locked(parent / _LOCK):  # nobody takes a folder for abandoned while it is being made
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix="process-", dir=parent))
        alive = _locked(folder / _LOCK)
        alive.__enter__()
    _base.append(tempfile.gettempdir())
    tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        _base.pop()
        shutil.rmtree(folder, ignore_errors=True)
        alive.__exit__(None, None, None)


def _sweep(parent: Path) -> None:
    for folder in parent.glob("process-*"):
        with contextlib.suppress(BlockingIOError, FileNotFoundError), _locked(folder / _LOCK, wait=False):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(file: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the file's lock. Raises BlockingIOError when another has it and it is not waited for."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)

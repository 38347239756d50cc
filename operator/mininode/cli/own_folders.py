"""Trouble with the folders that mininode keeps for itself, as a run with sudo leaves it: told as advice, wherever it shows."""

import errno
import os
from pathlib import Path

from mininode.errors import Unavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR})


def trouble(error: Exception) -> Unavailable | None:
    """The advice, where the error is about one of our own folders; None where it is about something else."""
    if not isinstance(error, OSError) or not isinstance(error.filename, str | os.PathLike):
        return None
    path = Path(os.fspath(error.filename)).absolute()
    top = next((one for one in _ours() if path.is_relative_to(one)), None)
    if top is None or error.errno not in _FULL | _CLOSED:
        return None
    if error.errno in _FULL:
        return Unavailable(
            f"The disk of {top} is full: {path.name} could not be written.",
            "Make room, and run the same command again. df -h shows the disks.",
            reason="DiskFull",
        )
    there = next(one for one in (path, *path.parents) if one.exists())
    return Unavailable(f"{path} can't be used: {error.strerror}.", _advice(there, top), reason="FolderClosed")


def _advice(there: Path, top: Path) -> str:
    if there.is_relative_to(top) and not there.is_dir() and there.is_file() and os.access(there, os.W_OK):
        return f"{there} is a file where a folder is to be: move it away."
    if there.stat().st_uid != os.getuid():
        chown = there if there.is_relative_to(top) else there / "mininode"
        return (
            f"{there} belongs to another user; a run with sudo leaves such files. If that was you: "
            f"sudo chown -R $USER {chown if chown.exists() else there}"
        )
    return f"Let yourself write there: chmod u+rwx {there}. Or name another place in XDG_STATE_HOME and XDG_CACHE_HOME."


def _ours() -> tuple[Path, ...]:
    """State, cache and configuration of this user."""
    import platformdirs  # only here: a fault of whatever is broken is asked about, too, and it may be this

    return tuple(
        folder("mininode", appauthor=False).absolute()
        for folder in (platformdirs.user_state_path, platformdirs.user_cache_path, platformdirs.user_data_path)
    )

"""One process at a time does a piece of work: a file lock that tells the person whom they wait for."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only_one(path: Path, say: Callable[[str], None], what: str) -> Iterator[None]:
    """Hold the lock file `path`; say once that another process is at `what` when it is taken.

    The kernel gives the lock back when its holder dies, so there is no stale lock to clean up. The file itself stays:
    removing it would let a third process lock a new file of that name while the second still waits on the old one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another mininode process is at work: {what}. Waiting for it.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

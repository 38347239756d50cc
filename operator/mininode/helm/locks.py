"""One Helm process a release on this machine: a file lock that the process itself carries until it ends.

An operator that is killed leaves its Helm processes at work for a moment. The lock is inherited by the Helm process, so the
operator that comes next sees that the release is still being worked on and does not take the half-done work for abandoned.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from mininode import scratch
from mininode.errors import HelmError


@contextmanager
def only_one(cluster: str, namespace: str, release: str) -> Iterator[int]:
    """The lock's file descriptor, to be handed to the process; `cluster` tells clusters of this machine apart.

    Raises HelmError (retry soon) when another has the lock, ToolError when somebody else made the folder of the locks.
    """
    name = hashlib.sha256(f"{cluster}\0{namespace}\0{release}".encode()).hexdigest()[:32]
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(scratch.private() / f"{name}.lock", flags, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HelmError(
                f"another Helm process is at work on release {release}", "It is looked at again soon.", retry_soon=True
            ) from error
        yield descriptor
    finally:
        os.close(descriptor)

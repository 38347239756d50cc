"""One Helm process a release on this machine: a file lock that the process itself carries until it ends.

An operator that is killed leaves its Helm processes at work for a moment. The lock is inherited by the Helm process, so the
operator that comes next sees that the release is still being worked on and does not take the half-done work for abandoned.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mininode.errors import HelmError


@contextmanager
def only_one(namespace: str, release: str) -> Iterator[int]:
    """The lock's file descriptor, to be handed to the process. Raises HelmError (retry soon) when another has it."""
    folder = Path(tempfile.gettempdir()) / f"mininode-helm-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    name = re.sub(r"[^a-z0-9.-]", "_", f"{namespace}.{release}")
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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

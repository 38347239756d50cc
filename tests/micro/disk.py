"""A disk for the node's data that is full when a test says so: a file that looks like 160 GiB and hardly takes any room."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE = 160 * 2**30  # a volume wants 100, and is tried out
_BLOCK = 2**20


@dataclass(frozen=True)
class Disk:
    """The disk, mounted at a folder."""

    folder: Path

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    @contextmanager
    def full(self) -> Iterator[None]:
        """Nothing is left while this lasts. Room is only set aside, so the file below stays small."""
        ballast = self.folder / "ballast"
        try:
            with ballast.open("wb") as file:
                step = SIZE
                while step >= 4096:
                    try:
                        os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
                    except OSError:
                        step //= 2
            yield
        finally:
            ballast.unlink()


@contextmanager
def a_disk(folder: Path) -> Iterator[Disk]:
    """A disk at this folder, which belongs to whom the folder above belongs to; gone afterwards. Wants root."""
    file = folder.parent / "disk.img"
    with file.open("wb") as image:
        image.truncate(SIZE)
    run = ("mkfs.ext4", "-q", "-m", "0", "-T", "largefile", str(file)), ("mount", "-o", "loop", str(file), str(folder))
    folder.mkdir()
    for command in run:
        subprocess.run(command, check=True, timeout=120)
    try:
        owner = folder.parent.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        (folder / "lost+found").rmdir()
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, timeout=60)
        file.unlink()

"""Looks at processor, memory, kernel and folders."""

import errno
import os
import platform
from pathlib import Path

import platformdirs
import psutil

from mininode.preflight.facts import Folder, Machine
from mininode.preflight.wish import Wish


def machine(_wish: Wish, root: Path = Path("/")) -> Machine:
    """The computer; `root` is where proc and sys are mounted below."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    version, controllers = _cgroups(root)
    return Machine(
        cores=psutil.cpu_count() or 1,
        memory=memory.total,
        available=memory.available,
        swap=swap.total,
        swap_used=swap.used,
        system=platform.system(),
        kernel=platform.release(),
        cgroup=version,
        controllers=controllers,
        selinux={"1": "enforcing", "0": "permissive"}.get(_text(root / "sys/fs/selinux/enforce"), ""),
        apparmor=_text(root / "sys/module/apparmor/parameters/enabled") == "Y",
        inotify_instances=_number(root / "proc/sys/fs/inotify/max_user_instances"),
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
        sudo_user=os.environ.get("SUDO_USER", ""),
    )


def data_folder(wish: Wish) -> Folder:
    """The folder that will hold the data."""
    return folder(Path(wish.data))


def software_folder(_wish: Wish) -> Folder:
    """Where programs and logs go; images go to the engine's disk, which mostly is the same."""
    return folder(platformdirs.user_cache_path("mininode", appauthor=False))


def folder(path: Path) -> Folder:
    """A folder that may not be there yet, and the disk that it is or will be on."""
    on = path.absolute()
    while not on.exists():
        on = on.parent
    usage = psutil.disk_usage(str(on))
    kind, device = _mount(on.resolve())
    return Folder(
        path=str(path),
        exists=path.is_dir(),
        on=str(on),
        filesystem=kind,
        device=device,
        free=usage.free,
        total=usage.total,
        acl=_acl(on),
        writable=os.access(on, os.W_OK | os.X_OK),
    )


def _mount(path: Path) -> tuple[str, str]:
    """File system and device of the mount that a path is on: the longest mount point above it."""
    mounts = [one for one in psutil.disk_partitions(all=True) if path.is_relative_to(one.mountpoint)]
    best = max(mounts, key=lambda one: len(one.mountpoint), default=None)
    return (best.fstype, best.device) if best else ("", "")


def _acl(path: Path) -> bool | None:
    """Whether the file system keeps access control lists: it says “no such data” where it does, “not supported” else."""
    if not hasattr(os, "getxattr"):
        return None
    try:
        os.getxattr(path, "system.posix_acl_access")
    except OSError as error:
        return {errno.ENODATA: True, errno.EOPNOTSUPP: False}.get(error.errno or 0)
    return True


def _cgroups(root: Path) -> tuple[int, frozenset[str]]:
    top = root / "sys/fs/cgroup"
    if (top / "cgroup.controllers").exists():
        return 2, frozenset(_text(top / "cgroup.controllers").split())
    return (1 if (top / "memory").is_dir() or (top / "cpu").exists() else 0), frozenset()


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path)
    return int(text) if text.isdigit() else 0

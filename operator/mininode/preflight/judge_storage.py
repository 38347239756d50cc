"""Judges the folder that will hold the data, and the disk below it. Pure."""

from mininode.preflight.facts import Folder
from mininode.preflight.findings import Finding, fail, ok, warn
from mininode.preflight.wish import DEMANDS, GIB, Wish

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "9p", "afs"})
_NO_OWNERS = frozenset({"vfat", "exfat", "msdos", "ntfs", "ntfs3", "fuseblk", "iso9660", "squashfs"})
_MEMORY = frozenset({"tmpfs", "ramfs"})
_LOW = 20 * GIB  # below it databases stop first, and the node cannot even be repaired


def judge_filesystem(seen: Folder, _wish: Wish) -> Finding:
    """Data on a local disk with owners and rights."""
    what = f"{seen.on} is {seen.filesystem or 'of an unknown kind'} on {seen.device or '?'}"
    if seen.exists and not seen.writable:
        return fail("filesystem", f"you may not write to {seen.path}", what, f"sudo chown $USER {seen.path}")
    if seen.filesystem in _MEMORY:
        return fail("filesystem", "the data would lie in memory and be gone after a restart", what, "Choose a folder on a disk")
    if seen.filesystem in _NO_OWNERS:
        return fail("filesystem", "this file system knows no owners and rights", what, "Choose a folder on ext4 or xfs")
    if seen.filesystem in _NETWORK:
        return warn(
            "filesystem",
            "the data would lie on a network file system: databases lose data there when its locks or its network fail",
            what,
            "Choose a folder on a local disk (ext4, xfs); keep images on the network only if its administrator agrees",
        )
    if seen.filesystem.startswith("fuse"):
        return warn("filesystem", "the data would lie on a file system of a program", what, "Choose a folder on ext4 or xfs")
    if seen.filesystem == "overlay":
        return warn("filesystem", "the data would lie inside a container and be gone with it", what, "Choose a folder on a disk")
    if not seen.exists and not seen.writable:
        return warn(
            "filesystem",
            f"{seen.path} is not there, and you may not make it",
            what,
            f"sudo install -d -o $USER -m 0750 {seen.path}",
        )
    return ok("filesystem", what)


def judge_data_room(seen: Folder, wish: Wish) -> Finding:
    """Room for what the volumes may hold."""
    have = f"{_gib(seen.free)} of {_gib(seen.total)} free on {seen.on}"
    command = (
        "Choose a folder on a larger disk (computer.dataFolder), or make room: " + f"sudo du -xh -d1 {seen.on} | sort -h | tail"
    )
    if seen.free < _LOW:
        return fail("data-disk", f"less than {_gib(_LOW)} are free for the data", have, command)
    if seen.free < wish.data_bytes:
        return warn("data-disk", f"the volumes may grow to {_gib(wish.data_bytes)}", have, command)
    tier = DEMANDS[wish.profile]
    if seen.total < tier.tier.disk:
        return warn(
            "data-disk",
            f"a smaller disk than the {_gib(tier.tier.disk)} of the federation's {tier.tier_name}",
            have,
            "Fine to try it",
        )
    return ok("data-disk", have)


def judge_software_room(seen: Folder, wish: Wish) -> Finding:
    """Room for programs, images and logs."""
    have = f"{_gib(seen.free)} free on {seen.on}"
    need = wish.least.disk
    if seen.free < need:
        return fail("disk", f"programs, images and logs need {_gib(need)}", have, f"sudo du -xh -d1 {seen.on} | sort -h | tail")
    return ok("disk", have)


def judge_acl(seen: Folder, _wish: Wish) -> Finding:
    """The dataset service gives people rights on single folders by access control lists."""
    if seen.acl is False:
        return warn(
            "acl",
            "this file system has no access control lists, by which people get rights on single data sets",
            f"{seen.on} ({seen.filesystem})",
            f"sudo mount -o remount,acl {seen.on}, or choose a folder on ext4 or xfs",
        )
    return ok("acl", "available" if seen.acl else "could not be told here")


def _gib(size: float) -> str:
    return f"{size / GIB:.0f} GiB"

"""How much room the disk of the data has left, as a condition of the node. Pure."""

from dataclasses import dataclass

from mininode.api.status import Truth
from mininode.components.base import Node
from mininode.engine.expiry import Said

_GIB = 2**30
FULL = 1 * _GIB  # a database that finds less may stop in the middle of a checkpoint
SCARCE = 10 * _GIB  # half of what an installation asks for: there is time to order a disk

ROOM_UNSEEN: Said = (Truth.UNKNOWN, "DiskUnseen", "The operator sees no disk of the node's data.")


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of a disk: all, and what can still be written."""

    total: int
    free: int


def room_said(space: Space | None, node: Node) -> Said:
    """What is to be said of the disk below the node's folder. The words stay while the amount moves a little."""
    folder = node.spec.storage.host_path
    if space is None or not folder:
        return ROOM_UNSEEN
    if space.free >= SCARCE:
        return Truth.TRUE, "DiskHasRoom", f"The disk of {folder} has {SCARCE // _GIB} GiB and more to give."
    below, reason = (FULL, "DiskFull") if space.free < FULL else (SCARCE, "DiskScarce")
    said = f"The disk of {folder} has less than {below // _GIB} GiB left of {space.total // _GIB} GiB."
    return Truth.FALSE, reason, f"{said} {_STOP if reason == 'DiskFull' else ''}{_advice(folder)}"


_STOP = "Databases stop when nothing is left, and go on by themselves once there is room. "


def _advice(folder: str) -> str:
    return (
        f"Make room on the machine (sudo du -xh -d1 {folder} | sort -h | tail), or move the data to a larger disk. "
        "Delete nothing in the folders of postgresql: what looks like logs there are data."
    )

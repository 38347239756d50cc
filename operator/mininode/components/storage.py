"""Storage: the claims that hold the node's data, and a trial of each before anything is placed on it.

The trial is a Job for each volume, as the user that the volume's application runs as: it writes, waits until the disk has
it, links, renames, sets modes and, where the application needs them, access lists, and compares sizes with the disk.
Gate: every trial is through. The engine waits for Jobs as for any workload; what a failing one said is in the status.
"""

from typing import Any

from mininode.api.spec import Profile
from mininode.components.base import Component, GateResult, Node, Probes, held
from mininode.components.volumes import FOLDER_CLAIM, class_name, in_bytes, size, volume_name, volumes


def _values(node: Node) -> dict[str, Any]:
    on_folder = bool(node.spec.storage.host_path)
    return {
        "className": class_name(node),
        "volumes": [
            {
                "name": volume.name,
                "component": component,
                "claim": FOLDER_CLAIM if on_folder else size(node, volume),
                "volumeName": volume_name(node, volume) if on_folder else "",
                "wantedBytes": str(in_bytes(size(node, volume))),
                "user": volume.user,
                "accessLists": volume.access_lists,
            }
            for component, volume in volumes(node).values()
        ],
    }


async def _gate(node: Node, probes: Probes) -> GateResult:  # noqa: ARG001 - the Jobs have asked; the engine has waited for them
    return held(f"{', '.join(volumes(node))} can be written to, keep what is written, and are large enough")


COMPONENT = Component(
    name="storage",
    summary="volumes of the node's data, tried out",
    profiles=frozenset({Profile.MICRO}),
    requires=("platform",),
    values=_values,
    gate=_gate,
    # An image that every node has anyway; the trial needs its shell, coreutils and Perl.
    images={"image": "postgresql"},
)

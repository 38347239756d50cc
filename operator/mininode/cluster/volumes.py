"""A node's volumes on folders of a machine, and the operator's own: put into a cluster by whoever installs.

It takes an administrator's rights, which the operator has not.

Nothing is made for a node on a class of the cluster. A second time changes nothing, but for a volume whose claim is gone: it
waits for a claim that never comes back, and is told to take the next one of the same name. Its folder is not touched.
"""

from mininode.cluster.setup import FIELD_MANAGER
from mininode.components.base import Node
from mininode.components.volumes import objects
from mininode.kube.client import Kube, Object
from mininode.kube.resources import BY_KIND, CLAIMS, PERSISTENT_VOLUMES
from mininode.manifests import keep


async def place(kube: Kube, node: Node) -> tuple[str, ...]:
    """Apply class and volumes; returns the names of volumes that were taken from a claim that is gone. Raises KubeError."""
    freed = []
    for wanted in [*objects(node), *keep.objects(node)]:
        there = await _put(kube, wanted)
        if wanted["kind"] == "PersistentVolume" and await _left_behind(kube, there):
            patch: Object = {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
            await kube.merge(PERSISTENT_VOLUMES, there["metadata"]["name"], patch)
            freed.append(str(there["metadata"]["name"]))
    return tuple(freed)


async def _put(kube: Kube, wanted: Object) -> Object:
    """Apply it; the operator's own volume stays where the first node of a cluster put it, for the folder can't be changed."""
    resource, meta = BY_KIND[wanted["kind"]], wanted["metadata"]
    if wanted["kind"] == "PersistentVolume" and meta["name"] == keep.NAME:
        there = await kube.get(resource, meta["name"])
        if there is not None:
            return there
    return await kube.apply(resource, wanted, meta.get("namespace"), manager=FIELD_MANAGER, force=True)


async def _left_behind(kube: Kube, volume: Object) -> bool:
    """Whether the volume belongs to a claim that is not there any more. What is there is never taken from anybody."""
    claim = volume["spec"]["claimRef"]
    if "uid" not in claim:
        return False
    found = await kube.get_metadata(CLAIMS, claim["name"], claim["namespace"])
    return found is None or found["metadata"]["uid"] != claim["uid"]

"""What an earlier revision of a release made and no revision has any more, still there.

Helm's last step of an upgrade deletes what the new revision leaves out. It reads each of these objects first, and when that
fails it goes on without a word (helm/pkg/kube/client.go of Helm 4.3, the end of `update`: "unable to get object"). The next
revision compares with this one, so nobody would ever delete it. What is looked at are the kinds that are followed (owned.py).
"""

from collections.abc import Collection

from mininode.engine.drift import LEFT_BEHIND, Drift
from mininode.engine.owned import Owned, exempt
from mininode.kube.client import Kube, Object
from mininode.kube.resources import BY_KIND

_KEEP = "helm.sh/resource-policy"
_RELEASE = "meta.helm.sh/release-name"


async def remove_leftovers(
    kube: Kube, owned: Owned, release: str, there: Collection[Object], *, enforce: bool
) -> tuple[Drift, ...]:
    """Delete what Helm made for this release and is not among these objects of it; with `enforce` off only tell.

    Raises KubeError.
    """
    wanted = {(one["kind"], one["metadata"]["name"]) for one in there}
    found = []
    for kind, name in owned.made_by_helm(release):
        if (kind, name) in wanted:
            continue
        live = await kube.get_metadata(BY_KIND[kind], name, owned.namespace)
        if live is None or not _ours_to_delete(live, release):
            continue
        if enforce:
            await kube.delete(BY_KIND[kind], name, owned.namespace, uid=live["metadata"]["uid"])
        found.append(Drift(kind, name, LEFT_BEHIND, enforce))
    return tuple(found)


def _ours_to_delete(live: Object, release: str) -> bool:
    meta = live["metadata"]
    annotations = meta.get("annotations") or {}
    mine = annotations.get(_RELEASE) == release and _KEEP not in annotations
    return mine and not exempt(live) and not meta.get("deletionTimestamp")

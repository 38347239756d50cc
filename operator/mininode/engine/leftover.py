"""What Helm would leave behind: it reads an object before it deletes it, and passes over what it can't read, without an error.

An upgrade's last step deletes what the new revision leaves out (helm/pkg/kube/client.go of Helm 4.3, the end of `update`:
"unable to get object"). The next revision compares with this one, so nobody would ever delete it: it is looked for after each
upgrade, among the kinds that are followed (owned.py). An uninstall (helm/pkg/action/validate.go, `verifyOwnershipBeforeDelete`)
then forgets the release altogether, and knows the newest revision only: what a release made is deleted before Helm is asked to.
"""

from collections.abc import Collection

from mininode.engine.drift import LEFT_BEHIND, Drift
from mininode.engine.owned import Owned, exempt
from mininode.engine.stored import manifests
from mininode.kube.client import Kube, Object
from mininode.kube.resources import BY_KIND

_KEEP = "helm.sh/resource-policy"
_RELEASE, _NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


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
        if live is None or exempt(live) or not _helm_would_delete(live, release, owned.namespace):
            continue
        if enforce:
            await kube.delete(BY_KIND[kind], name, owned.namespace, uid=live["metadata"]["uid"])
        found.append(Drift(kind, name, LEFT_BEHIND, enforce))
    return tuple(found)


async def remove_made(kube: Kube, release: str, namespace: str) -> None:
    """Delete what any revision of a release made, the last made first, but for what its chart says to keep. Raises KubeError."""
    for item in reversed(await manifests(kube, release, namespace)):
        resource, name = BY_KIND.get(item["kind"]), item["metadata"]["name"]
        # A release that was made by hand may hold kinds that no chart of ours has: they are Helm's.
        if resource is None or _KEEP in item["metadata"]["annotations"]:
            continue
        live = await kube.get_metadata(resource, name, namespace)
        if live is not None and _helm_would_delete(live, release, namespace):
            await kube.delete(resource, name, namespace, uid=live["metadata"]["uid"])


def _helm_would_delete(live: Object, release: str, namespace: str) -> bool:
    meta = live["metadata"]
    annotations = meta.get("annotations") or {}
    mine = (annotations.get(_RELEASE), annotations.get(_NAMESPACE)) == (release, namespace)
    return mine and _KEEP not in annotations and not meta.get("deletionTimestamp")

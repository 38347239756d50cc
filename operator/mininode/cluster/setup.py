"""What a cluster needs before it can have a node: the CRD, the operator's account and rights, the node's namespace.

Everything is applied server-side from the manifests in the tree, so a second time changes nothing.
"""

import asyncio
from collections.abc import Iterable

from mininode.errors import KubeError
from mininode.kube.client import Kube, Object
from mininode.kube.resources import BY_KIND, CRDS, SERVICE_ACCOUNTS
from mininode.manifests.objects import (
    CRD_NAME,
    OPERATOR_ACCOUNT,
    OPERATOR_NAMESPACE,
    crd,
    node_namespace,
    operator_namespace,
    operator_rights,
)

FIELD_MANAGER = "mininode-install"
_ESTABLISHED_WITHIN = 30.0  # s; takes well under one


async def prepare(kube: Kube, namespace: str) -> None:
    """Apply CRD, operator account and rights, and the node's namespace; wait until the API serves the CRD."""
    await apply(kube, [crd(), *operator_namespace(), *operator_rights(), *node_namespace(namespace)])
    await established(kube)


async def operator_token(kube: Kube, seconds: int) -> str:
    """A token of the operator's service account, valid for `seconds`."""
    body: Object = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds},
    }
    answer = await kube.create(SERVICE_ACCOUNTS, body, OPERATOR_NAMESPACE, subresource=(OPERATOR_ACCOUNT, "token"))
    if answer is None:
        raise KubeError("the operator's token was refused")
    return str(answer["status"]["token"])


async def apply(kube: Kube, objects: Iterable[Object]) -> None:
    """Apply the objects one after the other, as the installer."""
    for one in objects:
        await kube.apply(BY_KIND[one["kind"]], one, one["metadata"].get("namespace"), manager=FIELD_MANAGER, force=True)


async def established(kube: Kube) -> None:
    """Return when the API serves EucaimNode."""
    async with asyncio.timeout(_ESTABLISHED_WITHIN):
        while True:
            found = await kube.get(CRDS, CRD_NAME) or {}
            conditions = {one["type"]: one for one in found.get("status", {}).get("conditions", [])}
            if conditions.get("Established", {}).get("status") == "True":
                return
            if (refused := conditions.get("NamesAccepted", {})).get("status") == "False":
                raise KubeError(f"the cluster does not take the resource EucaimNode: {refused.get('message')}")
            await asyncio.sleep(0.1)

"""What a cluster needs before it can have a node: the CRD, the operator's account and rights, the node's namespace.

Everything is applied server-side from the manifests in the tree, so a second time changes nothing.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from mininode.assets import asset
from mininode.errors import KubeError
from mininode.kube.client import Kube, Object
from mininode.kube.resources import BY_KIND, CRDS, SERVICE_ACCOUNTS

FIELD_MANAGER = "mininode-install"
OPERATOR_NAMESPACE = "mininode-system"
OPERATOR_ACCOUNT = "mininode-operator"
CRD_FILE = "crd/eucaimnodes.mininode.cancerimage.eu.yaml"
_ESTABLISHED_WITHIN = 30.0  # s; takes well under one


async def prepare(kube: Kube, namespace: str) -> None:
    """Apply CRD, operator account and rights, and the node's namespace; wait until the API serves the CRD."""
    for file in (CRD_FILE, "operator/namespace.yaml", "operator/rbac.yaml"):
        await _apply(kube, _manifest(file))
    await _apply(kube, _for_namespace(_manifest("operator/node-namespace.yaml"), namespace))
    await _established(kube)


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


async def _apply(kube: Kube, objects: Iterable[Object]) -> None:
    for one in objects:
        await kube.apply(BY_KIND[one["kind"]], one, one["metadata"].get("namespace"), manager=FIELD_MANAGER, force=True)


async def _established(kube: Kube) -> None:
    name = Path(CRD_FILE).stem
    async with asyncio.timeout(_ESTABLISHED_WITHIN):
        while True:
            crd = await kube.get(CRDS, name) or {}
            conditions = {one["type"]: one for one in crd.get("status", {}).get("conditions", [])}
            if conditions.get("Established", {}).get("status") == "True":
                return
            if (refused := conditions.get("NamesAccepted", {})).get("status") == "False":
                raise KubeError(f"the cluster does not take the resource EucaimNode: {refused.get('message')}")
            await asyncio.sleep(0.1)


def _manifest(file: str) -> list[Object]:
    return [one for one in yaml.safe_load_all((asset("manifests") / file).read_text()) if one]


def _for_namespace(objects: list[Object], namespace: str) -> list[Object]:
    """The manifests of a node's namespace under another name."""

    def moved(one: Object) -> Object:
        meta: dict[str, Any] = dict(one["metadata"])
        meta["name" if one["kind"] == "Namespace" else "namespace"] = namespace
        return {**one, "metadata": meta}

    return [moved(one) for one in objects]

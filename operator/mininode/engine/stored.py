"""What Helm stored with a revision, read from its Secret: objects and values, without a Helm."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from mininode.documents import yaml_documents
from mininode.errors import KubeError
from mininode.kube.client import Kube, Object
from mininode.kube.resources import SECRETS
from mininode.planning.release import secret_name


async def manifest(kube: Kube, release: str, revision: int, namespace: str) -> list[Object]:
    """The objects of a release, as Helm stored them with the revision, with the marks that Helm adds when it applies them.

    Raises KubeError, also when the revision is gone by now.
    """
    return _objects(await _revision(kube, release, revision, namespace), release, namespace)


async def manifests(kube: Kube, release: str, namespace: str) -> list[Object]:
    """The objects of every revision that Helm holds of a release, the newest revision's first. Raises KubeError."""
    stored = await kube.list(SECRETS, namespace, labels=f"owner=helm,name={release}")
    newest_first = sorted(stored, key=lambda one: int(one["metadata"]["labels"]["version"]), reverse=True)
    found: dict[tuple[str, str], Object] = {}
    for one in newest_first:
        for item in _objects(one, release, namespace):
            found.setdefault((item["kind"], item["metadata"]["name"]), item)
    return list(found.values())


async def values(kube: Kube, release: str, revision: int, namespace: str) -> Mapping[str, Any]:
    """The values that a revision was made from. Raises KubeError, also when the revision is gone by now."""
    return _payload(await _revision(kube, release, revision, namespace)).get("config") or {}


async def _revision(kube: Kube, release: str, revision: int, namespace: str) -> Object:
    stored = await kube.get(SECRETS, secret_name(release, revision), namespace)
    if stored is None:
        raise KubeError(f"revision {revision} of {release} is gone", reason="NotFound", code=404)
    return stored


def _payload(stored: Object) -> dict[str, Any]:
    # helm/pkg/storage/driver/util.go: JSON, gzip, base64; and base64 once more by Kubernetes.
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(stored["data"]["release"]))))
    return found


def _objects(stored: Object, release: str, namespace: str) -> list[Object]:
    return [_marked(item, release, namespace) for item in yaml_documents(_payload(stored)["manifest"]) if item]


def _marked(item: Object, release: str, namespace: str) -> Object:
    meta = dict(item["metadata"])
    meta["labels"] = {**(meta.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    meta["annotations"] = {
        **(meta.get("annotations") or {}),
        "meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": namespace,
    }
    return {**item, "metadata": {**meta, "namespace": namespace}}

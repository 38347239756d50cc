"""Putting right what was changed or deleted by hand: each object of the release's own manifest, applied as Helm applied it.

Server-side apply touches only the fields that the chart sets; what others added (replicas under an autoscaler, side-cars,
a restart's annotation) stays. An object that is as it should be is not written: its resourceVersion does not move.
"""

import base64
import gzip
import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import yaml

from mininode.engine.owned import HELM_MANAGER, exempt
from mininode.errors import KubeError
from mininode.kube.client import Kube, Object
from mininode.kube.resources import BY_KIND, SECRETS
from mininode.planning.release import secret_name

# What the API server writes by itself, so that it says nothing about a person's change.
_SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")

LEFT_BEHIND = "left behind"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drift:
    """One object that was not as its chart says."""

    kind: str
    name: str
    was: str  # `deleted`, `changed` or LEFT_BEHIND
    corrected: bool

    @property
    def sentence(self) -> str:
        """For people."""
        how, right = ("by an earlier revision", "removed") if self.was == LEFT_BEHIND else ("by hand", "put right")
        return f"{self.kind} {self.name} was {self.was} {how} and {f'was {right}' if self.corrected else 'is left so'}"


async def manifest(kube: Kube, release: str, revision: int, namespace: str) -> list[Object]:
    """The objects of a release, as Helm stored them with the revision, with the marks that Helm adds when it applies them.

    Raises KubeError, also when the revision is gone by now.
    """
    stored = await kube.get(SECRETS, secret_name(release, revision), namespace)
    if stored is None:
        raise KubeError(f"revision {revision} of {release} is gone", reason="NotFound", code=404)
    return _objects(stored, release, namespace)


async def manifests(kube: Kube, release: str, namespace: str) -> list[Object]:
    """The objects of every revision that Helm holds of a release, the newest revision's first. Raises KubeError."""
    stored = await kube.list(SECRETS, namespace, labels=f"owner=helm,name={release}")
    newest_first = sorted(stored, key=lambda one: int(one["metadata"]["labels"]["version"]), reverse=True)
    found: dict[tuple[str, str], Object] = {}
    for one in newest_first:
        for item in _objects(one, release, namespace):
            found.setdefault((item["kind"], item["metadata"]["name"]), item)
    return list(found.values())


def _objects(stored: Object, release: str, namespace: str) -> list[Object]:
    # helm/pkg/storage/driver/util.go: JSON, gzip, base64; and base64 once more by Kubernetes.
    text = gzip.decompress(base64.b64decode(base64.b64decode(stored["data"]["release"])))
    return [_marked(item, release, namespace) for item in yaml.safe_load_all(json.loads(text)["manifest"]) if item]


def _marked(item: Object, release: str, namespace: str) -> Object:
    meta = dict(item["metadata"])
    meta["labels"] = {**(meta.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    meta["annotations"] = {
        **(meta.get("annotations") or {}),
        "meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": namespace,
    }
    return {**item, "metadata": {**meta, "namespace": namespace}}


async def correct(
    kube: Kube, items: Collection[Object], namespace: str, *, suspects: Collection[tuple[str, str]] | None, enforce: bool
) -> tuple[Drift, ...]:
    """Put right the suspected ones of a release's objects, or all with None; with `enforce` off only tell. Raises KubeError."""
    found = []
    for item in items:
        kind, name = item["kind"], item["metadata"]["name"]
        if suspects is not None and (kind, name) not in suspects:
            continue
        if (drift := await _one(kube, item, namespace, enforce=enforce)) is not None:
            found.append(drift)
    return tuple(found)


async def _one(kube: Kube, item: Object, namespace: str, *, enforce: bool) -> Drift | None:
    kind, name = item["kind"], item["metadata"]["name"]
    resource = BY_KIND[kind]
    live = await kube.get(resource, name, namespace)
    if live is not None and (exempt(live) or live["metadata"].get("deletionTimestamp")):
        return None
    after = await kube.apply(resource, item, namespace, manager=HELM_MANAGER, force=True, dry_run=not enforce)
    if live is None:
        return Drift(kind, name, "deleted", enforce)
    # By content: the resourceVersion may have moved between our two requests, with a controller's word on the status.
    return Drift(kind, name, "changed", enforce) if _bare(live) != _bare(after) else None


def _bare(item: Object) -> dict[str, Any]:
    meta = {key: value for key, value in item["metadata"].items() if key not in _SERVERS_OWN}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": meta}

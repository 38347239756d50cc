"""Putting right what was changed or deleted by hand: each object of the release's own manifest, applied as Helm applied it.

Server-side apply touches only the fields that the chart sets; what others added (replicas under an autoscaler, side-cars,
a restart's annotation) stays. An object that is as it should be is not written: its resourceVersion does not move.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from mininode.engine.owned import HELM_MANAGER, exempt
from mininode.kube.client import Kube, Object
from mininode.kube.resources import BY_KIND

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

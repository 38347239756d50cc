"""What a node owns, in memory: followed by watches, so that health costs no request and a change by hand is seen at once.

A change by hand is told from our own by who owns which field: Helm applies server-side under the name `helm`, we under our
own names, and the API server takes a field off a writer's list when somebody else sets it to another value or removes it. So
an object of which such a list shrank, while that writer itself did not write, or that is gone, was changed by hand
(ManagedFieldsEntry.time, Kubernetes API: it does not move when another manager takes a field over).
"""

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from mininode.api import COMPONENT_LABEL, DRIFT_ANNOTATION, DRIFT_IGNORE, NO_RELEASES, NODE_LABEL, STOPPED_ANNOTATION
from mininode.credentials.store import CREDENTIAL_LABEL, NEXT_LABEL_VALUE
from mininode.engine.health import not_ready
from mininode.kube.client import Kube, Object
from mininode.kube.reflector import Reflector
from mininode.kube.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    NETWORK_POLICIES,
    PODS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
)

HELM_MANAGER = "helm"  # helm/pkg/kube: the program's name
FIELD_MANAGER = "mininode-operator"  # the name under which we apply
_CREATOR = "mininode"  # what the API server notes for objects that we create: the user agent up to its slash
_WRITERS = (HELM_MANAGER, FIELD_MANAGER, _CREATOR)
_FIELDS_DIGITS = 32  # of a list of fields that is only compared
_KEPT_METADATA = ("name", "resourceVersion", "generation", "labels", "deletionTimestamp")
_KEPT_ANNOTATIONS = (DRIFT_ANNOTATION, STOPPED_ANNOTATION)
_KEPT_SPEC = ("replicas", "completions", "selector", "nodeName")
_KEPT_STATUS = (
    "observedGeneration", "replicas", "readyReplicas", "updatedReplicas", "conditions", "phase", "containerStatuses",
    "initContainerStatuses",
)  # fmt: skip
_KEPT_IN = {
    "conditions": ("type", "status", "reason", "message"),
    "containerStatuses": ("name", "state", "lastState"),
    "initContainerStatuses": ("name", "state", "lastState"),
}
WORKLOADS = ("Deployment", "StatefulSet", "Job")
_WATCHED = (
    ("Deployment", DEPLOYMENTS, False),
    ("StatefulSet", STATEFUL_SETS, False),
    ("Job", JOBS, False),
    ("Pod", PODS, False),
    ("Service", SERVICES, True),
    ("ConfigMap", CONFIG_MAPS, True),
    ("NetworkPolicy", NETWORK_POLICIES, True),
    ("Secret", SECRETS, True),  # metadata only: no value of a credential ever sits in a watch
)


@dataclass(slots=True)
class Owned:
    """The objects of one node."""

    kube: Kube
    node: str
    namespace: str
    stirred: Callable[[str], None]  # told a component whose pods or workloads changed
    drifted: Callable[[str], None]  # told a component of which an object was changed by hand
    left: Mapping[str, Collection[tuple[str, str]]] = field(default_factory=dict)  # component -> known as changed, left so
    suspects: dict[str, set[tuple[str, str]]] = field(default_factory=dict)  # component -> kind and name
    _kinds: dict[str, Reflector] = field(default_factory=dict)

    async def follow(self) -> None:
        """Keep up to date until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for kind, resource, metadata_only in _WATCHED:
                # Helm's own Secrets carry the label as well; they change with every revision.
                labels = f"{NODE_LABEL}={self.node}" + (f",{NO_RELEASES}" if kind == "Secret" else "")
                reflector = Reflector(self.kube, kind, resource, self.namespace, labels, self._changed, metadata_only, lean)
                self._kinds[kind] = reflector
                tasks.create_task(reflector.run())

    @property
    def synced(self) -> bool:
        """Whether all that pods and workloads do is known."""
        return all(kind in self._kinds and self._kinds[kind].synced.is_set() for kind in (*WORKLOADS, "Pod"))

    def workloads(self, component: str) -> list[Object]:
        """The component's workloads, as far as is known."""
        return [{**item, "kind": kind} for kind in WORKLOADS for item in self._of(kind, component)]

    def pods(self, component: str) -> list[Object]:
        """The component's pods, as far as is known."""
        return self._of("Pod", component)

    def made_by_helm(self, component: str) -> list[tuple[str, str]]:
        """Kind and name of what Helm made for the component, as far as is known."""
        return [
            (kind, item["metadata"]["name"])
            for kind in self._kinds
            for item in self._of(kind, component)
            if HELM_MANAGER in _written(item)
        ]

    def next_values(self) -> dict[str, str]:
        """Credentials that have a next value, by the component whose they are."""
        reflector = self._kinds.get("Secret")
        found = {} if reflector is None else reflector.objects
        return {
            name.removesuffix(".next"): _component(item)
            for name, item in sorted(found.items())
            if (item["metadata"].get("labels") or {}).get(CREDENTIAL_LABEL) == NEXT_LABEL_VALUE
        }

    def known(self, kind: str, name: str) -> Object | None:
        """An object as it was seen last."""
        reflector = self._kinds.get(kind)
        return reflector.objects.get(name) if reflector else None

    @staticmethod
    def _unwell(kind: str, item: Object) -> bool:
        """Whether an object of the first list needs a question at once; what is well waits its turn, or a start is a storm."""
        return kind in WORKLOADS and not_ready([{**item, "kind": kind}], ()) is not None

    def _of(self, kind: str, component: str) -> list[Object]:
        reflector = self._kinds.get(kind)
        return (
            [] if reflector is None else [item for item in reflector.objects.values() if _component(item) == component]
        )

    def _changed(self, reflector: Reflector, before: Object | None, after: Object | None) -> None:
        item = after or before
        if item is None or not (component := _component(item)):
            return
        if reflector.kind in (*WORKLOADS, "Pod") and (reflector.synced.is_set() or self._unwell(reflector.kind, item)):
            self.stirred(component)
        if (item["metadata"].get("labels") or {}).get(CREDENTIAL_LABEL) == NEXT_LABEL_VALUE:
            self.drifted(component)  # somebody wishes for another value, or it is done: have a look
            return
        which = (reflector.kind, item["metadata"]["name"])
        # What is left as people made it may come right by their hands as well, and that takes nothing from anybody.
        if reflector.synced.is_set() and (by_hand(before, after) or which in self.left.get(component, ())):
            self.suspects.setdefault(component, set()).add(which)
            self.drifted(component)


def lean(item: Object) -> Object:
    """What is looked at here and in health.py, and nothing else: it is kept for every object of every node."""
    meta, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    annotations = meta.get("annotations") or {}
    found: Object = {"metadata": {key: meta[key] for key in _KEPT_METADATA if key in meta}}
    found["metadata"]["managedFields"] = [
        {"manager": one["manager"], "time": one.get("time"), "fieldsV1": _fields(one)} for one in _written(item).values()
    ]
    if kept := {key: annotations[key] for key in _KEPT_ANNOTATIONS if key in annotations}:
        found["metadata"]["annotations"] = kept
    found["spec"] = {key: spec[key] for key in _KEPT_SPEC if key in spec}
    found["status"] = {key: value for key, value in status.items() if key in _KEPT_STATUS}
    for key, words in _KEPT_IN.items():
        if key in status:
            found["status"][key] = [{word: one[word] for word in words if word in one} for one in status[key] or ()]
    return cast(Object, _sharing(found))


def _sharing(value: Any) -> Any:
    """The same, with each word in memory once: hundreds of objects carry the same labels and say the same."""
    if isinstance(value, dict):
        return {sys.intern(key): _sharing(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_sharing(one) for one in value]
    return sys.intern(value) if isinstance(value, str) else value


def by_hand(before: Object | None, after: Object | None) -> bool:
    """Whether this change took something from Helm or from us that the writer did not give up itself."""
    if before is None or exempt(before) or not (entries := _written(before)):
        return False
    if after is None:
        return True
    if exempt(after):
        return False
    now = _written(after)
    return any(
        writer not in now or (now[writer]["time"] == entry["time"] and _fields(now[writer]) != _fields(entry))
        for writer, entry in entries.items()
    )


def exempt(item: Object) -> bool:
    """Whether the object carries an annotation that tells to leave it alone: a person's, or our own in a credential's change."""
    annotations = item["metadata"].get("annotations") or {}
    return annotations.get(DRIFT_ANNOTATION) == DRIFT_IGNORE or STOPPED_ANNOTATION in annotations


def _written(item: Object) -> dict[str, Object]:
    """What Helm and we set of the object, by writer."""
    entries = item["metadata"].get("managedFields") or []
    return {one["manager"]: one for one in entries if one.get("manager") in _WRITERS and not one.get("subresource")}


def _fields(entry: Object) -> str:
    fields = entry.get("fieldsV1")
    if isinstance(fields, str):  # made lean before
        return fields
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:_FIELDS_DIGITS]


def _component(item: Object) -> str:
    return str((item["metadata"].get("labels") or {}).get(COMPONENT_LABEL, ""))

"""What the operator itself writes down about a node, where the one LIST of Helm's releases finds it too.

- A *record* for each component without a chart, with the labels of a release: what it was made from, and by whose node.
- The node's *facts*, so that an operator that starts anew plans as the former one did, and so does `mininode plan`.

Both are Secrets with nothing in them: only their metadata counts. As Helm's revisions are Secrets, one metadata-only LIST
tells releases, records and facts, and a node where nothing is to be done costs no further request.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from mininode.api import API_VERSION, COMPONENT_LABEL, GROUP, INPUTS_LABEL, KIND, NODE_LABEL, OWNED_BY_OPERATOR, OWNER_LABEL
from mininode.components.base import NOTHING_SEEN, Facts, Node
from mininode.engine.owned import FIELD_MANAGER
from mininode.kube.client import Kube
from mininode.kube.resources import SECRETS
from mininode.planning.release import ReleaseStatus

FACTS_ANNOTATION = f"{GROUP}/facts"
_TYPE = f"{GROUP}/record"


def record_name(component: str) -> str:
    """Name of a component's record."""
    return f"{GROUP}.record.v1.{component}"


def facts_name(node: str) -> str:
    """Name of the Secret that carries a node's facts."""
    return f"{GROUP}.facts.v1.{node}"


def facts_in(secrets: Iterable[Mapping[str, Any]], node: str) -> Facts:
    """The facts of a node among the Secrets' metadata; what can't be read is not seen yet."""
    name = facts_name(node)
    known = {one.name for one in fields(Facts)}
    for secret in secrets:
        if secret["metadata"]["name"] == name:
            try:
                found = json.loads((secret["metadata"].get("annotations") or {}).get(FACTS_ANNOTATION, "{}"))
                return Facts(**{key: str(value) for key, value in found.items() if key in known})
            except (ValueError, AttributeError):  # somebody wrote something else there: gates tell anew
                return NOTHING_SEEN
    return NOTHING_SEEN


def joined(listed: Facts, remembered: Facts) -> Facts:
    """What was listed, and what is remembered where nothing is listed: somebody may have deleted it."""
    return replace(remembered, **{key: value for key, value in asdict(listed).items() if value})


async def write_facts(kube: Kube, node: Node, facts: Facts, uid: str) -> str:
    """Write the node's facts, which go with the resource of this uid; returns the version that shows them. Raises KubeError."""
    told = {key: value for key, value in asdict(facts).items() if value}
    body = _secret(node, facts_name(node.name), {}, {FACTS_ANNOTATION: json.dumps(told, sort_keys=True)})
    if uid:
        body["metadata"]["ownerReferences"] = [{"apiVersion": API_VERSION, "kind": KIND, "name": node.name, "uid": uid}]
    written = await kube.apply(SECRETS, body, node.namespace, manager=FIELD_MANAGER, force=True)
    return str(written["metadata"]["resourceVersion"])


async def write_record(kube: Kube, node: Node, component: str, digest: str, revision: int) -> int:
    """Write what the component is to be made from; returns the revision. Raises KubeError."""
    labels = {
        COMPONENT_LABEL: component,
        INPUTS_LABEL: digest,
        # As Helm's storage labels its revisions (planning/release.py reads both).
        "name": component,
        "version": str(revision),
        "status": ReleaseStatus.DEPLOYED.value,
    }
    body = _secret(node, record_name(component), labels, {})
    await kube.apply(SECRETS, body, node.namespace, manager=FIELD_MANAGER, force=True)
    return revision


async def notes(kube: Kube, node: Node, component: str) -> dict[str, str]:
    """What was noted at the component's record. Raises KubeError."""
    found = await kube.get_metadata(SECRETS, record_name(component), node.namespace)
    annotations = (found or {}).get("metadata", {}).get("annotations") or {}
    return {key.rpartition("/")[2]: value for key, value in annotations.items() if key.startswith(f"{GROUP}/")}


async def note(kube: Kube, node: Node, component: str, **texts: str) -> None:
    """Note something at the component's record; a new revision keeps it. Raises KubeError."""
    annotations = {f"{GROUP}/{key}": value for key, value in texts.items()}
    await kube.merge(SECRETS, record_name(component), {"metadata": {"annotations": annotations}}, node.namespace)


async def remove_record(kube: Kube, node: Node, component: str) -> None:
    """Forget that the component was made. Raises KubeError."""
    await kube.delete(SECRETS, record_name(component), node.namespace)


def _secret(node: Node, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": node.namespace,
            "labels": {
                OWNER_LABEL: OWNED_BY_OPERATOR,
                NODE_LABEL: node.name,
                "app.kubernetes.io/managed-by": "mininode",
                **labels,
            },
            "annotations": dict(annotations),
        },
        "type": _TYPE,
    }

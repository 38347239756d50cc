"""Faults of the installer before us that were harm done by running it again: looked for in the API server's own log.

One node is run through its life: declared, declared again, looked at anew, upgraded, looked at anew. Whatever the operator and its
Helm asked the API server for meanwhile is in `Life.asked`. Numbers: tests/unit/faults/test_faults.py.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mininode.cluster.rehearsal import Rehearsal
from mininode.errors import KubeError
from mininode.kube.client import Kube
from mininode.kube.resources import CONFIG_MAPS

from .conftest import SETTLE, Asked, Kubectl, Node, Operator

pytestmark = pytest.mark.control_plane

OF_OTHERS = "hospital.example/backup-runs"


@dataclass(frozen=True)
class Life:
    """What a node's second and third run asked for, and how its things were before and after."""

    node: Node
    kubectl: Kubectl
    asked: list[dict[str, Any]]
    uids: tuple[dict[str, str], dict[str, str]]
    templates: tuple[dict[str, str], dict[str, str]]  # of pods
    configuration: tuple[dict[str, str], dict[str, str]]  # what ConfigMaps hold
    helm: list[str]

    def deleted(self, *resources: str) -> list[str]:
        """What was deleted of these resources; Helm's own records of revisions and jobs that had ended don't count."""
        return [
            f"{one['objectRef']['resource']} {one['objectRef'].get('name', '(all)')}"
            for one in self.asked
            if one["verb"] in {"delete", "deletecollection"}
            and one["objectRef"]["resource"] in resources
            and not one["objectRef"].get("name", "").startswith("sh.helm.release.v1.")
        ]


def _uids(node: Node) -> dict[str, str]:
    kinds = "secrets,persistentvolumeclaims,deployments,statefulsets,services"
    items = node.kubectl.json("get", kinds, "-n", node.namespace, "-l", "mininode.cancerimage.eu/node")["items"]
    return {
        f"{one['kind']} {one['metadata']['name']}": one["metadata"]["uid"]
        for one in items
        if one["metadata"].get("labels", {}).get("owner") != "helm"
    }


def _templates(node: Node) -> dict[str, str]:
    items = node.kubectl.json("get", "deployments,statefulsets", "-n", node.namespace)["items"]
    return {one["metadata"]["name"]: json.dumps(one["spec"]["template"], sort_keys=True) for one in items}


def _configuration(node: Node) -> dict[str, str]:
    items = node.kubectl.json("get", "configmaps", "-n", node.namespace, "-l", "mininode.cancerimage.eu/node")["items"]
    return {one["metadata"]["name"]: json.dumps(one.get("data"), sort_keys=True) for one in items}


@pytest.fixture(scope="module")
def life(rehearsal: Rehearsal, operator_process: Operator, tools: Callable[[str], Path]) -> Iterator[Life]:
    kubectl = Kubectl(tools("kubectl"), rehearsal.kubeconfig)
    node = Node(kubectl, "node-upstream")
    operator_process.begin()
    operator_process.prepare(node.namespace)
    node.declare()
    node.until("Rehearsed")
    name = next(iter(node.claims()))
    kubectl("patch", "pvc", name, "-n", node.namespace, "--type=json", "-p", json.dumps([
        {"op": "add", "path": "/metadata/finalizers/-", "value": OF_OTHERS}]))  # fmt: skip
    before = _uids(node), _templates(node), _configuration(node)
    runs = len(operator_process.helm_runs())
    seen = Asked(rehearsal.audit_log, rehearsal.audit_log.stat().st_size)
    try:
        node.declare()
        node.wish_again("second run")
        node.until("Rehearsed")
        node.declare(domain="other.hospital.example")  # every release is upgraded
        node.until("Rehearsed")
        node.wish_again("third run")
        node.until("Rehearsed")
        uids, templates, configuration = zip(before, (_uids(node), _templates(node), _configuration(node)), strict=True)
        yield Life(node, kubectl, seen.about(node.namespace), uids, templates, configuration, operator_process.helm_runs()[runs:])
    finally:
        kubectl("patch", "pvc", name, "-n", node.namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        node.delete()


def test_the_log_has_what_is_looked_for(life: Life) -> None:
    """Else nothing below could fail: the life upgraded something, and the log was read."""
    assert any(one["verb"] == "patch" and one["objectRef"]["resource"] in {"deployments", "statefulsets"} for one in life.asked)
    assert any(life.templates[0][name] != life.templates[1][name] for name in life.templates[0])
    assert len(set(life.helm)) > 1


def test_fault_02_no_claim_is_deleted_by_a_further_run(life: Life) -> None:
    assert life.deleted("persistentvolumeclaims", "persistentvolumes") == []
    assert _of("PersistentVolumeClaim", life.uids[0]) == _of("PersistentVolumeClaim", life.uids[1]) != {}


def test_fault_06_no_secret_is_deleted_to_be_made_anew(life: Life) -> None:
    """A failure in between would leave none; the same object goes on, whatever is written into it."""
    assert life.deleted("secrets") == []
    assert _of("Secret", life.uids[0]) == _of("Secret", life.uids[1]) != {}


def test_fault_08_nothing_that_serves_is_deleted_to_be_refreshed(life: Life) -> None:
    assert life.deleted("deployments", "statefulsets", "replicasets", "pods", "services", "ingresses") == []
    for kind in ("Deployment", "StatefulSet", "Service"):
        assert _of(kind, life.uids[0]) == _of(kind, life.uids[1]) != {}


def test_fault_04_no_release_is_taken_away_by_a_further_run(life: Life) -> None:
    """Upstream took an exit code for a count, and so its database for absent, in every run."""
    assert {line.split()[0] for line in life.helm} == {"upgrade"}
    assert {status for _, status in life.node.revisions().values()} == {"deployed"}


def test_fault_03_what_somebody_holds_on_to_is_not_torn_away(life: Life) -> None:
    """A claim that another program's finalizer holds, being deleted: Terminating for the operator is no reason to strip it."""
    (name,) = (
        one["metadata"]["name"]
        for one in life.kubectl.json("get", "pvc", "-n", life.node.namespace)["items"]
        if OF_OTHERS in one["metadata"].get("finalizers", [])
    )
    life.kubectl("delete", "pvc", name, "-n", life.node.namespace, "--wait=false")
    life.node.wish_again("with a claim that is on its way out")
    handled = lambda: (life.node.resource().get("status") or {}).get("lastHandledReconcileAt")  # noqa: E731
    life.kubectl.until(lambda: handled() == "with a claim that is on its way out", SETTLE)
    claim = life.kubectl.json("get", "pvc", name, "-n", life.node.namespace)
    assert OF_OTHERS in claim["metadata"]["finalizers"]
    assert claim["metadata"]["deletionTimestamp"]


def test_fault_14_a_changed_configuration_starts_anew_whoever_reads_it(life: Life) -> None:
    """A file of a ConfigMap is read once, at the start: a pod whose template stays goes on with the old one."""
    before, after = life.configuration
    readers = {
        (workload, name)
        for name in before
        if before[name] != after[name]
        for workload, template in life.templates[1].items()
        if f'"name": "{name}"' in _volumes(template)
    }
    assert len(readers) >= 2
    same = {workload for workload, _ in readers if life.templates[0][workload] == life.templates[1][workload]}
    assert [workload for workload in same if '"--watch"' not in life.templates[1][workload]] == []  # Caddy reads it by itself
    assert same < {workload for workload, _ in readers}


async def test_fault_44_what_the_api_does_not_know_is_refused_and_not_dropped(rehearsal: Rehearsal, namespace: str) -> None:
    """Upstream applied again with validation off; a word with a slip was dropped in silence."""
    body = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "slip", "namespace": namespace}, "dada": {"key": "value"},
    }  # fmt: skip
    async with await Kube.connect(rehearsal.kubeconfig) as kube:
        with pytest.raises(KubeError, match="dada"):
            await kube.apply(CONFIG_MAPS, body, namespace, manager="tester", force=True)
        assert await kube.get(CONFIG_MAPS, "slip", namespace) is None


def _volumes(template: str) -> str:
    volumes = json.loads(template)["spec"].get("volumes", [])
    return json.dumps([volume.get("configMap") or volume.get("projected") for volume in volumes])


def _of(kind: str, uids: dict[str, str]) -> dict[str, str]:
    return {name: uid for name, uid in uids.items() if name.startswith(f"{kind} ")}


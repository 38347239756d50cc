"""Where data lies, on a real API server: claims bind to their folders, and find them again in a cluster that is new."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mininode.api.spec import NodeSpec
from mininode.cluster.rehearsal import Rehearsal, State
from mininode.cluster.volumes import place
from mininode.components.base import Node as Planned
from mininode.components.registry import all_components
from mininode.kube.client import Kube

pytestmark = pytest.mark.control_plane

STORAGE = {"hostPath": "/data/eucaim"}
CLAIMS = {volume.name for component in all_components().values() for volume in component.volumes}


def put_volumes(kubeconfig: Path, namespace: str, name: str = "node") -> tuple[str, ...]:
    spec = NodeSpec.model_validate({"domain": "node.hospital.example", "storage": STORAGE})

    async def go() -> tuple[str, ...]:
        async with await Kube.connect(kubeconfig) as kube:
            return await place(kube, Planned(name, namespace, spec))

    return asyncio.run(go())


def bound(kubectl: Any, namespace: str) -> dict[str, str]:
    """Claim -> the folder that it is bound to; claims that are not bound are left out."""
    claims = kubectl.json("get", "pvc", "-n", namespace)["items"]
    volumes = {one["metadata"]["name"]: one for one in kubectl.json("get", "pv")["items"]}
    return {
        claim["metadata"]["name"]: volumes[claim["spec"]["volumeName"]]["spec"]["hostPath"]["path"]
        for claim in claims
        if claim["status"]["phase"] == "Bound"
        and volumes[claim["spec"]["volumeName"]]["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    }


def phases(kubectl: Any, namespace: str) -> set[str]:
    """What the volumes of one node are said to be."""
    volumes = kubectl.json("get", "pv")["items"]
    return {one["status"]["phase"] for one in volumes if one["spec"].get("claimRef", {}).get("namespace") == namespace}


FOLDERS = {claim: f"/data/eucaim/node/{claim}" for claim in CLAIMS}


@pytest.fixture
def volumes(kubectl: Any) -> Iterator[None]:
    yield
    kubectl("delete", "pv", "-l", "app.kubernetes.io/part-of=mininode", "--wait=false")


@pytest.mark.usefixtures("volumes")
def test_claims_of_a_node_bind_to_its_own_folders(node: Any, kubectl: Any, rehearsal: Rehearsal) -> None:
    put_volumes(rehearsal.kubeconfig, node.namespace)
    before = kubectl.json("get", "pv")["items"]
    put_volumes(rehearsal.kubeconfig, node.namespace)
    assert kubectl.json("get", "pv")["items"] == before, "a second time changes nothing"

    node.declare(storage=STORAGE)
    node.until("Rehearsed")
    assert bound(kubectl, node.namespace) == FOLDERS
    own = kubectl.json("get", "storageclass", f"mininode-{node.namespace}")
    assert (own["reclaimPolicy"], own["provisioner"]) == ("Retain", "kubernetes.io/no-provisioner")


@pytest.mark.usefixtures("volumes")
def test_a_claim_that_was_deleted_finds_its_folder_again(node: Any, kubectl: Any, rehearsal: Rehearsal) -> None:
    put_volumes(rehearsal.kubeconfig, node.namespace)
    node.declare(storage=STORAGE)
    node.until("Rehearsed")
    node.delete()
    kubectl("delete", "pvc", "--all", "-n", node.namespace)
    kubectl.until(lambda: phases(kubectl, node.namespace) == {"Released"}, 90)

    assert len(put_volumes(rehearsal.kubeconfig, node.namespace)) == len(CLAIMS)
    node.declare(storage=STORAGE)
    node.until("Rehearsed")
    assert bound(kubectl, node.namespace) == FOLDERS


def test_nothing_starts_before_the_volumes_were_tried_out(node: Any, kubectl: Any, rehearsal: Rehearsal) -> None:
    """Without volumes the trials can't be placed: that is what the status says, and no database comes."""
    node.declare(storage=STORAGE)
    kubectl.until(lambda: "storage" in node.components() and "trial-" in node.components()["storage"]["message"])
    assert node.revisions().keys() <= {"storage", "platform"}
    assert kubectl.json("get", "statefulsets,deployments", "-n", node.namespace)["items"] == []

    put_volumes(rehearsal.kubeconfig, node.namespace)
    node.until("Rehearsed")
    kubectl("delete", "pv", "-l", "app.kubernetes.io/part-of=mininode", "--wait=false")


def test_a_new_cluster_over_the_old_folders_binds_the_same(
    tools: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, kubectl_for: Callable[[Path], Any]
) -> None:
    """Two clusters, one after the other, each with an empty etcd: the claims' names are all that they have in common."""
    found = []
    for _ in range(2):
        one = Rehearsal(tmp_path_factory.mktemp("cluster"), tools)
        try:
            assert one.start(print).state is State.RUNNING
            kubectl = kubectl_for(one.kubeconfig)
            for name in ("eucaim-node", "mininode-system"):
                kubectl("create", "namespace", name)
            put_volumes(one.kubeconfig, "eucaim-node")
            for claim in sorted(CLAIMS, reverse=not found):  # in another order, too: names decide, not who comes first
                kubectl("apply", "-n", "eucaim-node", "-f", "-", stdin=json.dumps(claim_of(claim)))
            kubectl.until(lambda kubectl=kubectl: len(bound(kubectl, "eucaim-node")) == len(CLAIMS))
            found.append(bound(kubectl, "eucaim-node"))
        finally:
            one.stop(print)
    assert found == [FOLDERS, FOLDERS]


def claim_of(name: str) -> dict[str, Any]:
    """A claim as the chart makes it (tests/charts compares the two)."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "mininode-eucaim-node",
            "volumeName": f"eucaim-node-{name}",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }

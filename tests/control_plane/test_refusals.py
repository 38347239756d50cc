"""What the operator says no to, and what it says of a node that does not come right: the status names it, and nothing is hurt."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.control_plane

BEHAVE = "rehearsal.mininode.cancerimage.eu/behave"


def test_a_spec_that_can_not_be_made_true_is_told_and_nothing_is_touched(
    operator: Any, node: Any, kubectl: Any
) -> None:
    runs = operator.helm_runs()
    node.declare(components={"keycloak": {"enabled": False}})
    stalled = node.until("Stalled")
    assert stalled["reason"] == "InvalidSpec"
    for sentence in ("guacamole requires keycloak, which is off", "identity requires keycloak, which is off"):
        assert sentence in stalled["message"]
    assert node.fresh()["Ready"]["status"] == "False"
    assert operator.helm_runs() == runs
    assert node.credentials() == {}
    assert kubectl("get", "deployments,statefulsets", "-n", node.namespace, "-o", "name") == ""

    node.declare()
    node.until("Rehearsed")
    assert node.fresh()["Stalled"]["status"] == "False"


def test_a_release_of_another_node_is_left_alone(operator: Any, node: Any, kubectl: Any) -> None:
    """Two nodes in one namespace want a release of the same name: the first has it."""
    node.declare()
    node.until("Rehearsed")
    before, runs = node.helm_secrets(), operator.helm_runs()
    second = type(node)(kubectl, node.namespace, "second")
    second.declare()
    stalled = second.until("Stalled")
    assert stalled["reason"] == "OwnedByOther"
    assert "postgresql" in stalled["message"]
    assert operator.helm_runs() == runs
    assert node.helm_secrets() == before
    second.delete()  # takes nothing of the first with it
    assert node.helm_secrets() == before


def test_a_release_made_by_hand_is_taken_over(
    node: Any, kubectl: Any, tools: Callable[[str], Path], rehearsal: Any, tmp_path: Path
) -> None:
    chart = tmp_path / "byhand"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: byhand\nversion: 1.0.0\n")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made-by-hand"}}
    (chart / "templates/all.yaml").write_text(json.dumps(config))
    subprocess.run(
        [tools("helm"), "install", "postgresql", chart, "-n", node.namespace, "--kubeconfig", rehearsal.kubeconfig],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    node.declare()
    node.until("Rehearsed")
    assert node.revisions()["postgresql"] == (2, "deployed")
    assert "made-by-hand" not in kubectl("get", "configmaps", "-n", node.namespace, "-o", "name")


def test_a_pod_that_does_not_become_ready_is_named(shared_node: Any, kubectl: Any) -> None:
    shared_node.declare()
    shared_node.until("Rehearsed")
    keycloak = ("-l", "mininode.cancerimage.eu/component=keycloak", "-o", "name")
    pod = kubectl("get", "pods", "-n", shared_node.namespace, *keycloak).strip()
    kubectl("label", pod, "-n", shared_node.namespace, f"{BEHAVE}=crash")
    name = pod.removeprefix("pod/")
    kubectl.until(lambda: name in shared_node.components()["keycloak"]["message"], 60)
    said = shared_node.components()["keycloak"]
    assert "CrashLoopBackOff" in said["message"] or "readiness probe" in said["message"]
    assert said["gate"] == "Pending"
    assert shared_node.fresh()["Rehearsed"]["status"] == "False"
    assert "keycloak" in shared_node.fresh()["Ready"]["message"]
    assert {one["gate"] for key, one in shared_node.components().items() if key not in {"keycloak", "platform"}} == {"Simulated"}

    kubectl("label", pod, "-n", shared_node.namespace, f"{BEHAVE}-")
    shared_node.until("Rehearsed")

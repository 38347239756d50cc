"""Ready follows the pods, not Helm's return code: it falls within five seconds, says why in a sentence, and comes back."""

from typing import Any

import pytest

pytestmark = pytest.mark.control_plane

BEHAVE = "rehearsal.mininode.cancerimage.eu/behave"
GOAL = 5.0  # s


@pytest.mark.parametrize(
    ("behave", "because"),
    [("unready", "its readiness probe says no"), ("crash", "CrashLoopBackOff")],
)
def test_it_falls_when_a_pod_stops_being_ready_and_comes_back(
    operator: Any, settled: Any, kubectl: Any, until: Any, behave: str, because: str, figure: Any
) -> None:
    runs = operator.helm_runs()
    (pod,) = [one for one in kubectl("get", "pods", "-n", settled.namespace, "-o", "name").split() if "guacd" in one]
    kubectl("label", pod, "-n", settled.namespace, "--overwrite", f"{BEHAVE}={behave}")
    ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    until(lambda: kubectl("get", pod, "-n", settled.namespace, "-o", ready) == "False", 20)
    fell = until(lambda: settled.fresh()["Rehearsed"]["status"] == "False", 20)
    until(lambda: because in settled.components()["guacamole"]["message"], 20)
    component = settled.components()["guacamole"]
    figure(f"{behave}: seen {fell:.2f} s after the pod: {component['message']}")
    assert fell <= GOAL
    assert component["gate"] == "Pending"
    assert "guacd" in component["message"]
    assert "\n" not in component["message"]
    assert settled.fresh()["Ready"]["reason"] in {"Progressing", "Failed"}
    kubectl("label", pod, "-n", settled.namespace, f"{BEHAVE}-")
    # A crashed pod of the rehearsal stays so, and KWOK may miss a label that comes and goes quickly: the Deployment makes another.
    kubectl("delete", pod, "-n", settled.namespace, "--wait=false")
    settled.until("Rehearsed", seconds=30)
    assert operator.helm_runs() == runs


def test_what_does_not_come_up_is_named_pod_and_reason(node: Any, kubectl: Any, figure: Any) -> None:
    """A pod that a LimitRange refuses is never made: the Deployment's own condition tells why."""
    body = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "600Mi"}}]},
    }
    kubectl.apply(body, namespace=node.namespace)
    node.declare(components={"postgresql": {"resources": {"requests": {"memory": "100Mi"}, "limits": {"memory": "500Mi"}}}})
    node.kubectl.until(lambda: "its pods are refused" in node.components().get("keycloak", {}).get("message", ""), 60)
    message = node.components()["keycloak"]["message"]
    figure(f"refused: {message}")
    assert "maximum memory usage per Container is 600Mi" in message
    stalled = node.until("Stalled", seconds=60)
    assert "keycloak" in stalled["message"]
    kubectl("delete", "limitrange", "small", "-n", node.namespace)
    node.wish_again("again")
    node.until("Rehearsed")

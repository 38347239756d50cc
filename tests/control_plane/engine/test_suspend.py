"""A suspended node: nothing is done, and what is told of it stays true."""

from typing import Any

import pytest

pytestmark = pytest.mark.control_plane

BEHAVE = "rehearsal.mininode.cancerimage.eu/behave"


def test_nothing_is_done_and_the_status_stays_true(operator: Any, settled: Any, kubectl: Any, api: Any, until: Any) -> None:
    settled.declare(suspend=True)
    settled.until("Rehearsed")
    runs, drifts = operator.helm_runs(), operator.metric("mininode_drift_objects_total", namespace=settled.namespace)
    service = f"/api/v1/namespaces/{settled.namespace}/services/guacd"
    api.send("DELETE", service)
    (pod,) = [one for one in kubectl("get", "pods", "-n", settled.namespace, "-o", "name").split() if "guacd" in one]
    kubectl("label", pod, "-n", settled.namespace, f"{BEHAVE}=unready")
    until(lambda: settled.fresh().get("Rehearsed", {}).get("status") == "False", 20)
    assert "readiness probe says no" in settled.components()["guacamole"]["message"]
    assert settled.fresh()["Reconciling"]["reason"] == "Suspended"
    kubectl("label", pod, "-n", settled.namespace, f"{BEHAVE}-")
    settled.until("Rehearsed", seconds=30)
    assert api.get(service) is None
    assert operator.helm_runs() == runs
    assert operator.metric("mininode_drift_objects_total", namespace=settled.namespace) == drifts

    settled.declare()
    until(lambda: api.get(service) is not None, 10)
    settled.until("Rehearsed")
    assert operator.helm_runs() == runs

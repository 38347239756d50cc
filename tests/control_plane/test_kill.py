"""SIGKILL at any moment of an installation: the next operator goes on from there, and the end is the same."""

import json
from collections.abc import Callable
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.control_plane

Reached = Callable[[Any, list[dict[str, Any]]], bool]


def pending(node: Any, entries: list[dict[str, Any]]) -> bool:
    """Helm has begun with the first release: its Secret is there, its objects are not all."""
    del entries
    return any(status.startswith("pending") for _, status in node.revisions().values())


def requests(number: int) -> Reached:
    """So many requests of the operator's account about this node were answered."""
    return lambda _node, entries: len(entries) >= number


def begun(component: str) -> Reached:
    """The component's release has begun; what it needs is settled, others are under way."""
    return lambda node, _entries: component in node.revisions()


MOMENTS: dict[str, tuple[Reached, bool]] = {
    "a credential is made": (lambda node, _entries: bool(node.credentials()), False),
    "a release is begun, Helm lives on": (pending, False),
    "a release is begun, Helm dies, too": (pending, True),
    "the 40th request": (requests(40), True),
    "half way": (begun("guacamole"), True),
}


@pytest.fixture
def reference(shared_node: Any) -> set[str]:
    """The objects that an installation which nobody disturbs comes to."""
    shared_node.declare()
    shared_node.until("Rehearsed")
    found: set[str] = shared_node.objects()
    return found


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_the_middle_it_goes_on_from_there(
    operator: Any, node: Any, asked: Any, kubectl: Any, reference: set[str], moment: str
) -> None:
    reached, helm_too = MOMENTS[moment]
    operator.slow.touch()  # so that there is a middle
    seen = asked()
    node.declare()
    kubectl.until(lambda: reached(node, seen.about(node.namespace)), 60)
    operator.kill(helm_too=helm_too)
    credentials = node.credentials()
    assert not node.fresh() or node.fresh()["Rehearsed"]["status"] != "True"  # it was in the middle
    operator.slow.unlink()
    if moment != "half way":  # once the lease's whole time is waited for
        operator.forget_lease(kubectl)

    operator.start()
    node.until("Rehearsed")

    assert node.credentials().items() >= credentials.items()
    assert node.objects() == reference
    assert {status for _, status in node.revisions().values()} == {"deployed"}
    assert {one["gate"] for name, one in node.components().items() if name != "platform"} == {"Simulated"}  # platform has no pods


def test_a_lock_that_a_killed_helm_left_is_taken_away(operator: Any, node: Any, kubectl: Any) -> None:
    """The operator itself lives: only its Helm is killed, in the middle of an upgrade."""
    node.declare()
    node.until("Rehearsed")
    operator.slow.touch()
    node.declare(components={"postgresql": {"resources": {"requests": {"cpu": "150m"}}}})
    kubectl.until(lambda: node.revisions()["postgresql"] == (2, "pending-upgrade"), 60)
    for helm in operator.process().children(recursive=True):
        helm.kill()
    psutil.wait_procs(operator.process().children(recursive=True), timeout=10)
    operator.slow.unlink()
    node.until("Rehearsed")
    assert {one["labels"]["status"] for one in node.helm_secrets()} <= {"deployed", "superseded", "failed"}
    pods = kubectl.json("get", "statefulset", "postgresql", "-n", node.namespace)["spec"]["template"]["spec"]
    assert pods["containers"][0]["resources"]["requests"]["cpu"] == "150m"


def test_killed_in_the_middle_of_a_removal_it_goes_on_from_there(operator: Any, node: Any, kubectl: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    credentials, claims = node.credentials(), node.claims()
    operator.slow.touch()
    kubectl("delete", "emn", "node", "-n", node.namespace, "--wait=false")
    kubectl.until(lambda: len(node.revisions()) < 4, 60)
    operator.kill(helm_too=True)
    assert node.resource()["metadata"]["finalizers"]
    operator.slow.unlink()
    operator.forget_lease(kubectl)
    operator.start()
    kubectl.until(lambda: not kubectl("get", "emn", "-n", node.namespace, "-o", "name"), 90)
    assert node.revisions() == {}
    assert node.objects() == {f"PersistentVolumeClaim {name}" for name in claims} | {"ConfigMap trust-bundle"}
    assert node.credentials() == credentials
    assert json.loads(kubectl("get", "deployments", "-n", node.namespace, "-o", "json"))["items"] == []

"""What a second look costs, and what a change changes: one release at most, and nothing at all where nothing is different."""

from typing import Any

import pytest

from mininode.components.registry import all_components

pytestmark = pytest.mark.control_plane

BIGGER = {"guacamole": {"resources": {"requests": {"cpu": "300m"}}}}


@pytest.fixture
def settled(shared_node: Any) -> Any:
    shared_node.declare()
    shared_node.until("Rehearsed")
    return shared_node


def writes(entries: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Verb, resource and subresource of what changed something."""
    return [
        (one["verb"], one["objectRef"]["resource"], one["objectRef"].get("subresource", ""))
        for one in entries
        if one["verb"] not in {"get", "list", "watch"}
    ]


def test_the_same_once_more_is_no_change_and_a_look_that_finds_nothing_is_one_list_without_payload(
    operator: Any, settled: Any, asked: Any
) -> None:
    before, runs, digests = settled.resource(), operator.helm_runs(), settled.digests()
    seen = asked()
    assert "unchanged" in settled.declare()
    assert settled.resource()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]

    settled.declare(deletionPolicy="Orphan")  # a new spec to look at, of which no chart reads anything
    settled.until("Rehearsed")

    entries = seen.about(settled.namespace)
    lists = [one for one in entries if one["verb"] == "list"]
    assert [(one["objectRef"]["resource"], "owner%20in%20(helm,mininode)" in one["requestURI"]) for one in lists] == [
        ("secrets", True)
    ]
    # the status for the new generation, and Kopf's note of the spec that it handled
    assert sorted(writes(entries)) == [("patch", "eucaimnodes", ""), ("patch", "eucaimnodes", "status")]
    assert settled.digests() == digests
    assert operator.helm_runs() == runs


def test_a_changed_value_upgrades_one_release(operator: Any, settled: Any, kubectl: Any) -> None:
    runs, before, revisions = len(operator.helm_runs()), settled.digests(), settled.revisions()
    settled.declare(components=BIGGER)
    settled.until("Rehearsed")
    assert operator.helm_runs()[runs:] == ["upgrade guacamole"]
    last = revisions["guacamole"][0] + 1
    assert settled.revisions() == {**revisions, "guacamole": (last, "deployed")}
    assert {name for name, digest in settled.digests().items() if digest != before[name]} == {"guacamole"}
    pods = kubectl.json("get", "deployment", "guacamole", "-n", settled.namespace)["spec"]["template"]["spec"]
    assert pods["containers"][0]["resources"]["requests"]["cpu"] == "300m"
    assert settled.components()["guacamole"]["revision"] == last


def test_there_and_back_again_is_the_same_node(settled: Any) -> None:
    before, objects, credentials = settled.digests(), settled.objects(), settled.credentials()
    settled.declare(components=BIGGER)
    settled.until("Rehearsed")
    settled.declare()
    settled.until("Rehearsed")
    assert settled.digests() == before
    assert settled.objects() == objects
    assert settled.credentials() == credentials


def test_a_component_that_is_switched_off_goes_and_comes_back_with_its_password(settled: Any) -> None:
    credentials = settled.credentials()
    settled.declare(components={"guacamole": {"enabled": False}})
    settled.until("Rehearsed")
    assert "guacamole" not in settled.revisions()
    assert settled.components().keys() == all_components().keys() - {"guacamole"}
    assert any("guacamole-admin" in one for one in settled.resource()["status"]["kept"])
    assert settled.credentials() == credentials
    settled.declare()
    settled.until("Rehearsed")
    assert settled.components().keys() >= {"guacamole"}
    assert settled.credentials() == credentials


def test_an_operator_that_starts_anew_finds_nothing_to_do(operator: Any, settled: Any, asked: Any, kubectl: Any) -> None:
    before, runs = settled.resource()["status"], operator.helm_runs()
    operator.stop()
    seen = asked()
    operator.start()
    kubectl.until(lambda: any("owner%20in%20(helm,mininode)" in one["requestURI"] for one in seen.about(settled.namespace)))
    settled.declare(deletionPolicy="Orphan")  # its turn comes after whatever the start brought
    settled.until("Rehearsed")
    assert operator.helm_runs() == runs
    assert writes(seen.about(settled.namespace)).count(("patch", "eucaimnodes", "status")) == 1
    after = settled.resource()["status"]
    assert [one["lastTransitionTime"] for one in after["conditions"]] == [
        one["lastTransitionTime"] for one in before["conditions"]
    ]


def test_a_suspended_node_is_left_alone(operator: Any, settled: Any) -> None:
    runs = operator.helm_runs()
    settled.declare(suspend=True, components=BIGGER)
    settled.until("Ready", "Unknown")
    assert settled.fresh()["Ready"]["reason"] == "Suspended"
    assert settled.fresh()["Reconciling"]["status"] == "False"
    assert operator.helm_runs() == runs
    settled.declare(components=BIGGER)
    settled.until("Rehearsed")
    assert operator.helm_runs()[len(runs) :] == ["upgrade guacamole"]

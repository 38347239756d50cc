"""A node that goes away: software in reverse order, while passwords and volumes stay and are found again."""

from typing import Any

import pytest

from mininode.components.registry import charted

pytestmark = pytest.mark.control_plane

BEFORE = (("dataset-service", "keycloak"), ("guacamole", "postgresql"), ("keycloak", "postgresql"), ("edge", "platform"))


def test_removed_in_reverse_order_and_found_again(operator: Any, node: Any, asked: Any, kubectl: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    credentials, claims, objects = node.credentials(), node.claims(), node.objects()
    assert len(credentials) >= 6
    assert claims
    seen, runs = asked(), len(operator.helm_runs())

    node.delete()

    assert node.helm_secrets() == []
    assert kubectl.json("get", "deployments,statefulsets,services", "-n", node.namespace)["items"] == []
    assert node.credentials() == credentials
    assert node.claims() == claims
    uninstalled = [line.removeprefix("uninstall ") for line in operator.helm_runs()[runs:]]
    assert len(uninstalled) == len(set(uninstalled)) == len(charted())
    gone = {
        one["objectRef"]["name"]: one["requestReceivedTimestamp"]
        for one in seen.about(node.namespace)
        if one["verb"] == "delete" and one["objectRef"]["name"].startswith("sh.helm.release.v1.")
    }
    for first, second in BEFORE:
        assert gone[f"sh.helm.release.v1.{first}.v1"] < gone[f"sh.helm.release.v1.{second}.v1"]

    node.declare()
    node.until("Rehearsed")
    assert node.credentials() == credentials
    assert node.claims() == claims
    assert node.objects() == objects


def test_a_node_deleted_while_no_operator_ran_is_removed_at_its_start(operator: Any, node: Any, kubectl: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    credentials = node.credentials()
    operator.stop()
    kubectl("delete", "emn", "node", "-n", node.namespace, "--wait=false")
    assert node.resource()["metadata"]["deletionTimestamp"]
    assert len(node.revisions()) == len(charted())
    operator.start()
    kubectl.until(lambda: not kubectl("get", "emn", "-n", node.namespace, "-o", "name"), 60)
    assert node.revisions() == {}
    assert node.credentials() == credentials


def test_a_node_whose_spec_the_operator_refuses_and_that_is_suspended_can_go(node: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    node.declare(suspend=True, components={"keycloak": {"enabled": False}})
    node.until("Stalled")
    node.delete()
    assert node.revisions() == {}


def test_data_stay_and_what_others_took_over_although_no_mark_says_so_any_more(node: Any, kubectl: Any) -> None:
    """What a chart keeps is kept by the chart's word, and what says that another release has it is that one's."""
    node.declare()
    node.until("Rehearsed")
    claims, space = node.claims(), ("-n", node.namespace)
    assert claims
    for claim in kubectl("get", "pvc", *space, "-o", "name").split():
        kubectl("annotate", claim, *space, "helm.sh/resource-policy-")
    kubectl("annotate", "serviceaccount/keycloak", *space, "--overwrite", "meta.helm.sh/release-name=theirs")
    node.delete()
    assert node.claims() == claims
    kubectl("get", "serviceaccount/keycloak", *space)


def test_what_others_have_in_the_namespace_stays(node: Any, kubectl: Any) -> None:
    kubectl("create", "configmap", "theirs", "-n", node.namespace)
    kubectl("create", "secret", "generic", "theirs", "-n", node.namespace, "--from-literal=a=b")
    node.declare()
    node.until("Rehearsed")
    node.delete()
    kubectl("get", "configmap/theirs", "secret/theirs", "-n", node.namespace)

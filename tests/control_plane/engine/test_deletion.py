"""A node that is deleted goes, whatever is broken; volumes and passwords stay."""

from typing import Any

import pytest

pytestmark = pytest.mark.control_plane

# What opens or holds data, and the certificates that pods of an orphaned node still read.
STAYS = ("PersistentVolumeClaim", "ConfigMap trust-bundle")


def gone(node: Any) -> bool:
    return not node.kubectl("get", "emn", "-n", node.namespace, "-o", "name")


def test_with_a_component_that_can_not_be_installed(operator: Any, node: Any) -> None:
    operator.fail("guacamole", 99, "Error: INSTALLATION FAILED: no")
    node.declare()
    node.until("Stalled")
    credentials, claims = node.credentials(), node.claims()
    runs = len(operator.helm_runs())
    node.delete()
    removed = [one.split()[1] for one in operator.helm_runs()[runs:] if one.startswith("uninstall")]
    assert removed.index("keycloak") < removed.index("postgresql"), "dependants first"
    assert node.helm_secrets() == []
    assert node.credentials() == credentials
    assert node.claims() == claims
    assert not {one for one in node.objects() if not one.startswith(STAYS)}


def test_with_a_release_that_a_killed_helm_locked(operator: Any, node: Any, until: Any) -> None:
    operator.slow.touch()
    node.declare()
    until(lambda: node.revisions().get("postgresql", (0, ""))[1] == "pending-install", 60)
    operator.kill(helm_too=True)
    operator.slow.unlink()
    node.kubectl("delete", "emn", node.name, "-n", node.namespace, "--wait=false")
    operator.start()
    until(lambda: gone(node), 90)
    assert node.helm_secrets() == []
    assert not {one for one in node.objects() if not one.startswith(STAYS)}


def test_a_deletion_while_no_operator_ran_is_honoured_at_its_start(operator: Any, node: Any, until: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    credentials = node.credentials()
    operator.stop()
    node.kubectl("delete", "emn", node.name, "-n", node.namespace, "--wait=false")
    assert not gone(node)
    operator.start()
    until(lambda: gone(node), 90)
    assert node.helm_secrets() == []
    assert node.credentials() == credentials


def test_a_namespace_that_goes_takes_the_node_with_it(node: Any, kubectl: Any, until: Any, figure: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    kubectl("delete", "namespace", node.namespace, "--wait=false")
    took = until(lambda: kubectl.run("get", "namespace", node.namespace).returncode != 0, 90)
    figure(f"a namespace with a node in it is gone after {took:.1f} s")


def test_orphan_leaves_the_software_and_lets_the_resource_go_and_uninstalls_nothing(operator: Any, node: Any, until: Any) -> None:
    node.declare(deletionPolicy="Orphan")
    node.until("Rehearsed")
    objects, revisions, runs = node.objects(), node.revisions(), operator.helm_runs()
    node.kubectl("delete", "emn", node.name, "-n", node.namespace, "--wait=false")
    until(lambda: gone(node), 30)
    assert node.objects() == objects
    assert node.revisions() == revisions
    assert operator.helm_runs() == runs
    node.declare()  # and a node of the same name takes it over as it is
    node.until("Rehearsed")
    assert node.revisions() == revisions
    assert operator.helm_runs() == runs

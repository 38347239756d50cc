"""What fails is tried again with pauses, counted, given up with a reason, put back to what worked; the others go on."""

import time
from itertools import pairwise
from typing import Any

import pytest

pytestmark = pytest.mark.control_plane

LIMIT = 3  # attempts, as the operator of this folder is told
PLENTY = {"guacamole": {"resources": {"requests": {"cpu": "900"}}}}  # no machine has it


def quota(node: Any, hard: dict[str, str]) -> None:
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "blocks"}, "spec": {"hard": hard}}
    node.kubectl.apply(body, namespace=node.namespace)
    node.kubectl.until(
        lambda: node.kubectl.json("get", "resourcequota", "blocks", "-n", node.namespace).get("status", {}).get("hard") == hard
    )


def test_an_install_that_the_cluster_refuses_is_retried_counted_given_up_and_taken_up_again(
    operator: Any, node: Any, kubectl: Any, events: Any, until: Any
) -> None:
    quota(node, {"count/statefulsets.apps": "0"})
    node.declare()
    stalled = node.until("Stalled", seconds=60)
    assert stalled["reason"] == "RetriesExceeded"
    assert "postgresql" in stalled["message"]
    assert "exceeded quota: blocks" in stalled["message"]
    ready = node.fresh()["Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "ComponentFailed")
    component = node.components()["postgresql"]
    assert component["failures"] == LIMIT
    tried = [one for one in component["attempts"] if one["outcome"] != "Succeeded"]
    assert [one["action"] for one in tried] == ["Retry", "Retry", "Install"]
    assert {one["outcome"] for one in tried} == {"HelmFailed"}
    assert {one["digest"] for one in tried} == {component["wanted"]}
    assert node.components()["keycloak"]["reason"] == "Dependency"
    reasons = [one["reason"] for one in events(node) if "postgresql" in one["note"]]
    assert "InstallFailed" in reasons
    assert len(reasons) == len(set(reasons)), "an event is not told twice"
    runs = len(operator.helm_runs())

    node.wish_again("first-wish")  # it still can't, so it is tried as often as before
    node.kubectl.until(lambda: node.resource()["status"]["lastHandledReconcileAt"] == "first-wish")
    until(lambda: len(operator.helm_runs()) >= runs + 1, 20)
    kubectl("delete", "resourcequota", "blocks", "-n", node.namespace)
    node.until("Rehearsed")
    assert node.components()["postgresql"]["failures"] == 0
    assert node.fresh()["Stalled"]["status"] == "False"


def test_pauses_grow_and_nothing_is_asked_in_between(operator: Any, node: Any, asked: Any, until: Any, figure: Any) -> None:
    operator.fail("postgresql", 3, "Error: INSTALLATION FAILED: the registry of this hospital is closed")
    def attempts() -> int:  # other components are installed meanwhile
        return sum(run.split()[1] == "postgresql" for run in operator.helm_runs())

    runs, moments = attempts(), []
    seen = asked()
    node.declare()
    for number in range(1, LIMIT + 1):
        until(lambda number=number: attempts() >= runs + number, 30)
        moments.append(time.monotonic())
    first, second = (later - earlier for earlier, later in pairwise(moments))
    figure(f"pauses between attempts: {first:.1f} s and {second:.1f} s")
    assert 0.7 <= first <= 2.5
    assert 1.4 <= second <= 4.0
    node.until("Stalled")
    assert "the registry of this hospital is closed" in node.fresh()["Stalled"]["message"]
    assert attempts() == runs + LIMIT
    took = moments[-1] - moments[0]
    figure(f"{len(seen.about(node.namespace)) / max(took, 1):.1f} requests a second while it failed")


def test_a_new_spec_starts_anew_and_the_others_go_on(operator: Any, node: Any) -> None:
    operator.fail("guacamole", 99, "Error: INSTALLATION FAILED: no")
    node.declare()
    node.until("Stalled")
    node.kubectl.until(lambda: node.components()["dataset-service"]["gate"] == "Simulated")
    assert {name: one["gate"] for name, one in node.components().items() if name != "guacamole"} == {
        "platform": "Held", "storage": "Simulated", "edge": "Simulated", "postgresql": "Simulated", "keycloak": "Simulated",
        "identity": "Simulated", "dataset-service": "Simulated",
    }  # fmt: skip
    operator.heal()
    node.declare(components={"guacamole": {"values": {"logLevel": "debug"}}})
    node.until("Rehearsed")
    assert node.components()["guacamole"]["failures"] == 0


def test_an_upgrade_whose_pods_never_come_is_rolled_back_to_what_worked(
    operator: Any, settled: Any, kubectl: Any, events: Any, figure: Any
) -> None:
    before = settled.components()["guacamole"]
    settled.declare(components=PLENTY)
    settled.kubectl.until(lambda: "can't be placed" in settled.components()["guacamole"]["message"], 30)
    message = settled.components()["guacamole"]["message"]
    figure(f"why: {message}")
    assert "Insufficient cpu" in message
    assert "\n" not in message
    stalled = settled.until("Stalled", seconds=90)
    settled.kubectl.until(lambda: settled.components()["guacamole"]["digest"] == before["digest"], 30)
    component = settled.components()["guacamole"]
    assert component["reason"] == "RolledBack"
    assert component["wanted"] != before["digest"]
    assert component["attempts"][0]["action"] == "Rollback"
    assert component["failures"] == LIMIT
    assert "guacamole" in stalled["message"]
    assert "RollbackSucceeded" in {one["reason"] for one in events(settled)}
    cpu = kubectl.json("get", "deployment", "guacamole", "-n", settled.namespace)["spec"]["template"]["spec"]["containers"][0]
    assert cpu["resources"]["requests"]["cpu"] != "900"
    runs = operator.helm_runs()
    kubectl("rollout", "status", "deployment/guacamole", "-n", settled.namespace, "--timeout=30s")
    operator.stop()  # what was given up stays given up for the next operator
    operator.start()
    operator.ready()
    settled.declare(components=PLENTY, deletionPolicy="Orphan")
    settled.until("Stalled")
    assert operator.helm_runs() == runs
    settled.declare()
    settled.until("Rehearsed")
    assert settled.fresh()["Stalled"]["status"] == "False"
    assert operator.helm_runs() == runs, "what runs is what is wanted again"


def test_an_upgrade_that_the_api_server_refuses_is_rolled_back(settled: Any, kubectl: Any) -> None:
    name = f"no-333m-{settled.namespace}"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}
                ]
            },
            "validations": [
                {
                    "expression": "!object.spec.template.spec.containers.exists(c, has(c.resources.requests) && "
                    "'cpu' in c.resources.requests && c.resources.requests['cpu'] == '333m')",
                    "message": "333m is a number that this cluster does not like",
                }
            ],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": settled.namespace}}},
        },
    }
    kubectl.apply(policy)
    kubectl.apply(binding)
    try:
        patch = '{"spec":{"template":{"spec":{"containers":[{"name":"guacd","resources":{"requests":{"cpu":"333m"}}}]}}}}'
        base = ("patch", "deployment", "guacd", "-n", settled.namespace, "--dry-run=server", "-p", patch)
        kubectl.until(lambda: kubectl.run(*base).returncode != 0)  # the policy takes a moment to be in force
        before = settled.components()["guacamole"]
        settled.declare(components={"guacamole": {"resources": {"requests": {"cpu": "333m"}}}})
        settled.until("Stalled")
        settled.kubectl.until(lambda: settled.components()["guacamole"]["digest"] == before["digest"], 30)
        component = settled.components()["guacamole"]
        assert component["reason"] == "RolledBack"
        tried = [one for one in component["attempts"] if one["outcome"] == "HelmFailed"]
        assert len(tried) == LIMIT
        assert settled.revisions()["guacamole"][1] == "deployed"
        assert "does not like" in settled.components()["guacamole"]["message"]
    finally:
        kubectl("delete", "validatingadmissionpolicybinding", name)
        kubectl("delete", "validatingadmissionpolicy", name)
    settled.wish_again("now it may")
    settled.until("Rehearsed")
    assert settled.components()["guacamole"]["digest"] != before["digest"]


def test_a_lock_that_a_killed_helm_left_goes_and_one_of_a_living_helm_stays(operator: Any, settled: Any, until: Any) -> None:
    revision = settled.revisions()["guacamole"][0]
    operator.slow.touch()
    runs = len(operator.helm_runs())
    settled.declare(components={"guacamole": {"values": {"logLevel": "debug"}}})
    until(lambda: settled.revisions()["guacamole"][1] == "pending-upgrade", 60)
    children = operator.process().children(recursive=True)
    helm = [one for one in children if "upgrade" in " ".join(one.cmdline())]
    assert helm
    operator.kill()  # its Helm lives on, an orphan
    helm[0].suspend()  # … and is still at work when the next operator leads
    operator.start()
    operator.ready()
    until(lambda: "another Helm process is at work on release guacamole" in operator.log(), 20)
    assert settled.revisions()["guacamole"] == (revision + 1, "pending-upgrade")
    assert operator.helm_runs()[runs:] == ["upgrade guacamole"], "no second one beside it"
    operator.slow.unlink()
    helm[0].resume()  # it ends well, or at its next word, since nobody listens any more
    settled.until("Rehearsed")
    assert settled.revisions()["guacamole"] == (revision + 1, "deployed")

    operator.slow.touch()
    settled.declare()
    until(lambda: settled.revisions()["guacamole"] == (revision + 2, "pending-upgrade"), 60)
    operator.kill(helm_too=True)
    operator.slow.unlink()
    operator.start()
    settled.until("Rehearsed")
    assert settled.revisions()["guacamole"][1] == "deployed"
    unlocked = [one["action"] for one in settled.components()["guacamole"]["attempts"]]
    assert "Unlock" in unlocked[:2]


def test_what_is_put_back_is_what_worked_not_what_was_only_installed(operator: Any, settled: Any, kubectl: Any) -> None:
    """Two upgrades whose pods never come, one after the other, with a killed operator in between that knew which one worked."""
    worked = settled.components()["guacamole"]["digest"]
    settled.declare(components={"guacamole": {"resources": {"requests": {"cpu": "800"}}}})
    settled.kubectl.until(lambda: "can't be placed" in settled.components()["guacamole"]["message"], 30)
    only_installed = settled.components()["guacamole"]["digest"]
    operator.kill()
    operator.forget_lease(kubectl)
    operator.start()
    settled.declare(components=PLENTY)
    settled.until("Stalled", seconds=120)
    settled.kubectl.until(lambda: settled.components()["guacamole"]["reason"] == "RolledBack", 60)
    settled.kubectl.until(lambda: settled.components()["guacamole"]["digest"] == worked, 60)
    assert only_installed != worked
    proven = [one["labels"].get("mininode.cancerimage.eu/proven") for one in settled.helm_secrets()]
    assert any(proven)
    settled.declare()
    settled.until("Rehearsed")

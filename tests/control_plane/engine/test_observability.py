"""Status, events, metrics, probes and logs: what a person, a program and a monitor read."""

import json
import signal
import urllib.error
from typing import Any

import pytest

from mininode.api.conditions import REASONS

pytestmark = pytest.mark.control_plane

BIGGER = {"guacamole": {"resources": {"requests": {"cpu": "310m"}}}}


def test_conditions_and_attempts_by_the_rules(settled: Any) -> None:
    before = {kind: one["lastTransitionTime"] for kind, one in settled.fresh().items()}
    for number in range(7):
        settled.declare(components={"guacamole": {"resources": {"requests": {"cpu": f"{320 + number % 2}m"}}}})
        settled.until("Rehearsed")
    resource = settled.resource()
    conditions = settled.fresh()
    assert {one["observedGeneration"] for one in conditions.values()} == {resource["metadata"]["generation"]}
    assert conditions["Stalled"]["lastTransitionTime"] == before["Stalled"], "its status never moved"
    reasons = {one["reason"] for one in conditions.values()} | {one["reason"] for one in settled.components().values()}
    assert reasons <= REASONS.keys()
    attempts = settled.components()["guacamole"]["attempts"]
    assert len(attempts) == 5
    assert {(one["action"], one["outcome"]) for one in attempts} == {("Upgrade", "Succeeded")}
    assert len({one["digest"] for one in attempts}) == 2
    assert all(one["chartVersion"] for one in attempts)
    revision = settled.revisions()["guacamole"][0]
    assert [one["revision"] for one in attempts] == [revision - number for number in range(5)]
    settled.declare()
    settled.until("Rehearsed")


def test_kubectl_wait_does_not_take_an_old_answer(operator: Any, settled: Any, kubectl: Any) -> None:
    operator.stop()
    settled.declare(components=BIGGER)
    refused = kubectl.refused(
        "wait", f"emn/{settled.name}", "-n", settled.namespace, "--for=condition=Rehearsed", "--timeout=2s"
    )
    assert "timed out" in refused
    operator.start()
    kubectl("wait", f"emn/{settled.name}", "-n", settled.namespace, "--for=condition=Rehearsed", "--timeout=40s")


def test_events_are_told_once_with_a_reason(node: Any, events: Any, until: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    until(lambda: [one["reason"] for one in events(node)].count("Simulated") == 7, 20)
    found = events(node)
    assert [one["reason"] for one in found].count("InstallSucceeded") == 8
    assert {one["reportingController"] for one in found} == {"mininode.cancerimage.eu/operator"}
    keys = [(one["reason"], one["note"]) for one in found]
    assert len(keys) == len(set(keys))
    assert all(one["reason"].isalnum() and one["note"] and len(one["note"]) <= 1024 for one in found)


def test_metrics_count_what_was_done(operator: Any, settled: Any) -> None:
    labels = {"component": "guacamole", "namespace": settled.namespace}
    before = operator.metric("mininode_component_actions_total", action="Upgrade", outcome="Succeeded", **labels)
    helm, runs = operator.metric("mininode_helm_processes_total"), len(operator.helm_runs())
    settled.declare(components={"guacamole": {"resources": {"requests": {"cpu": "333m"}}}})
    settled.until("Rehearsed")
    assert operator.metric("mininode_component_actions_total", action="Upgrade", outcome="Succeeded", **labels) == before + 1
    assert operator.metric("mininode_helm_processes_total") - helm == len(operator.helm_runs()) - runs == 1
    assert operator.metric("mininode_component_action_seconds_count", action="Upgrade") >= 1
    assert operator.metric("mininode_kube_requests_total", method="GET", code="200") > 0
    text = operator.ask("/metrics")[1]
    for name in ("mininode_component_ready", "mininode_looks_total"):
        assert f"# TYPE {name.removesuffix('_total')}" in text or f"# TYPE {name}" in text


def test_a_node_that_is_gone_is_gone_from_the_metrics(operator: Any, node: Any, until: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    assert node.namespace in operator.ask("/metrics")[1]
    node.delete()
    until(lambda: node.namespace not in operator.ask("/metrics")[1], 10)


def test_the_probes(operator: Any) -> None:
    assert operator.ask("/livez") == (200, "ok\n")
    assert operator.ask("/readyz") == (200, "ok\n")
    process = operator.process()
    process.send_signal(signal.SIGSTOP)  # a loop that hangs answers nobody
    try:
        with pytest.raises((TimeoutError, urllib.error.URLError)):
            operator.ask("/livez", timeout=1)
    finally:
        process.send_signal(signal.SIGCONT)
    operator.ready()


def test_logs_for_collectors(operator: Any, settled: Any) -> None:
    operator.environment["MININODE_LOG_FORMAT"] = "json"
    try:
        operator.start()
        operator.ready()
        settled.declare(components={"guacamole": {"resources": {"requests": {"cpu": "334m"}}}})
        settled.until("Rehearsed")
        lines = [json.loads(line) for line in operator.log().splitlines()]
    finally:
        del operator.environment["MININODE_LOG_FORMAT"]
    (line,) = [one for one in lines if one.get("action") == "Upgrade" and "duration" in one]
    assert (line["node"], line["component"]) == (settled.name, "guacamole")
    assert 0 < line["duration"] < 60
    assert line["message"].startswith("Upgrade of guacamole done")

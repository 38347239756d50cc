"""Edits while work goes on: the newest spec wins, and a burst of them is one piece of work."""

import threading
from typing import Any

import pytest

pytestmark = pytest.mark.control_plane


def cpu(amount: str) -> dict[str, Any]:
    return {"guacamole": {"resources": {"requests": {"cpu": amount}}}}


def path(node: Any) -> str:
    return f"/apis/mininode.cancerimage.eu/v1alpha1/namespaces/{node.namespace}/eucaimnodes/{node.name}"


def runs_with(api: Any, node: Any) -> str:
    deployment = api.get(f"/apis/apps/v1/namespaces/{node.namespace}/deployments/guacamole")
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"])


def test_ten_edits_in_a_second_cost_at_most_two_upgrades(operator: Any, settled: Any, api: Any, figure: Any) -> None:
    runs = len(operator.helm_runs())
    pause = threading.Event()
    for number in range(10):
        api.send("PATCH", path(settled), {"spec": {"components": cpu(f"{210 + number}m")}})
        pause.wait(0.08)
    settled.until("Rehearsed")
    used = operator.helm_runs()[runs:]
    figure(f"ten edits: {used}")
    assert 1 <= len(used) <= 2
    assert set(used) == {"upgrade guacamole"}
    assert runs_with(api, settled) == "219m"


def test_an_edit_during_an_upgrade_wins(operator: Any, settled: Any, api: Any, until: Any) -> None:
    operator.slow.touch()
    runs = len(operator.helm_runs())
    settled.declare(components=cpu("301m"))
    until(lambda: settled.revisions()["guacamole"][1] == "pending-upgrade", 60)
    operator.slow.unlink()
    settled.declare(components=cpu("302m"))
    settled.until("Rehearsed")
    assert runs_with(api, settled) == "302m"
    assert operator.helm_runs()[runs:] == ["upgrade guacamole"] * 2
    assert settled.revisions()["guacamole"][1] == "deployed"
    component = settled.components()["guacamole"]
    assert component["digest"] == component["wanted"]


def test_an_edit_that_is_taken_back_costs_nothing(operator: Any, settled: Any, api: Any) -> None:
    runs, revisions = operator.helm_runs(), settled.revisions()
    api.send("PATCH", path(settled), {"spec": {"components": cpu("303m")}})
    api.send("PATCH", path(settled), {"spec": {"components": None}})
    settled.until("Rehearsed")
    assert operator.helm_runs() == runs
    assert settled.revisions() == revisions

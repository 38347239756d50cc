"""A component without a chart, and facts: the engine treats it as any other, and plans by what gates saw."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mininode.api.spec import NodeSpec, Profile
from mininode.components.base import Component, Facts, GateResult, GateState, Node, Probes, held
from mininode.engine.look import View, findings
from mininode.engine.state import NodeMemory
from mininode.planning.decide import Action
from mininode.planning.images import ImageLock
from mininode.planning.plan import Plan, plan
from mininode.planning.release import Release, ReleaseStatus

NOW = 1000.0
ON = frozenset({Profile.MICRO})


async def _gate(node: Node, probes: Probes) -> GateResult:
    del node, probes
    return held("it does", signing_key_id="one")


COMPONENTS = {
    "server": Component("server", "", ON, (), values=lambda _: {}, gate=_gate, images={}),
    "realm": Component("realm", "", ON, ("server",), values=lambda _: {"of": "it"}, gate=_gate, images={}, chart=False),
    "user": Component(
        "user", "", ON, ("realm",), values=lambda node: {"key": node.facts.signing_key_id}, gate=_gate, images={},
        needs=("signing_key_id",),
    ),
    "other": Component("other", "", ON, ("realm",), values=lambda _: {}, gate=_gate, images={}),
}  # fmt: skip


def planned(facts: Facts, components: dict[str, Component] | None = None) -> Plan:
    node = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"), facts=facts)
    known = components or COMPONENTS
    return plan(node, known, {name: "chart" for name, one in known.items() if one.chart}, ImageLock({}))


def digests(the_plan: Plan) -> dict[str, str]:
    return {one.name: one.digest for one in the_plan.releases}


@pytest.fixture
def decided() -> Callable[..., dict[str, Any]]:
    """What is decided when server and realm are there and their gates said what is given."""

    def make(facts: Facts, state: GateState) -> dict[str, Any]:
        the_plan, memory = planned(facts), NodeMemory()
        there = {
            name: Release(name, 1, ReleaseStatus.DEPLOYED, "demo", digests(the_plan)[name]) for name in ("server", "realm")
        }
        for one in there.values():
            memory.answered(one.name, one, GateResult(state, "said"), NOW)
        view = View(the_plan, digests(the_plan), there, COMPONENTS, NOW)
        return {finding.name: finding for finding in findings(view, memory)}

    return make


def test_a_changed_fact_changes_the_digest_of_those_who_use_it_only() -> None:
    before, after = digests(planned(Facts(signing_key_id="one"))), digests(planned(Facts(signing_key_id="two")))
    assert {name for name in before if before[name] != after[name]} == {"user"}


def test_who_needs_a_fact_waits_until_it_was_seen(decided: Callable[..., dict[str, Any]]) -> None:
    found = decided(Facts(), GateState.HELD)
    assert (found["user"].row.action, found["user"].waits_for) == (Action.WAIT, ("the signing key id",))
    assert found["other"].row.action is Action.INSTALL
    assert decided(Facts(signing_key_id="one"), GateState.HELD)["user"].row.action is Action.INSTALL


def test_where_pods_are_simulated_nobody_waits_for_a_fact(decided: Callable[..., dict[str, Any]]) -> None:
    assert decided(Facts(), GateState.SIMULATED)["user"].row.action is Action.INSTALL


def test_one_whose_job_is_done_elsewhere_is_off_and_not_waited_for() -> None:
    components = {**COMPONENTS, "server": replace(COMPONENTS["server"], elsewhere=lambda _: True)}
    the_plan = planned(Facts(), components)
    assert [one.name for one in the_plan.releases] == ["realm", "other", "user"]
    assert the_plan.releases[0].requires == ()


def test_what_is_set_for_one_without_pods_is_a_mistake() -> None:
    node = Node("demo", "eucaim", NodeSpec.model_validate({"domain": "a.example", "components": {"realm": {"values": {"a": 1}}}}))
    with pytest.raises(Exception, match=r"components\.realm: it has no pods"):
        plan(node, COMPONENTS, dict.fromkeys(COMPONENTS, "chart"), ImageLock({}))

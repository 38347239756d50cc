"""From what is there to a decision for each component."""

from collections.abc import Callable

import pytest

from mininode.components.base import GateResult, GateState, held, pending
from mininode.engine.look import REMOVAL, View, findings, pause
from mininode.engine.pace import USUAL
from mininode.engine.report import Finding
from mininode.engine.state import NodeMemory
from mininode.planning.decide import IDLE, Action
from mininode.planning.release import Release, ReleaseStatus

Make = Callable[..., View]
NOW = 10_000.0
SIMULATED = GateResult(GateState.SIMULATED, "simulated")


def memory(view: View, *settled: str, result: GateResult | None = None) -> NodeMemory:
    """A memory in which the gates of these components held."""
    one = NodeMemory()
    for name in settled:
        one.answered(name, view.releases[name], result or held("it does"), NOW)
    return one


def looked(view: View, known: NodeMemory | None = None) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings(view, known or NodeMemory())}


def actions(view: View, known: NodeMemory | None = None) -> dict[str, Action]:
    return {name: finding.row.action for name, finding in looked(view, known).items()}


def test_on_bare_ground_the_first_is_installed_and_the_others_say_what_they_wait_for(view: Make) -> None:
    found = looked(view())
    assert {name: one.row.action for name, one in found.items()} == {
        "base": Action.INSTALL, "middle": Action.WAIT, "side": Action.WAIT, "top": Action.WAIT
    }  # fmt: skip
    assert {name: one.waits_for for name, one in found.items()} == {
        "base": (), "middle": ("base",), "side": ("base",), "top": ("middle",)
    }  # fmt: skip


def test_installed_is_not_enough_the_gate_must_hold(view: Make) -> None:
    seen = view("base")
    assert actions(seen)["middle"] is Action.WAIT
    assert actions(seen, memory(seen, "base", result=pending("no")))["middle"] is Action.WAIT


@pytest.mark.parametrize("result", [held("it does"), SIMULATED])
def test_what_may_start_starts_side_by_side(view: Make, result: GateResult) -> None:
    seen = view("base")
    found = actions(seen, memory(seen, "base", result=result))
    assert found == {"base": Action.SKIP, "middle": Action.INSTALL, "side": Action.INSTALL, "top": Action.WAIT}


def test_dependants_wait_again_while_what_they_need_is_upgraded(view: Make) -> None:
    old = Release("base", 1, ReleaseStatus.DEPLOYED, "demo", "v1-old")
    seen = view(old)
    assert actions(seen, memory(seen, "base")) == {
        "base": Action.UPGRADE, "middle": Action.WAIT, "side": Action.WAIT, "top": Action.WAIT
    }  # fmt: skip


def test_what_is_as_it_should_be_does_not_wait_for_what_it_needs(view: Make) -> None:
    seen = view("base", "middle", "side", "top")
    known = memory(seen, "middle", "side", "top")
    known.answered("base", seen.releases["base"], pending("the database is gone"), NOW)
    assert actions(seen, known) == {"base": Action.WAIT, "middle": Action.SKIP, "side": Action.SKIP, "top": Action.SKIP}


def test_a_removal_goes_from_the_top_down(view: Make) -> None:
    there = ["base", "middle", "side", "top"]
    order = []
    while there:
        going = [name for name, action in actions(view(*there, removing=True)).items() if action is Action.UNINSTALL]
        assert going, f"nothing can go of {there}"
        order.append(sorted(going))
        there = [name for name in there if name not in going]
    assert order == [["side", "top"], ["middle"], ["base"]]


def test_a_component_that_is_switched_off_goes_and_the_others_stay(view: Make) -> None:
    seen = view("base", "middle", "side", "top", components={"side": {"enabled": False}})
    known = memory(seen, "base", "middle", "top")
    assert actions(seen, known)["side"] is Action.UNINSTALL
    assert {name: action for name, action in actions(seen, known).items() if name != "side"} == {
        "base": Action.SKIP, "middle": Action.SKIP, "top": Action.SKIP
    }  # fmt: skip


def test_a_release_of_a_component_that_there_is_no_more_goes(view: Make) -> None:
    retired = Release("retired", 3, ReleaseStatus.DEPLOYED, "demo", "v1-x")
    assert actions(view(retired))["retired"] is Action.UNINSTALL


def test_releases_of_others_are_not_even_seen(view: Make) -> None:
    foreign = Release("wordpress", 3, ReleaseStatus.DEPLOYED, "", "")
    other = Release("else", 3, ReleaseStatus.DEPLOYED, "other-node", "v1-x")
    assert set(actions(view(foreign, other))) == {"base", "middle", "side", "top"}


def test_a_release_of_another_node_is_refused_and_its_dependants_wait(view: Make) -> None:
    seen = view(Release("base", 3, ReleaseStatus.DEPLOYED, "other-node", "v1-x"))
    found = looked(seen)
    assert (found["base"].row.action, found["base"].row.reason) == (Action.REFUSE, "OwnedByOther")
    assert found["middle"].waits_for == ("base",)


def test_what_is_under_way_keeps_its_decision(view: Make) -> None:
    install = looked(view())["base"].row
    locked = Release("base", 1, ReleaseStatus.PENDING_INSTALL, "demo", "v1-x")
    assert looked(view(locked))["base"].row.action is Action.UNLOCK
    assert looked(view(locked, busy={"base": install}))["base"].row is install


def test_one_that_failed_waits_its_time_and_holds_up_only_what_needs_it(view: Make) -> None:
    seen = view("base")
    known = memory(seen, "base")
    known.failed("middle", seen.wanted["middle"], "quota exceeded", NOW)
    found = looked(seen, known)
    assert (found["middle"].row.action, found["middle"].evidence) == (Action.WAIT, "quota exceeded")
    assert found["side"].row.action is Action.INSTALL
    assert found["top"].waits_for == ("middle",)


def test_it_gives_up_on_one_and_a_changed_spec_starts_it_anew(view: Make) -> None:
    seen = view("base")
    known = memory(seen, "base")
    for _ in range(20):
        known.failed("middle", seen.wanted["middle"], "quota exceeded", NOW - 10_000)
    assert actions(seen, known)["middle"] is Action.GIVE_UP
    edited = view("base", components={"middle": {"values": {"replicas": 2}}})
    assert actions(edited, known)["middle"] is Action.INSTALL


def test_a_removal_is_tried_for_ever(view: Make) -> None:
    seen = view("base", removing=True)
    known = NodeMemory()
    for _ in range(20):
        known.failed("base", REMOVAL, "forbidden", NOW - 10_000)
    assert actions(seen, known)["base"] is Action.UNINSTALL


def test_a_suspended_node_can_still_be_removed(view: Make) -> None:
    assert actions(view("base", removing=True, suspend=True))["base"] is Action.UNINSTALL


def test_nothing_of_a_suspended_node_is_touched(view: Make) -> None:
    seen = view(Release("base", 1, ReleaseStatus.FAILED, "demo", "v1-old"), "middle", suspend=True)
    assert all(action in IDLE | {Action.PROBE} for action in actions(seen).values())


class TestPause:
    def test_nothing_due_means_the_regular_look(self, view: Make) -> None:
        seen = view("base", "middle", "side", "top")
        known = memory(seen, *seen.releases)
        assert pause(findings(seen, known), known, NOW) == USUAL.resync

    def test_the_first_that_is_due_counts(self, view: Make) -> None:
        seen = view("base")
        known = memory(seen, "base", result=pending("not yet"))
        first = pause(findings(seen, known), known, NOW)
        assert 0 < first < 1
        known.failed("middle", seen.wanted["middle"], "no", NOW)
        assert pause(findings(seen, known), known, NOW) == first

    def test_what_is_overdue_does_not_make_it_run_in_circles(self, view: Make) -> None:
        seen = view("base")
        known = NodeMemory()
        known.failed("middle", seen.wanted["middle"], "no", NOW - 10_000)  # due, but waits for base
        assert pause(findings(seen, known), known, NOW) > 0

"""What is remembered between two looks: pauses, counts, and what a former operator wrote down."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.api.status import ComponentStatus, Gate, NodeStatus, Truth
from mininode.components.base import PODS_NOT_READY, GateState, held, pending
from mininode.engine.pace import USUAL
from mininode.engine.state import NodeMemory, remembered
from mininode.planning.release import Release, ReleaseStatus

NOW = 10_000.0  # s, somewhere on the loop's clock


def release(revision: int = 1, digest: str = "v1-a") -> Release:
    return Release("db", revision, ReleaseStatus.DEPLOYED, "demo", digest)


def pauses(times: int) -> list[float]:
    memory, found = NodeMemory(), []
    for _ in range(times):
        memory.failed("db", "v1-a", "no", NOW)
        failure = memory.failure("db", "v1-a")
        assert failure is not None
        found.append(failure.due - NOW)
    return found


@given(st.integers(1, 12))
def test_the_pause_after_a_failure_doubles_within_a_quarter_of_jitter_and_has_an_end(times: int) -> None:
    for number, pause in enumerate(pauses(times)):
        if number + 1 == USUAL.retry_limit:
            assert pause == 0  # nothing is tried any more: what worked is put back at once
            continue
        middle = min(USUAL.retry_first * 2**number, USUAL.retry_last)
        assert 0.75 * middle <= pause <= 1.25 * middle


def test_no_two_nodes_come_back_at_the_same_moment() -> None:
    assert len({pauses(1)[0] for _ in range(20)}) > 10


def test_failures_are_counted_for_one_digest() -> None:
    memory = NodeMemory()
    for _ in range(3):
        memory.failed("db", "v1-a", "no", NOW)
    assert (memory.failure("db", "v1-a") or pytest.fail("forgotten")).count == 3
    assert memory.failure("db", "v1-b") is None
    memory.failed("db", "v1-b", "no", NOW)
    assert (memory.failure("db", "v1-b") or pytest.fail("forgotten")).count == 1


def test_a_gate_that_held_once_is_known_to_whoever_comes_later() -> None:
    """The label on Helm's Secret says it, when the operator that saw it is gone and the gate says no by now."""
    memory, late = NodeMemory(), NOW + USUAL.gate_deadline + 60
    for revision in (release(), replace(release(), proven=True)):
        memory.answered("db", revision, pending("no"), NOW)
        memory.answered("db", revision, pending("no"), late)
        assert memory.proven("db", revision) is revision.proven
        assert memory.overdue("db", revision, late) is not revision.proven


def test_an_answer_is_about_one_revision_of_one_digest() -> None:
    memory = NodeMemory()
    memory.answered("db", release(), held("login works"), NOW)
    assert memory.gate("db", release()) is GateState.HELD
    assert memory.evidence("db", release()) == "login works"
    for other in (release(2), release(digest="v1-b"), None):
        assert memory.gate("db", other) is GateState.PENDING
        assert memory.evidence("db", other) == ""
        assert memory.gate_due("db", other) == 0.0
    assert memory.gate_due("db", release()) == NOW + USUAL.probe_again


def test_a_gate_that_says_no_is_asked_less_and_less_often() -> None:
    memory, found = NodeMemory(), []
    for _ in range(10):
        memory.answered("db", release(), pending("not yet"), NOW)
        found.append(memory.gate_due("db", release()) - NOW)
    assert found[0] == USUAL.probe_first
    assert found == sorted(found)
    assert found[-1] == USUAL.probe_last
    memory.answered("db", release(2), pending("not yet"), NOW)
    assert memory.gate_due("db", release(2)) == NOW + USUAL.probe_first


def test_a_gate_that_says_no_once_the_pods_are_ready_is_asked_again_soon() -> None:
    """PostgreSQL is there and its Service leads nowhere for another second: that is not worth a quarter of a minute."""
    memory = NodeMemory()
    for _ in range(8):
        memory.answered("db", release(), pending("0 of 1 pods ready", PODS_NOT_READY), NOW)
    assert memory.gate_due("db", release()) == NOW + USUAL.probe_last
    memory.answered("db", release(), pending("connection refused"), NOW)
    assert memory.gate_due("db", release()) == NOW + USUAL.probe_first
    memory.answered("db", release(), pending("connection refused"), NOW)
    assert memory.gate_due("db", release()) == NOW + 2 * USUAL.probe_first
    late = NOW + USUAL.gate_deadline + 1
    assert memory.overdue("db", release(), late)  # the pods' time counts towards the installation's


def test_what_stirs_is_asked_at_once() -> None:
    memory = NodeMemory()
    memory.answered("db", release(), held("login works"), NOW)
    memory.stirred("db")
    assert memory.gate_due("db", release()) <= NOW
    assert memory.gate("db", release()) is GateState.HELD
    memory.stirred("nobody")


def overdue(memory: NodeMemory, moment: float) -> bool:
    return memory.overdue("db", release(), moment)


def test_a_gate_that_held_and_is_lost_is_no_failed_installation() -> None:
    memory = NodeMemory()
    memory.answered("db", release(), held("it did"), NOW)
    for moment in (NOW + 1, NOW + 2 * USUAL.gate_deadline, NOW + 4 * USUAL.gate_deadline):
        memory.answered("db", release(), pending("the machine is being renewed"), moment)
    assert not overdue(memory, NOW + 5 * USUAL.gate_deadline)
    memory.answered("db", release(revision=2), pending("the next revision never held"), NOW)
    memory.answered("db", release(revision=2), pending("the next revision never held"), NOW + 1)
    assert memory.overdue("db", release(revision=2), NOW + 2 * USUAL.gate_deadline)


def test_a_gate_is_overdue_when_it_said_no_for_too_long() -> None:
    memory = NodeMemory()
    memory.answered("db", release(), pending("not yet"), NOW)
    memory.answered("db", release(), pending("not yet"), NOW + USUAL.gate_deadline / 2)
    assert not overdue(memory, NOW + USUAL.gate_deadline - 1)
    assert overdue(memory, NOW + USUAL.gate_deadline + 1)


def test_the_time_begins_with_the_first_no_after_a_yes() -> None:
    memory = NodeMemory()
    memory.answered("db", release(), held("login works"), NOW)
    late = NOW + 2 * USUAL.gate_deadline
    memory.answered("db", release(), pending("gone"), late)
    memory.answered("db", release(), pending("gone"), late + 1)
    assert not overdue(memory, late + 2)


def test_the_time_does_not_begin_before_the_operator_did() -> None:
    """A gate that held for the former operator gets its time when it says no to this one."""
    memory = remembered(NodeStatus(components=(written(),)), NOW)
    memory.answered("db", release(), pending("gone"), NOW + 1)
    memory.answered("db", release(), pending("gone"), NOW + 2)
    assert not overdue(memory, NOW + 3)


def written(*, gate: Gate = Gate.HELD, failures: int = 0) -> ComponentStatus:
    return ComponentStatus(
        name="db", ready=Truth.TRUE, reason="GateHeld", message="login works", observed_generation=1,
        release="db", revision=1, digest="v1-a", wanted="v1-a", gate=gate, failures=failures,
    )  # fmt: skip


def test_the_next_operator_knows_what_held_and_asks_again_in_its_time() -> None:
    dues = []
    for _ in range(20):
        memory = remembered(NodeStatus(components=(written(),), kept=("Secret a",)), NOW)
        assert memory.gate("db", release()) is GateState.HELD
        assert memory.gate("db", release(2)) is GateState.PENDING
        assert memory.kept == ("Secret a",)
        dues.append(memory.gate_due("db", release()) - NOW)
    assert all(0 < due <= USUAL.probe_again for due in dues)
    assert len(set(dues)) > 10  # spread, so that a restart is no storm of questions


def test_what_did_not_hold_is_asked_anew() -> None:
    memory = remembered(NodeStatus(components=(written(gate=Gate.PENDING),)), NOW)
    assert memory.gate_due("db", release()) <= NOW


def test_failures_outlive_the_operator() -> None:
    memory = remembered(NodeStatus(components=(written(gate=Gate.PENDING, failures=3),)), NOW)
    assert (memory.failure("db", "v1-a") or pytest.fail("forgotten")).count == 3
    assert memory.failed("db", "v1-a", "no", NOW) == 4


def test_a_wish_is_carried_out_when_all_that_is_said_to_hold_has_answered_again() -> None:
    """An install after a power cut waits for this: what the status said before is of the time before."""
    memory = remembered(NodeStatus(components=(written(),), last_handled_reconcile_at="monday"), NOW)
    assert memory.handled(["db"]) == "monday"
    memory.heard("tuesday")
    assert memory.handled(["db"]) == "monday"
    assert memory.handled([]) == "tuesday", "what does not hold is told as it is"
    memory.gates["db"].due = NOW + 300.0
    assert memory.handled(["db"]) == "tuesday"


def test_a_wish_for_a_new_start_is_heard_once() -> None:
    memory = remembered(NodeStatus(components=(written(failures=3),), last_handled_reconcile_at="monday"), NOW)
    memory.heard("monday")
    assert memory.failure("db", "v1-a") is not None
    memory.heard("tuesday")
    assert memory.failure("db", "v1-a") is None
    assert memory.gate_due("db", release()) <= NOW


def test_the_versions_to_look_at_only_grow_and_a_deed_in_between_is_not_forgotten() -> None:
    memory = NodeMemory()
    memory.seen("", "90")
    memory.wrote("100")
    assert memory.releases_known == "100"
    memory.wrote("95")
    assert memory.releases_known == "100", "two deeds may end in the other order"
    memory.wrote("120")
    memory.seen("100", "110")
    assert memory.releases_known == "120", "a deed ended while the answer was on its way"
    memory.wrote()
    memory.seen("120", "130")
    assert memory.releases_known == "", "likewise, and nobody knows its version"
    memory.wrote("140")
    assert memory.releases_known == "", "the one before may be later"

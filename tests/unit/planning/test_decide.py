"""The table of decisions: each row has a case that it decides, and some sentences that must hold for every case."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.components.base import GateState
from mininode.planning.decide import IDLE, ROWS, Action, Case, decide
from mininode.planning.release import LOCKED, Release, ReleaseStatus

WANTED = "v1-wanted"


def release(
    status: ReleaseStatus = ReleaseStatus.DEPLOYED, *, node: str = "demo", digest: str = WANTED, fallback: int = 0
) -> Release:
    return Release("db", 3, status, node, digest, fallback)


# A component that is as it should be; each case says what is different.
GOOD = Case(node="demo", wanted=WANTED, release=release(), gate=GateState.HELD, probe_due=False)


def case(**different: object) -> Case:
    return dataclasses.replace(GOOD, **different)  # type: ignore[arg-type]


# The name of each row, a case that it decides, and what then is to be done: the table said a second time, in examples.
CASES: dict[str, tuple[Case, Action]] = {
    "off, nothing there": (case(wanted=None, release=None), Action.SKIP),
    "foreign, wanted": (case(release=release(node="other")), Action.REFUSE),
    "off, not ours": (case(wanted=None, release=release(node="other")), Action.SKIP),
    "suspended, not done": (case(suspended=True, release=None), Action.SKIP),
    "off, still needed": (case(wanted=None, dependants_remain=True), Action.WAIT),
    "removal failed, not due": (case(wanted=None, failures=1, retry_due=False), Action.WAIT),
    "off": (case(wanted=None), Action.UNINSTALL),
    "locked": (case(release=release(ReleaseStatus.PENDING_UPGRADE)), Action.UNLOCK),
    "half removed": (case(release=release(ReleaseStatus.UNINSTALLING)), Action.UNINSTALL),
    "requirements do not hold": (case(release=None, requires_hold=False), Action.WAIT),
    "failed too often, something to go back to": (
        case(release=release(ReleaseStatus.FAILED, fallback=2), failures=5, exhausted=True),
        Action.ROLLBACK,
    ),
    "failed too often, installed": (case(failures=5, exhausted=True, probe_due=True), Action.PROBE),
    "failed too often, went back": (case(release=release(digest="v1-before"), failures=5, exhausted=True), Action.GIVE_UP),
    "failed too often": (case(release=release(ReleaseStatus.FAILED), failures=5, exhausted=True), Action.GIVE_UP),
    "failed, installed, not due": (case(failures=1, retry_due=False, probe_due=True), Action.PROBE),
    "failed, not due": (case(release=release(ReleaseStatus.FAILED), failures=1, retry_due=False), Action.WAIT),
    "failed, due": (case(release=release(ReleaseStatus.FAILED), failures=1), Action.RETRY),
    "absent": (case(release=None), Action.INSTALL),
    "made by hand": (case(release=release(node="", digest="")), Action.ADOPT),
    "other inputs": (case(release=release(digest="v1-before")), Action.UPGRADE),
    "failed in an earlier life": (case(release=release(ReleaseStatus.FAILED)), Action.RETRY),
    "changed by hand": (case(drifted=True), Action.CORRECT_DRIFT),
    "a credential has a next value": (case(rotating=True), Action.ROTATE),
    "gate open question, due": (case(gate=GateState.PENDING, probe_due=True), Action.PROBE),
    "gate open question": (case(gate=GateState.PENDING), Action.WAIT),
    "gate held, asked again": (case(probe_due=True), Action.PROBE),
    "gate simulated, asked again": (case(gate=GateState.SIMULATED, probe_due=True), Action.PROBE),
    "gate simulated": (case(gate=GateState.SIMULATED), Action.SKIP),
    "settled": (GOOD, Action.SKIP),
}


def test_every_row_has_a_case() -> None:
    assert [row.name for row in ROWS if row.name not in CASES] == []
    assert [name for name in CASES if name not in {row.name for row in ROWS}] == []


@pytest.mark.parametrize("name", CASES)
def test_the_row_decides_its_case(name: str) -> None:
    given_case, action = CASES[name]
    row = decide(given_case)
    assert (row.name, row.action) == (name, action)


def test_no_two_rows_have_one_name() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


releases = st.builds(
    Release,
    name=st.just("db"),
    revision=st.integers(1, 9),
    status=st.sampled_from(ReleaseStatus),
    node=st.sampled_from(["demo", "other", ""]),
    digest=st.sampled_from([WANTED, "v1-before", ""]),
    fallback=st.integers(0, 2),
)
cases = st.builds(
    Case,
    node=st.just("demo"),
    wanted=st.sampled_from([WANTED, None]),
    release=st.none() | releases,
    gate=st.sampled_from(GateState),
    requires_hold=st.booleans(),
    dependants_remain=st.booleans(),
    failures=st.integers(0, 6),
    exhausted=st.booleans(),
    drifted=st.booleans(),
    retry_due=st.booleans(),
    probe_due=st.booleans(),
    suspended=st.booleans(),
)


@given(cases)
def test_the_last_row_holds_always_so_there_is_a_decision_for_everything(any_case: Case) -> None:
    assert ROWS[-1].when(any_case)
    assert decide(any_case) in ROWS


@given(cases)
def test_nothing_of_a_suspended_node_is_changed(any_case: Case) -> None:
    assert decide(dataclasses.replace(any_case, suspended=True)).action in IDLE | {Action.PROBE}


@given(cases)
def test_the_release_of_somebody_else_is_never_touched(any_case: Case) -> None:
    theirs = dataclasses.replace(any_case, release=release(node="other"))
    assert decide(theirs).action in IDLE


@given(cases)
def test_nothing_is_installed_that_is_off_and_nothing_removed_whole_that_is_on(any_case: Case) -> None:
    action = decide(any_case).action
    if any_case.wanted is None:
        assert action in IDLE | {Action.UNLOCK, Action.UNINSTALL}
    elif any_case.release is None or any_case.release.status is not ReleaseStatus.UNINSTALLING:
        assert action is not Action.UNINSTALL


@given(cases)
def test_helm_is_never_sent_against_a_lock(any_case: Case) -> None:
    """A lock keeps every verb of Helm away but uninstall."""
    if any_case.release is not None and any_case.release.status in LOCKED:
        action = decide(any_case).action
        assert action in IDLE | {Action.UNLOCK} or (any_case.wanted is None and action is Action.UNINSTALL)


@given(cases)
def test_nothing_starts_before_what_it_requires(any_case: Case) -> None:
    waiting = dataclasses.replace(any_case, requires_hold=False)
    if waiting.wanted is not None and (waiting.release is None or waiting.release.digest != waiting.wanted):
        assert decide(waiting).action not in {Action.INSTALL, Action.UPGRADE, Action.ADOPT, Action.RETRY}


@given(cases)
def test_the_word_gate_held_needs_a_gate_that_held(any_case: Case) -> None:
    row = decide(any_case)
    if row.action is Action.SKIP and row.reason == "GateHeld":
        assert any_case.gate is GateState.HELD
        assert any_case.release is not None
        assert (any_case.release.status, any_case.release.digest) == (ReleaseStatus.DEPLOYED, any_case.wanted)


@given(cases)
def test_what_failed_is_not_tried_before_its_time(any_case: Case) -> None:
    early = dataclasses.replace(any_case, failures=max(any_case.failures, 1), exhausted=False, retry_due=False)
    row = decide(early)
    assert row.action not in {Action.INSTALL, Action.UPGRADE, Action.RETRY}
    locked = early.release is not None and early.release.status in LOCKED | {ReleaseStatus.UNINSTALLING}
    assert row.action in IDLE | {Action.PROBE} or locked

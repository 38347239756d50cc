"""The status that people and programs read: what each situation is called, and when times move."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.api.conditions import CERTIFICATE, READY, REALM, REASONS, RECONCILING, REHEARSED, ROOM, STALLED, TYPES
from mininode.api.status import Condition, NodeStatus, Truth
from mininode.components.base import GateResult, GateState, held, pending
from mininode.engine.realm_said import realm_said
from mininode.engine.report import Circumstances, Finding, invalid_status, node_status
from mininode.planning.decide import ROWS
from mininode.planning.release import Release, ReleaseStatus

WANTED = "v1-wanted"
ONE, TWO = "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"
BY_NAME = {row.name: row for row in ROWS}


def finding(row: str, name: str = "db", *, gate: GateState = GateState.PENDING, digest: str = WANTED, **more: Any) -> Finding:
    """A finding as the table would give it with this row; `there=False` for one that has no release."""
    release = Release(name, 1, ReleaseStatus.DEPLOYED, "demo", digest) if more.pop("there", True) else None
    return Finding(name, BY_NAME[row], release, more.pop("wanted", WANTED), gate, more.pop("evidence", ""), **more)


HELD = finding("settled", gate=GateState.HELD, evidence="login works")
SIMULATED = finding("gate simulated", "web", gate=GateState.SIMULATED, evidence="pods are simulated")
INSTALLING = finding("absent", "idp", there=False)
WAITING = finding("requirements do not hold", "web", there=False, waits_for=("db",))
FAILED = finding("failed, not due", "web", evidence="quota exceeded", failures=2)
GIVEN_UP = finding("failed too often", "web", evidence="quota exceeded", failures=5)
FOREIGN = finding("foreign, wanted", "web")
REMOVING = finding("off", "web", wanted="")


def status(*findings: Finding, previous: NodeStatus | None = None, now: str = ONE, **around: Any) -> NodeStatus:
    return node_status(findings, previous or NodeStatus(), Circumstances(generation=3, now=now, **around))


def condition(found: NodeStatus, kind: str) -> Condition:
    one = found.condition(kind)
    assert one is not None
    return one


def truths(found: NodeStatus) -> dict[str, str]:
    """What the components decide; certificate and realm are matters of their own."""
    return {one.type: str(one.status) for one in found.conditions if one.type not in {CERTIFICATE, REALM, ROOM}}


def expected(ready: str, reconciling: str, stalled: str, rehearsed: str) -> dict[str, str]:
    return {READY: ready, RECONCILING: reconciling, STALLED: stalled, REHEARSED: rehearsed}


SITUATIONS: dict[str, tuple[tuple[Finding, ...], dict[str, Any], dict[str, str], str]] = {
    "all gates hold": ((HELD,), {}, expected("True", "False", "False", "False"), "AllGatesHold"),
    "all simulated": ((SIMULATED,), {}, expected("Unknown", "False", "False", "True"), "Simulated"),
    "held and simulated": ((HELD, SIMULATED), {}, expected("Unknown", "False", "False", "True"), "Simulated"),
    "at work": ((HELD, INSTALLING, WAITING), {}, expected("Unknown", "True", "False", "False"), "Progressing"),
    "at work, one simulated": ((SIMULATED, INSTALLING), {}, expected("Unknown", "True", "False", "False"), "Progressing"),
    "one failed, tried again": ((HELD, FAILED), {}, expected("False", "True", "False", "False"), "Failed"),
    "one given up": ((HELD, GIVEN_UP), {}, expected("False", "False", "True", "False"), "ComponentFailed"),
    "one given up, work goes on": ((INSTALLING, GIVEN_UP), {}, expected("False", "True", "True", "False"), "ComponentFailed"),
    "one is somebody else's": ((HELD, FOREIGN), {}, expected("False", "False", "True", "False"), "ComponentFailed"),
    "suspended, done": ((HELD,), {"suspended": True}, expected("True", "False", "False", "False"), "AllGatesHold"),
    "suspended, not done": (
        (HELD, finding("suspended, not done", "web", there=False)),
        {"suspended": True},
        expected("Unknown", "False", "False", "False"),
        "Suspended",
    ),
    "going away": ((REMOVING,), {"removing": True}, expected("False", "True", "False", "False"), "Terminating"),
    "gone": ((), {"removing": True}, expected("False", "True", "False", "False"), "Terminating"),
}


@pytest.mark.parametrize(("findings", "around", "wanted", "reason"), SITUATIONS.values(), ids=SITUATIONS.keys())
def test_a_situation(findings: tuple[Finding, ...], around: dict[str, Any], wanted: dict[str, str], reason: str) -> None:
    found = status(*findings, **around)
    assert truths(found) == wanted
    assert condition(found, READY).reason == reason


rows = st.sampled_from(ROWS)
some_findings = st.builds(
    Finding,
    name=st.just("x"),
    row=rows,
    release=st.none() | st.builds(
        Release, st.just("x"), st.just(1), st.sampled_from(ReleaseStatus), st.just("demo"), st.sampled_from([WANTED, "v1-x"])
    ),
    wanted=st.sampled_from([WANTED, ""]),
    gate=st.sampled_from(GateState),
    evidence=st.text(max_size=3000),
    failures=st.integers(0, 6),
)  # fmt: skip
situations = st.lists(some_findings, max_size=5).map(
    lambda found: tuple(Finding(f"c{i}", *(getattr(one, name) for name in Finding.__slots__[1:])) for i, one in enumerate(found))
)
arounds = st.fixed_dictionaries({"suspended": st.booleans(), "removing": st.booleans()})


@given(situations, arounds)
def test_nothing_simulated_nothing_unproven_is_ever_called_ready(found: tuple[Finding, ...], around: dict[str, bool]) -> None:
    made = status(*found, **around)
    if condition(made, READY).status is Truth.TRUE:
        assert all(one.gate is GateState.HELD and one.release and one.release.digest == one.wanted for one in found)
    for one, component in zip(found, made.components, strict=True):
        if component.ready is Truth.TRUE:
            assert one.gate is GateState.HELD


@given(situations, arounds)
def test_every_condition_is_there_from_the_first_look_and_is_about_this_spec(
    found: tuple[Finding, ...], around: dict[str, bool]
) -> None:
    made = status(*found, **around)
    assert [one.type for one in made.conditions] == list(TYPES)
    assert {one.observed_generation for one in made.conditions} == {3}
    assert {one.reason for one in made.conditions} | {one.reason for one in made.components} <= REASONS.keys()
    assert all(one.message for one in made.conditions)


@given(situations, arounds)
def test_computed_twice_it_is_the_same(found: tuple[Finding, ...], around: dict[str, bool]) -> None:
    once = status(*found, **around)
    assert status(*found, previous=once, now=TWO, **around) == once


@given(situations, situations, arounds)
def test_a_time_moves_exactly_when_its_status_does(
    before: tuple[Finding, ...], after: tuple[Finding, ...], around: dict[str, bool]
) -> None:
    first = status(*before, **around)
    second = status(*after, previous=first, now=TWO, **around)
    for one in second.conditions:
        assert one.last_transition_time == (ONE if condition(first, one.type).status == one.status else TWO)
    known = {one.name: one.ready for one in first.components}
    for component in second.components:
        assert component.last_transition_time == (ONE if known.get(component.name) == component.ready else TWO)


@given(situations, arounds)
def test_the_api_server_takes_it(found: tuple[Finding, ...], around: dict[str, bool]) -> None:
    """Its own limits on lengths: the model that the CRD is made of checks them."""
    made = status(*found, **around)
    assert NodeStatus.model_validate_json(made.model_dump_json(by_alias=True)) == made


def test_a_component_says_what_it_waits_for_and_what_went_wrong() -> None:
    messages = {one.name: one.message for one in status(HELD, WAITING).components}
    assert messages == {"db": "login works", "web": "waits for db"}
    (failed,) = status(FAILED).components
    assert "quota exceeded" in failed.message
    assert failed.failures == 2
    assert "web" in condition(status(HELD, FAILED), READY).message


def test_the_summary_counts_what_is_settled() -> None:
    assert status(HELD, SIMULATED, INSTALLING).components_summary == "2/3"


def test_a_spec_that_can_not_be_made_true() -> None:
    before = status(HELD, SIMULATED)
    after = invalid_status("keycloak is off", before, Circumstances(generation=4, now=TWO))
    assert truths(before)[REHEARSED] == "True"
    assert truths(after) == expected("False", "False", "True", "False")  # nothing that is there was made from this spec
    assert condition(after, STALLED).reason == "InvalidSpec"
    assert condition(after, STALLED).message == "keycloak is off"
    assert after.observed_generation == 4
    assert {one.observed_generation for one in after.conditions} == {4}
    assert after.components == before.components


def test_a_broken_spec_does_not_make_the_certificate_last_longer() -> None:
    soon = (Truth.FALSE, "CertificateEndsSoon", "The certificate ends on Sunday.")
    before = status(HELD, certificate=soon)
    after = invalid_status("keycloak is off", before, Circumstances(generation=4, now=TWO))
    assert condition(after, CERTIFICATE).reason == "CertificateEndsSoon"
    assert condition(after, CERTIFICATE).last_transition_time == ONE
    assert condition(invalid_status("off", NodeStatus(), Circumstances(4, TWO)), CERTIFICATE).status is Truth.UNKNOWN


def test_the_realm_is_said_to_be_what_its_gate_answered() -> None:
    assert realm_said(None)[0] is Truth.UNKNOWN
    assert realm_said(GateResult(GateState.SIMULATED, "nothing to ask"))[0] is Truth.UNKNOWN
    assert realm_said(held("the realm is as declared"))[:2] == (Truth.TRUE, "RealmAsDeclared")
    down = realm_said(pending("Keycloak does not answer. It is asked again", "KeycloakDown"))
    assert down == (Truth.FALSE, "KeycloakDown", "Keycloak does not answer. It is asked again")
    after = invalid_status("keycloak is off", status(HELD, realm=down), Circumstances(generation=4, now=TWO))
    assert condition(after, REALM).reason == "KeycloakDown", "a broken spec does not mend it"
    assert realm_said(pending("its state can't be read", "KubernetesUnreachable"))[1] == "KubernetesUnreachable"
    assert realm_said(pending("a new kind of trouble", "Unheard"))[1] == "KeycloakError", "the list of reasons is closed"


def test_every_reason_of_the_table_is_documented() -> None:
    assert {row.reason for row in ROWS} <= REASONS.keys()

"""The door's certificate in each mode, the node's own authority, and the bundle that pods believe."""

import dataclasses
import datetime
from typing import Any

import pytest

from mininode.api.spec import NodeSpec
from mininode.components.base import GateState, HttpAnswer, Node, ProbeFailed
from mininode.components.edge import CERTIFICATE, WHO
from mininode.components.registry import all_components
from mininode.components.trust import AUTHORITY, BUNDLE, BUNDLE_KEY
from mininode.credentials.certificates import (
    CERTIFICATE_LIFE,
    chain,
    covers,
    expiry,
    fingerprint,
    issue,
    issued_by,
    new_authority,
)
from mininode.errors import MininodeError

EDGE, PLATFORM = all_components()["edge"], all_components()["platform"]
PROVIDED = {
    "mode": "provided",
    "certificateRef": {"name": "site-tls", "key": "tls.crt"},
    "privateKeyRef": {"name": "site-tls", "key": "tls.key"},
}


def node(domain: str = "node.hospital.example", **tls: Any) -> Node:
    return Node("demo", "eucaim", NodeSpec.model_validate({"domain": domain, "tls": tls or {"mode": "ownCA"}}))


async def keep(component: Any, node: Node, keeper: Any) -> None:
    assert component.upkeep is not None
    await component.upkeep(node, keeper)


async def test_the_authority_is_made_once_and_the_certificate_comes_from_it(keeper: Any) -> None:
    await keep(PLATFORM, node(), keeper)
    await keep(EDGE, node(), keeper)
    authority, certificate = keeper.secrets[AUTHORITY]["tls.crt"], keeper.secrets[CERTIFICATE]["tls.crt"]
    assert issued_by(certificate, authority)
    assert covers(certificate, "node.hospital.example")
    before = list(keeper.written)
    for component in (PLATFORM, EDGE):
        await keep(component, node(), keeper)
    assert keeper.written == before == [AUTHORITY, BUNDLE, CERTIFICATE]


async def test_the_certificate_is_issued_anew_at_two_thirds_of_its_life_by_the_same_authority(keeper: Any) -> None:
    await keep(EDGE, node(), keeper)
    authority, first = keeper.secrets[AUTHORITY], keeper.secrets[CERTIFICATE]
    began = keeper.now
    keeper.now = began + CERTIFICATE_LIFE * 0.6
    await keep(EDGE, node(), keeper)
    assert keeper.secrets[CERTIFICATE] == first
    keeper.now = began + CERTIFICATE_LIFE * 0.7
    await keep(EDGE, node(), keeper)
    assert keeper.secrets[AUTHORITY] == authority
    assert keeper.secrets[CERTIFICATE]["certificate.caddy"] != first["certificate.caddy"]
    assert expiry(keeper.secrets[CERTIFICATE]["tls.crt"]) == keeper.now + CERTIFICATE_LIFE


@pytest.mark.parametrize("broken", ["", "rubbish"])
async def test_another_domain_or_a_broken_certificate_is_issued_anew(keeper: Any, broken: str) -> None:
    await keep(EDGE, node(), keeper)
    await keep(EDGE, node("other.hospital.example"), keeper)
    assert covers(keeper.secrets[CERTIFICATE]["tls.crt"], "other.hospital.example")
    keeper.secrets[CERTIFICATE]["tls.crt"] = broken
    await keep(EDGE, node(), keeper)
    assert covers(keeper.secrets[CERTIFICATE]["tls.crt"], "node.hospital.example")


async def test_an_authority_that_another_operator_made_first_is_the_one(keeper: Any) -> None:
    theirs = new_authority("theirs", keeper.now)
    keeper.first[AUTHORITY] = {"tls.crt": theirs.certificate, "tls.key": theirs.key}
    await keep(EDGE, node(), keeper)
    assert issued_by(keeper.secrets[CERTIFICATE]["tls.crt"], theirs.certificate)


@pytest.mark.parametrize("broken", [{}, {"tls.crt": "x"}, {"tls.crt": "x", "tls.key": "y"}])
async def test_a_broken_authority_is_told_and_never_replaced(keeper: Any, broken: dict[str, str]) -> None:
    keeper.secrets[AUTHORITY] = dict(broken)
    with pytest.raises(MininodeError) as caught:
        await keep(EDGE, node(), keeper)
    assert caught.value.reason == "AuthorityBroken"
    assert keeper.secrets[AUTHORITY] == broken


async def test_acme_keeps_no_certificate_and_no_authority(keeper: Any) -> None:
    for component in (PLATFORM, EDGE):
        await keep(component, node(mode="acme"), keeper)
    assert keeper.secrets == {}


async def test_a_provided_certificate_is_checked_and_given_to_the_door(keeper: Any) -> None:
    authority = new_authority("site", keeper.now)
    good = issue(authority, "node.hospital.example", keeper.now)
    keeper.secrets["site-tls"] = {"tls.crt": good.certificate, "tls.key": good.key}
    await keep(EDGE, node(**PROVIDED), keeper)
    assert keeper.secrets[CERTIFICATE]["tls.key"] == good.key
    assert fingerprint(good.certificate) in keeper.secrets[CERTIFICATE]["certificate.caddy"]


async def test_a_bad_one_is_refused_with_every_fault_and_the_good_one_stays(keeper: Any) -> None:
    authority = new_authority("site", keeper.now)
    good = issue(authority, "node.hospital.example", keeper.now)
    keeper.secrets["site-tls"] = {"tls.crt": good.certificate, "tls.key": good.key}
    await keep(EDGE, node(**PROVIDED), keeper)
    before = keeper.secrets[CERTIFICATE]
    old = issue(authority, "other.hospital.example", keeper.now - CERTIFICATE_LIFE - datetime.timedelta(days=1))
    keeper.secrets["site-tls"] = {"tls.crt": old.certificate, "tls.key": good.key}
    with pytest.raises(MininodeError) as caught:
        await keep(EDGE, node(**PROVIDED), keeper)
    for fault in ("belongs to another", "not for node.hospital.example", "it ended on"):
        assert fault in caught.value.message
    assert keeper.secrets[CERTIFICATE] == before


@pytest.mark.parametrize(("there", "said"), [(None, "no such Secret"), ({"other": "x"}, "no key tls.crt, only other")])
async def test_a_missing_one_is_told_with_the_command(keeper: Any, there: Any, said: str) -> None:
    if there is not None:
        keeper.secrets["site-tls"] = there
    with pytest.raises(MininodeError) as caught:
        await keep(EDGE, node(**PROVIDED), keeper)
    assert said in caught.value.message
    assert "kubectl create secret tls site-tls" in (caught.value.advice or "")


async def test_the_bundle_has_the_public_authorities_and_the_node_s_own(keeper: Any) -> None:
    await keep(PLATFORM, node(), keeper)
    text = keeper.maps[BUNDLE][BUNDLE_KEY]
    assert keeper.public.strip() in text
    assert keeper.secrets[AUTHORITY]["tls.crt"].strip() in text
    assert chain(text[text.rindex("-----BEGIN") :])[0].subject.rfc4514_string().startswith("CN=")


GATEWAY = {"mode": "gateway", "gateway": {"name": "theirs"}}


@pytest.mark.parametrize(
    ("exposure", "mode", "told"),
    [
        ({"mode": "edge"}, "ownCA", True),
        ({"mode": "ingress"}, "ownCA", True),
        ({"mode": "ingress"}, "acme", True),  # cert-manager's Secret
        (GATEWAY, "ownCA", False),  # that Gateway has a certificate of its own
    ],
)
async def test_when_it_ends_is_told_wherever_a_secret_of_the_node_has_it(
    keeper: Any, exposure: dict[str, Any], mode: str, told: bool
) -> None:
    public = issue(new_authority("public", keeper.now), "node.hospital.example", keeper.now)
    keeper.secrets["edge-public"] = {"tls.crt": public.certificate, "tls.key": public.key}
    spec = {"domain": "node.hospital.example", "exposure": exposure, "tls": {"mode": mode}}
    await keep(EDGE, Node("demo", "eucaim", NodeSpec.model_validate(spec)), keeper)
    assert keeper.facts == {"certificate_ends": "2027-02-23T12:00:00Z" if told else ""}


async def test_a_certificate_of_the_door_s_own_is_told_by_the_door(keeper: Any, probes: Any) -> None:
    await keep(EDGE, node(mode="acme"), keeper)
    assert keeper.facts == {}
    probes.services["edge"] = "10.96.7.7"
    identity = EDGE.values(node(mode="acme"))["identity"]
    probes.answers[f"GET door:{WHO}"] = HttpAnswer(200, {"node": identity}, "00" * 32, "2027-02-23T12:00:00Z")
    result = await EDGE.gate(node(mode="acme"), probes)
    assert result.facts["certificate_ends"] == "2027-02-23T12:00:00Z"


# ── The gate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def shown(keeper: Any, probes: Any) -> Any:
    """A door that answers as it should."""
    await keep(EDGE, node(), keeper)
    identity = EDGE.values(node())["identity"]
    probes.secrets[f"{CERTIFICATE}/tls.crt"] = keeper.secrets[CERTIFICATE]["tls.crt"]
    probes.services["edge"] = "10.96.7.7"
    probes.answers[f"GET door:{WHO}"] = HttpAnswer(200, {"node": identity}, fingerprint(keeper.secrets[CERTIFICATE]["tls.crt"]))
    return probes


async def test_the_gate_holds_when_our_door_shows_our_certificate(shown: Any) -> None:
    result = await EDGE.gate(node(), shown)
    assert (result.state, result.facts) == (GateState.HELD, {"door_ip": "10.96.7.7"})


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ({"status": 502}, "answered 502"),
        ({"json": {"node": "0123"}}, "something else than this node's door"),
        ({"json": None}, "something else than this node's door"),
        ({"certificate": "00" * 32}, "still shows another certificate"),
    ],
)
async def test_it_does_not_hold_otherwise(shown: Any, change: dict[str, Any], evidence: str) -> None:
    shown.answers[f"GET door:{WHO}"] = dataclasses.replace(shown.answers[f"GET door:{WHO}"], **change)
    result = await EDGE.gate(node(), shown)
    assert result.state is GateState.PENDING
    assert evidence in result.evidence


async def test_nobody_there_is_no_answer(probes: Any) -> None:
    with pytest.raises(ProbeFailed):
        await EDGE.gate(node(), probes)


def test_two_nodes_have_two_identities() -> None:
    one, other = node(), dataclasses.replace(node(), name="second")
    assert EDGE.values(one)["identity"] != EDGE.values(other)["identity"]


# ── What other components make of it ─────────────────────────────────────────────────────────────────────────────────


async def test_the_platform_tells_which_bundle_there_is(keeper: Any, probes: Any) -> None:
    with pytest.raises(ProbeFailed, match=BUNDLE):
        await PLATFORM.gate(node(), probes)
    await keep(PLATFORM, node(), keeper)
    probes.configs[f"{BUNDLE}/{BUNDLE_KEY}"] = keeper.maps[BUNDLE][BUNDLE_KEY]
    first = await PLATFORM.gate(node(), probes)
    assert first.state is GateState.HELD
    probes.configs[f"{BUNDLE}/{BUNDLE_KEY}"] += new_authority("another", keeper.now).certificate
    assert (await PLATFORM.gate(node(), probes)).facts != first.facts


async def test_authorities_of_the_site_are_in_the_bundle_or_told(keeper: Any) -> None:
    theirs = new_authority("site", keeper.now).certificate
    wish = node(mode="ownCA", authoritiesRef={"name": "site", "key": "ca.crt"})
    with pytest.raises(MininodeError, match="no certificate is in it"):
        await keep(PLATFORM, wish, keeper)
    keeper.secrets["site"] = {"ca.crt": theirs}
    await keep(PLATFORM, wish, keeper)
    assert theirs.strip() in keeper.maps[BUNDLE][BUNDLE_KEY]


async def test_behind_a_cluster_s_own_door_pods_see_a_certificate_of_our_own(keeper: Any) -> None:
    spec = {"domain": "node.hospital.example", "exposure": {"mode": "ingress"}, "tls": {"mode": "acme"}}
    behind = Node("demo", "eucaim", NodeSpec.model_validate(spec))
    await keep(EDGE, behind, keeper)
    assert issued_by(keeper.secrets[CERTIFICATE]["tls.crt"], keeper.secrets[AUTHORITY]["tls.crt"])
    assert keeper.announced == []

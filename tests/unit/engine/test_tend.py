"""Tending the realm: when it is enforced and when only looked at, whose secrets are used, what is said when something is wrong.

Keycloak itself is played here; tests/services has the real one.
"""

import base64
from dataclasses import replace
from typing import Any

import pytest

from mininode.api.spec import DriftCorrection, NodeSpec
from mininode.components.base import GateResult, GateState, Node, held, pending
from mininode.components.registry import all_components
from mininode.credentials.store import new_secret, next_secret
from mininode.engine import tend as module
from mininode.engine.record import write_record
from mininode.engine.tend import tend
from mininode.keycloak.diff import Difference
from mininode.keycloak.door import Write
from mininode.keycloak.errors import KeycloakError, login_refused
from mininode.keycloak.reconcile import RealmReport

CLIENT = "dataset-service-client"
ADMINS = {"identity": {"admins": ["ada@hospital.example"]}}


def node(**spec: Any) -> Node:
    found = NodeSpec.model_validate({"domain": "node.hospital.example"} | spec)
    return Node("demo", "eucaim", found, on=tuple(all_components().values()))


class Kube:
    """Secrets of one namespace."""

    def __init__(self) -> None:
        self.secrets: dict[str, Any] = {}

    def add(self, body: Any) -> None:
        self.secrets[body["metadata"]["name"]] = body

    async def get(self, _: Any, name: str, __: str) -> Any:
        return self.secrets.get(name)

    get_metadata = get

    async def create(self, _: Any, body: Any, __: str) -> Any:
        return None if body["metadata"]["name"] in self.secrets else self.add(body) or body

    async def apply(self, _: Any, body: Any, __: str, **___: Any) -> None:
        kept = self.secrets.get(body["metadata"]["name"], {}).get("metadata", {}).get("annotations", {})
        body["metadata"]["annotations"] = {**kept, **body["metadata"]["annotations"]}
        self.add(body)

    async def merge(self, _: Any, name: str, patch: Any, __: str) -> None:
        self.secrets[name]["metadata"].setdefault("annotations", {}).update(patch["metadata"]["annotations"])

    def text(self, name: str, key: str) -> str:
        return base64.b64decode(self.secrets[name]["data"][key]).decode()


class Keycloak:
    """What the realm answers, and what it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.policies: list[DriftCorrection] = []
        self.secrets: dict[str, str] = {}
        self.adopted: dict[str, str] = {}
        self.bootstraps: list[str] = []
        self.refused = False
        self.down: KeycloakError | None = None
        self.report = RealmReport((), (), (), (), "the-key", "26.7.3", 9)
        self.issuer: GateResult = held("it is")
        self.account: GateResult = held("it is")
        for name, fake in (
            ("bootstrap", self._bootstrap), ("reconcile_realm", self._reconcile), ("read_secrets", self._read),
            ("check_issuer", self._issuer), ("check_service_account", self._account),
        ):  # fmt: skip
            monkeypatch.setattr(module, name, fake)

        async def get(_: Any, path: str) -> Any:
            if self.refused:
                raise login_refused("mininode-operator", "master", "no")
            return {"path": path}

        monkeypatch.setattr(module.KeycloakDoor, "get", get)

    async def _bootstrap(self, door: Any, login: Any) -> None:
        del door
        self.bootstraps.append(f"{login.username} {login.password}")
        self.refused = False

    async def _reconcile(self, door: Any, desired: Any, *, policy: DriftCorrection, secrets: Any) -> RealmReport:
        del door, desired
        if self.down is not None:
            raise self.down
        self.policies.append(policy)
        self.secrets = dict(secrets)
        return self.report

    async def _read(self, *_: Any) -> dict[str, str]:
        return self.adopted

    async def _issuer(self, *_: Any) -> GateResult:
        return self.issuer

    async def _account(self, *_: Any) -> GateResult:
        return self.account


@pytest.fixture
def keycloak(monkeypatch: pytest.MonkeyPatch) -> Keycloak:
    return Keycloak(monkeypatch)


@pytest.fixture
async def kube() -> Any:
    one = Kube()
    for component in node().on:
        if component.name in ("keycloak", "identity"):
            for credential in component.credentials:
                one.add(new_secret(node(), component.name, credential))
    await write_record(one, node(), "identity", "v1-one", 1)  # type: ignore[arg-type]
    return one


async def test_the_first_start_happens_once(kube: Any, keycloak: Keycloak) -> None:
    assert (await tend(kube, node(), "v1-one")).result.state is GateState.HELD
    await tend(kube, node(), "v1-one")
    assert keycloak.bootstraps == [f"mininode-admin {kube.text('keycloak-admin', 'password')}"]


async def test_an_operator_that_is_not_let_in_any_more_starts_again(kube: Any, keycloak: Keycloak) -> None:
    await tend(kube, node(), "v1-one")
    keycloak.refused = True
    assert (await tend(kube, node(), "v1-one")).result.state is GateState.HELD
    assert len(keycloak.bootstraps) == 2


async def test_the_signing_key_is_told(kube: Any, keycloak: Keycloak) -> None:
    assert (await tend(kube, node(), "v1-one")).result.facts == {"signing_key_id": "the-key"}
    keycloak.report = replace(keycloak.report, signing_key_id="")
    result = (await tend(kube, node(), "v1-one")).result
    assert (result.state, "RS256" in result.evidence) == (GateState.PENDING, True)


async def test_what_is_declared_is_enforced_once_whatever_is_said_of_drift(kube: Any, keycloak: Keycloak) -> None:
    warn = node(driftCorrection="Warn")
    for digest in ("v1-one", "v1-one", "v1-two"):
        await tend(kube, warn, digest)
    enforce, look = DriftCorrection.ENFORCE, DriftCorrection.WARN
    assert keycloak.policies == [enforce, look, enforce]


async def test_it_is_enforced_until_it_converged(kube: Any, keycloak: Keycloak) -> None:
    left = Difference("client", "guacamole", "redirectUris", "x", "y")
    keycloak.report = replace(keycloak.report, differences=(left,), remaining=(left,))
    warn = node(driftCorrection="Warn")
    assert (await tend(kube, warn, "v1-one")).result.state is GateState.PENDING
    await tend(kube, warn, "v1-one")
    assert set(keycloak.policies) == {DriftCorrection.ENFORCE}


async def test_a_changed_secret_is_a_wish_and_no_drift(kube: Any, keycloak: Keycloak) -> None:
    warn = node(driftCorrection="Warn")
    await tend(kube, warn, "v1-one")
    credential = next(one for component in node().on for one in component.credentials if one.name == CLIENT)
    kube.add(next_secret(node(), "dataset-service", credential, {"secret": "the-next"}))
    await tend(kube, warn, "v1-one")
    assert keycloak.policies[1:] == [DriftCorrection.WARN]  # a value that is wished for holds for nobody yet
    kube.add(new_secret(node(), "dataset-service", credential, {"secret": "the-next"}))
    await tend(kube, warn, "v1-one")
    assert keycloak.policies[2:] == [DriftCorrection.ENFORCE]
    assert keycloak.secrets["client/dataset-service"] == "the-next"


@pytest.mark.parametrize(("drift", "corrected"), [("Enforce", True), ("Warn", False)])
async def test_what_changed_by_hand_is_told(kube: Any, keycloak: Keycloak, drift: str, corrected: bool) -> None:
    await tend(kube, node(driftCorrection=drift), "v1-one")
    changed = Difference("client", "guacamole", "redirectUris", "x", "y")
    gone = Difference("realm role", "clinical-staff", "", "not there", "there")
    left = () if corrected else (changed, gone)
    keycloak.report = replace(keycloak.report, differences=(changed, gone), remaining=left, writes=(Write("PUT", "clients/1"),))
    tended = await tend(kube, node(driftCorrection=drift), "v1-one")
    how = "put right" if corrected else "left so"
    assert [one.sentence for one in tended.drift] == [
        f"client guacamole, redirectUris, was changed by hand and {'was' if corrected else 'is'} {how}",
        f"realm role clinical-staff was deleted by hand and {'was' if corrected else 'is'} {how}",
    ]
    assert tended.result.state is GateState.HELD


async def test_what_a_changed_spec_brings_is_no_drift(kube: Any, keycloak: Keycloak) -> None:
    keycloak.report = replace(keycloak.report, differences=(Difference("client", "guacamole", "", "not there", "there"),))
    assert (await tend(kube, node(), "v1-new")).drift == ()


async def test_secrets_of_a_realm_that_was_there_are_taken_over(kube: Any, keycloak: Keycloak) -> None:
    keycloak.adopted = {"client/dataset-service": "upstream-s-secret"}
    await tend(kube, node(**ADMINS), "v1-one")
    assert kube.text(CLIENT, "secret") == "upstream-s-secret"
    assert keycloak.secrets["client/dataset-service"] == "upstream-s-secret"
    (admin,) = [name for name in kube.secrets if name.startswith("identity-admin-")]
    assert len(kube.text(admin, "password")) == 20
    assert kube.text(admin, "email") == "ada@hospital.example"


async def test_a_secret_that_the_site_did_not_give_is_left_out(kube: Any, keycloak: Keycloak) -> None:
    smtp = {"host": "mail.example", "sender": "node@hospital.example", "user": "node", "passwordRef": {"name": "mail", "key": "p"}}
    missing = KeycloakError("the secret smtp is missing", "See that the Secret exists", reason="SecretMissing")
    keycloak.report = replace(keycloak.report, failures=(missing,))
    result = (await tend(kube, node(identity={"smtp": smtp}), "v1-one")).result
    assert "smtp" not in keycloak.secrets
    assert (result.state, result.evidence) == (GateState.PENDING, "the secret smtp is missing. See that the Secret exists")


@pytest.mark.parametrize("what", ["issuer", "account"])
async def test_what_applications_would_stumble_over_is_said(kube: Any, keycloak: Keycloak, what: str) -> None:
    setattr(keycloak, what, pending("that will not do"))
    assert (await tend(kube, node(), "v1-one")).result.evidence == "that will not do"


async def test_a_keycloak_that_is_down_is_no_fault_of_ours(kube: Any, keycloak: Keycloak) -> None:
    keycloak.down = KeycloakError("Keycloak does not answer", "It is asked again by itself", reason="KeycloakDown")
    result = (await tend(kube, node(), "v1-one")).result
    assert (result.state, result.evidence) == (GateState.PENDING, "Keycloak does not answer. It is asked again by itself")


async def test_without_its_own_secret_nothing_is_tried(kube: Any, keycloak: Keycloak) -> None:
    del kube.secrets["identity-operator"]
    result = (await tend(kube, node(), "v1-one")).result
    assert "identity-operator" in result.evidence
    assert keycloak.bootstraps == []

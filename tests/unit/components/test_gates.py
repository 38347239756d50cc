"""Each gate, with the answer that holds it and with those that must not."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest

from mininode.components.base import Facts, GateResult, GateState, HttpAnswer, Node, ProbeFailed
from mininode.components.registry import all_components

KEYCLOAK = "GET http://keycloak.eucaim.svc.cluster.local:8080/auth/realms/master/.well-known/openid-configuration"
DATASETS = "GET http://dataset-service-backend-service.eucaim.svc.cluster.local:11000/api/datasets?limit=1"
REALM = "http://keycloak.eucaim.svc.cluster.local:8080/auth/realms/EUCAIM-NODE/protocol/openid-connect"
GUACAMOLE = "http://guacamole.eucaim.svc.cluster.local:8080/guacamole/api"
APPLICATIONS = {"keycloak": "keycloak", "dataset-service": "dataset_service", "guacamole": "guacamole"}


def gate(name: str, node: Node, probes: Any) -> Awaitable[GateResult]:
    return all_components()[name].gate(node, probes)


@pytest.fixture
def databases(probes: Any) -> Any:
    for application, name in APPLICATIONS.items():
        probes.secrets[f"postgresql-{application}/password"] = f"secret-of-{application}"
        probes.logins[name, name] = f"secret-of-{application}"
    return probes


async def test_postgresql_holds_when_every_application_gets_in(node: Node, databases: Any) -> None:
    result = await gate("postgresql", node, databases)
    assert result.state is GateState.HELD
    assert databases.asked == [
        f"{name}@postgresql.eucaim.svc.cluster.local:5432/{name}" for name in APPLICATIONS.values()
    ]


@pytest.mark.parametrize("application", APPLICATIONS)
async def test_postgresql_does_not_hold_when_one_login_fails(node: Node, databases: Any, application: str) -> None:
    databases.logins[APPLICATIONS[application], APPLICATIONS[application]] = "another"
    with pytest.raises(ProbeFailed, match=APPLICATIONS[application]) as failed:
        await gate("postgresql", node, databases)
    assert "secret-of" not in str(failed.value)


async def test_keycloak_holds_when_it_names_itself_by_the_public_address(node: Node, probes: Any) -> None:
    probes.answers[KEYCLOAK] = HttpAnswer(200, {"issuer": "https://node.hospital.example/auth/realms/master"})
    assert (await gate("keycloak", node, probes)).state is GateState.HELD


@pytest.mark.parametrize(
    ("answer", "evidence"),
    [
        (HttpAnswer(404, {"error": "Realm does not exist"}), "404"),
        (HttpAnswer(200), "200"),
        (HttpAnswer(200, {"issuer": "http://keycloak:8080/auth/realms/master"}), "http://keycloak:8080"),
        (HttpAnswer(200, {"issuer": "https://node.hospital.example/auth/realms/master/"}), "people reach it"),
        (HttpAnswer(200, {}), "None"),
    ],
)
async def test_keycloak_does_not_hold_with_another_issuer(
    node: Node, probes: Any, answer: HttpAnswer, evidence: str
) -> None:
    probes.answers[KEYCLOAK] = answer
    result = await gate("keycloak", node, probes)
    assert result.state is GateState.PENDING
    assert evidence in result.evidence


@pytest.mark.parametrize("body", [[], {"list": [], "total": 0}])
async def test_dataset_service_holds_when_the_list_answers(node: Node, tokens: Any, body: Any) -> None:
    tokens.answers[DATASETS] = HttpAnswer(200, body)
    assert (await gate("dataset-service", replace(node, facts=Facts(signing_key_id="one")), tokens)).state is GateState.HELD


async def test_dataset_service_does_not_hold_with_a_key_that_the_realm_has_no_more(node: Node, tokens: Any) -> None:
    result = await gate("dataset-service", replace(node, facts=Facts(signing_key_id="old")), tokens)
    assert result.state is GateState.PENDING
    assert "the key old" in result.evidence


async def test_dataset_service_does_not_hold_without_a_token(node: Node, tokens: Any) -> None:
    tokens.answers[f"POST {REALM}/token"] = HttpAnswer(401, {"error": "unauthorized_client"})
    result = await gate("dataset-service", replace(node, facts=Facts(signing_key_id="one")), tokens)
    assert (result.state, "401" in result.evidence) == (GateState.PENDING, True)


async def test_dataset_service_does_not_hold_when_it_refuses_the_realm_s_tokens(node: Node, tokens: Any) -> None:
    def refuses(headers: Any) -> HttpAnswer:
        return HttpAnswer(401, {"error": "token"}) if headers.get("Authorization") == "Bearer T0KEN" else HttpAnswer(200, [])

    tokens.by_header[DATASETS] = refuses
    result = await gate("dataset-service", replace(node, facts=Facts(signing_key_id="one")), tokens)
    assert (result.state, "401" in result.evidence) == (GateState.PENDING, True)
    assert "T0KEN" not in result.evidence


@pytest.fixture
def tokens(probes: Any) -> Any:
    """A realm that signs with the key `one`, and a dataset service that takes everything."""
    probes.secrets["dataset-service-client/secret"] = "generated"
    probes.answers |= {
        DATASETS: HttpAnswer(200, []),
        f"GET {REALM}/certs": HttpAnswer(200, {"keys": [{"kid": "one"}]}),
        f"POST {REALM}/token": lambda form: HttpAnswer(200, {"access_token": "T0KEN"})
        if "generated" in form.values()
        else HttpAnswer(401),
    }
    return probes


@pytest.mark.parametrize("answer", [HttpAnswer(500, {"error": "database"}), HttpAnswer(200), HttpAnswer(200, "ok")])
async def test_dataset_service_does_not_hold_without_a_list(node: Node, probes: Any, answer: HttpAnswer) -> None:
    probes.answers[DATASETS] = answer
    assert (await gate("dataset-service", node, probes)).state is GateState.PENDING


@pytest.fixture
def desktops(probes: Any) -> Any:
    """Guacamole with the administrator's password `generated`."""

    def tokens(form: Any) -> HttpAnswer:
        right = form == {"username": "guacadmin", "password": probes.guacadmin}
        return HttpAnswer(200, {"authToken": "T0KEN"}) if right else HttpAnswer(403, {"type": "INVALID_CREDENTIALS"})

    probes.guacadmin = "generated"
    probes.secrets["guacamole-admin/password"] = "generated"
    probes.answers |= {
        f"GET {GUACAMOLE}/languages": HttpAnswer(200, {"en": "English"}),
        f"POST {GUACAMOLE}/tokens": tokens,
        f"DELETE {GUACAMOLE}/tokens/T0KEN": HttpAnswer(204),
    }
    return probes


async def test_guacamole_holds_and_leaves_no_session_behind(node: Node, desktops: Any) -> None:
    result = await gate("guacamole", node, desktops)
    assert result.state is GateState.HELD
    assert f"DELETE {GUACAMOLE}/tokens/T0KEN" in desktops.asked
    assert "generated" not in result.evidence


async def test_guacamole_does_not_hold_while_the_web_application_is_down(node: Node, desktops: Any) -> None:
    desktops.answers[f"GET {GUACAMOLE}/languages"] = HttpAnswer(503)
    assert (await gate("guacamole", node, desktops)).state is GateState.PENDING


async def test_guacamole_does_not_hold_with_another_password_and_does_not_try_the_default(
    node: Node, desktops: Any
) -> None:
    desktops.guacadmin = "changed by hand"
    result = await gate("guacamole", node, desktops)
    assert result.state is GateState.PENDING
    assert "403" in result.evidence
    assert desktops.asked.count(f"POST {GUACAMOLE}/tokens") == 1


async def test_guacamole_does_not_hold_while_the_default_administrator_gets_in(node: Node, desktops: Any) -> None:
    desktops.answers[f"POST {GUACAMOLE}/tokens"] = HttpAnswer(200, {"authToken": "T0KEN"})
    result = await gate("guacamole", node, desktops)
    assert result.state is GateState.PENDING
    assert "not refused" in result.evidence


async def test_guacamole_s_token_is_in_no_evidence(node: Node, desktops: Any) -> None:
    del desktops.answers[f"DELETE {GUACAMOLE}/tokens/T0KEN"]
    with pytest.raises(ProbeFailed) as failed:
        await gate("guacamole", node, desktops)
    assert "T0KEN" not in str(failed.value)


@pytest.mark.parametrize("component", ["keycloak", "dataset-service", "guacamole"])
async def test_a_service_that_is_not_there_is_told(node: Node, probes: Any, component: str) -> None:
    with pytest.raises(ProbeFailed, match="does not answer"):
        await gate(component, node, probes)

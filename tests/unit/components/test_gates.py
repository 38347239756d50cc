"""Each gate, with the answer that holds it and with those that must not."""

from collections.abc import Awaitable
from typing import Any

import pytest

from mininode.components.base import GateResult, GateState, HttpAnswer, Node, ProbeFailed
from mininode.components.registry import all_components

KEYCLOAK = "GET http://keycloak.eucaim.svc.cluster.local:8080/auth/realms/master/.well-known/openid-configuration"
DATASETS = "GET http://dataset-service-backend-service.eucaim.svc.cluster.local:11000/api/datasets?limit=1"
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
async def test_dataset_service_holds_when_the_list_answers(node: Node, probes: Any, body: Any) -> None:
    probes.answers[DATASETS] = HttpAnswer(200, body)
    assert (await gate("dataset-service", node, probes)).state is GateState.HELD


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

"""Tokens as the applications get them: each decoded, and compared with what its reader looks for."""

import pytest
from world import World

from mininode.components.base import GateState
from mininode.keycloak.tokens import check_service_account, read_token
from mininode.realm.clients import DATASET_SERVICE_MAY, JOBMAN_MAY
from mininode.realm.model import ServiceAccountCheck


async def _claims(world: World, client_id: str, secret: str) -> dict[str, object]:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = (await world.door.token(form)).json()["access_token"]
    return read_token(token, (await world.door.public("/protocol/openid-connect/certs")).json()["keys"])


async def _let_in(world: World, client_id: str, secret: str) -> bool:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return (await world.door.token(form)).status_code == 200


@pytest.mark.parametrize(
    ("client_id", "audience", "owner", "roles"),
    [
        ("dataset-service", "realm-management", "realm-management", {*DATASET_SERVICE_MAY, "query-clients"}),
        ("kubernetes-operator", "dataset-service", "dataset-service", {"admin_users", "admin_datasetAccess"}),
        ("jobman-service", "realm-management", "realm-management", {*JOBMAN_MAY, "query-groups"}),
    ],
)
async def test_token_of_a_service_account_holds_what_its_reader_needs_and_no_more(
    world: World, client_id: str, audience: str, owner: str, roles: set[str]
) -> None:
    await world.converge()
    claims = await _claims(world, client_id, world.secrets[f"client/{client_id}"])
    assert claims["iss"] == world.desired.issuer
    assert claims["preferred_username"] == f"service-account-{client_id}"
    assert claims["sub"]
    assert audience in str(claims["aud"])
    access = claims["resource_access"]
    assert isinstance(access, dict)
    assert set(access[owner]["roles"]) == roles


async def test_every_service_account_passes_its_gate(world: World) -> None:
    await world.converge()
    for check in world.desired.checks:
        found = await check_service_account(world.door, check, world.secrets[check.secret], world.desired.issuer)
        assert found.state is GateState.HELD, found.evidence


async def test_gate_sees_that_an_audience_is_missing(world: World) -> None:
    await world.converge()
    check = ServiceAccountCheck("dataset-service", "client/dataset-service", "somebody-else", {})
    found = await check_service_account(world.door, check, world.secrets[check.secret], world.desired.issuer)
    assert found.state is GateState.PENDING
    assert "not for somebody-else" in found.evidence


async def test_dataset_service_can_do_its_calls_at_the_admin_api(world: World) -> None:
    """What it does at its start and at each access check: look up the client, a person, an example token of him."""
    await world.converge()
    person = await world.make_person("ada", "a-password-of-her-own", ("data-scientists",))
    form = {"grant_type": "client_credentials", "client_id": "dataset-service"}
    form |= {"client_secret": world.secrets["client/dataset-service"]}
    bearer = {"Authorization": f"Bearer {(await world.door.token(form)).json()['access_token']}"}
    admin = f"{world.server.url}/admin/realms/{world.realm}"
    clients = await world.http.get(f"{admin}/clients?clientId=dataset-explorer", headers=bearer)
    explorer = clients.json()[0]["id"]
    assert (await world.http.get(f"{admin}/users?username=ada&exact=true", headers=bearer)).json()[0]["id"] == person
    url = f"{admin}/clients/{explorer}/evaluate-scopes/generate-example-access-token"
    example = (await world.http.get(url, params={"userId": person, "scope": "openid"}, headers=bearer)).json()
    assert "dataset-service" in example["aud"]
    assert example["resource_access"]["dataset-service"]["roles"] == ["use_datasets"]
    assert example["groups"] == ["data-scientists"]
    assert example["preferred_username"] == "ada"
    parent = (await world.http.get(f"{admin}/groups?search=PROJECTS&exact=true", headers=bearer)).json()[0]["id"]
    made = await world.http.post(f"{admin}/groups/{parent}/children", json={"name": "PROJECT-ABC"}, headers=bearer)
    assert made.status_code == 201
    project = made.json()["id"]
    joined = await world.http.put(f"{admin}/users/{person}/groups/{project}", headers=bearer)
    assert joined.status_code == 204
    example = (await world.http.get(url, params={"userId": person, "scope": "openid"}, headers=bearer)).json()
    assert set(example["groups"]) == {"data-scientists", "PROJECT-ABC"}
    assert (await world.reconcile()).writes == ()


async def test_new_value_of_a_credential_takes_one_write_and_the_old_one_is_refused_then(world: World) -> None:
    """Rotation: the credential gets a new value, a pass carries it to Keycloak, what uses it is restarted."""
    await world.converge()
    old, new = world.secrets["client/dataset-service"], "the-next-secret-of-dataset-service"
    world.secrets["client/dataset-service"] = new
    assert len((await world.converge()).writes) == 1
    assert await _let_in(world, "dataset-service", new)
    assert not await _let_in(world, "dataset-service", old)
    assert (await world.reconcile()).writes == ()

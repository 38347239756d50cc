"""What goes wrong around a pass: each is a reason with advice, the rest of the realm still converges, nothing is deleted."""

import dataclasses

import httpx
import pytest
import servers
import world as worlds
from world import Faulty, World

from mininode.api.identity import Identity, Provider, ProviderKind, Smtp
from mininode.api.model import SecretKey
from mininode.components.base import GateState
from mininode.keycloak.door import KeycloakDoor
from mininode.keycloak.errors import KeycloakError
from mininode.keycloak.tokens import check_issuer, check_service_account

SECRET = SecretKey(name="given", key="value")
MAIL = Smtp(host="mail.hospital.example", sender="node@hospital.example", user="node", password_ref=SECRET)


async def test_nobody_at_the_address(world: World) -> None:
    door = KeycloakDoor(world.http, f"http://127.0.0.1:{servers.free_port()}/auth", world.realm, worlds.OPERATOR)
    with pytest.raises(KeycloakError) as found:
        await world.reconcile(door=door)
    assert (found.value.reason, found.value.code) == ("KeycloakDown", 0)


async def test_keycloak_that_is_too_slow_counts_as_down(world: World) -> None:
    async def slow(_: httpx.Request) -> httpx.Response | None:
        raise httpx.ReadTimeout("")

    with pytest.raises(KeycloakError, match="ReadTimeout") as found:
        await world.reconcile(door=world.through(Faulty(before=slow)))
    assert found.value.reason == "KeycloakDown"


async def test_operators_client_deleted_by_hand(world: World) -> None:
    await world.converge()
    stranger = dataclasses.replace(worlds.OPERATOR, client_id="deleted-by-hand")
    with pytest.raises(KeycloakError) as found:
        await world.reconcile(door=KeycloakDoor(world.http, world.server.url, world.realm, stranger))
    assert found.value.reason == "KeycloakLoginRefused"
    assert "deleted-by-hand" in found.value.advice


async def test_token_that_ended_early_is_renewed(world: World) -> None:
    await world.converge()
    refused = iter([True])

    async def once(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(401) if request.url.path.endswith("partial-export") and next(refused, False) else None

    assert (await world.reconcile(door=world.through(Faulty(before=once)))).converged


@pytest.mark.parametrize(
    ("code", "reason"),
    [(409, "KeycloakConflict"), (500, "KeycloakFault"), (503, "KeycloakFault"), (403, "KeycloakForbidden")],
)
async def test_one_refused_write_does_not_stop_the_rest(world: World, code: int, reason: str) -> None:
    async def refuse(request: httpx.Request) -> httpx.Response | None:
        making = request.method == "POST" and request.url.path.endswith(("/roles", "/partialImport"))
        wrong = making and b"clinical-staff" in request.content
        return httpx.Response(code, json={"errorMessage": "because of this test"}) if wrong else None

    report = await world.reconcile(door=world.through(Faulty(before=refuse)))
    assert {one.reason for one in report.failures} == {reason}
    assert "because of this test" in report.failures[0].message
    assert all(one.advice for one in report.failures)
    assert {str(one) for one in report.remaining} == {
        "realm role clinical-staff is not there",
        "group clinical-staff: roles is without clinical-staff, wanted with them",
    }
    assert await world.client("kubernetes-operator")
    assert (await world.converge()).writes
    assert (await world.reconcile()).writes == ()


async def test_pass_in_which_every_second_write_fails_loses_nothing(world: World) -> None:
    turn = 0

    async def every_second(request: httpx.Request) -> httpx.Response | None:
        nonlocal turn
        if "/admin/" not in request.url.path or request.method == "GET" or "partial-export" in request.url.path:
            return None
        turn += 1
        return httpx.Response(502) if turn % 2 else None

    report = await world.reconcile(door=world.through(Faulty(before=every_second)))
    assert report.failures
    await world.converge()
    assert (await world.reconcile()).writes == ()


async def test_issuer_that_is_not_the_public_address(world: World) -> None:
    await world.converge()
    good = await check_issuer(world.door, world.desired.issuer)
    bad = await check_issuer(world.door, f"https://elsewhere.example/auth/realms/{world.realm}")
    assert (good.state, bad.state) == (GateState.HELD, GateState.PENDING)
    assert servers.DOMAIN in bad.evidence
    assert "elsewhere.example" in bad.evidence


async def test_mail_password_that_nobody_gave(world: World) -> None:
    world.want(Identity(smtp=MAIL))
    del world.secrets["smtp"]
    report = await world.reconcile()
    assert [one.reason for one in report.failures] == ["SecretMissing"]
    assert report.remaining == ()
    assert not (await world.human.get("")).get("smtpServer")
    assert await world.client("dataset-service")


async def test_provider_that_does_not_describe_itself(world: World) -> None:
    provider = Provider(
        alias="gone",
        kind=ProviderKind.OIDC,
        issuer=f"http://127.0.0.1:{servers.free_port()}/",
        client_id="node",
        client_secret_ref=SECRET,
    )
    world.want(Identity(providers=(provider,)))
    report = await world.reconcile()
    assert [one.reason for one in report.failures] == ["ProviderUnreachable"]
    assert "gone" in report.failures[0].message
    assert await world.client("dataset-service")


async def test_service_account_whose_secret_is_another(world: World) -> None:
    await world.converge()
    check = next(one for one in world.desired.checks if one.client_id == "dataset-service")
    wrong = await check_service_account(world.door, check, "wrong", world.desired.issuer)
    assert wrong.state is GateState.PENDING
    assert "dataset-service gets no token" in wrong.evidence


async def test_service_account_that_lost_a_role(world: World) -> None:
    await world.converge()
    client, owner = await world.client("kubernetes-operator"), await world.client("dataset-service")
    account = await world.human.get(f"clients/{client['id']}/service-account-user")
    path = f"users/{account['id']}/role-mappings/clients/{owner['id']}"
    roles = [one for one in await world.human.get(path) if one["name"] == "admin_users"]
    await world.human.write("DELETE", path, roles)
    check = next(one for one in world.desired.checks if one.client_id == "kubernetes-operator")
    found = await check_service_account(world.door, check, world.secrets[check.secret], world.desired.issuer)
    assert found.state is GateState.PENDING
    assert "admin_users" in found.evidence

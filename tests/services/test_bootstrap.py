"""The first start: the temporary administrator makes the operator's account, and goes."""

import httpx
import pytest
import world as worlds
from world import Session, World

from mininode.keycloak.bootstrap import OPERATOR_MAY, Bootstrapped, bootstrap
from mininode.keycloak.door import ClientLogin, KeycloakDoor, PasswordLogin
from mininode.keycloak.errors import KeycloakError


async def test_temporary_administrator_is_gone_after_the_first_start(
    session: Session, http: httpx.AsyncClient, first_start: Bootstrapped
) -> None:
    assert first_start.temporary_admin_removed
    master = KeycloakDoor(http, session.keycloak.url, "master", worlds.HUMAN)
    assert await master.get("users", username=session.temporary.username, exact="true") == []


async def test_second_start_changes_nothing(session: Session, http: httpx.AsyncClient, first_start: Bootstrapped) -> None:
    assert first_start.writes
    door = KeycloakDoor(http, session.keycloak.url, "EUCAIM-NODE", worlds.OPERATOR)
    again = await bootstrap(door, session.temporary)
    assert again.writes == ()


async def test_operator_has_the_declared_rights_and_no_others(world: World) -> None:
    master = world.human.at("master")
    client = (await master.get("clients", clientId=worlds.OPERATOR.client_id))[0]
    account = await master.get(f"clients/{client['id']}/service-account-user")
    found = await master.get(f"users/{account['id']}/role-mappings")
    granted = {one["name"] for one in found["clientMappings"][f"{world.realm}-realm"]["mappings"]}
    assert granted == set(OPERATOR_MAY)
    assert {one["name"] for one in found["realmMappings"]} == {"create-realm", "default-roles-master"}


async def test_administrator_who_is_not_temporary_stays(world: World) -> None:
    assert not (await bootstrap(world.door, worlds.HUMAN)).temporary_admin_removed
    assert await world.human.get("")


async def test_operator_that_lost_everything_but_its_secrets_goes_on(world: World) -> None:
    await world.converge()
    anew = KeycloakDoor(world.http, world.server.url, world.realm, worlds.OPERATOR)
    assert (await world.reconcile(door=anew)).writes == ()


async def test_realm_that_was_deleted_comes_back(world: World) -> None:
    await world.converge()
    await world.human.write("DELETE", "")
    report = await world.converge()
    assert report.writes[0].method == "POST"
    assert (await world.reconcile()).writes == ()


async def test_bootstrap_killed_after_any_request_is_finished_by_the_next(session: Session, world: World) -> None:
    realm = f"{world.realm}-KILLED"
    login = ClientLogin("master", f"operator-of-{realm}", "another-secret")
    last, finished = 0, False
    while not finished:
        last += 1
        left = iter([True] * last)

        def stop(_: httpx.Request, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise Killed

        async with httpx.AsyncClient(transport=worlds.Faulty(after=stop)) as http:
            try:
                await bootstrap(KeycloakDoor(http, world.server.url, realm, login), worlds.HUMAN)
                finished = True
            except Killed:
                pass
    door = KeycloakDoor(world.http, session.keycloak.url, realm, login)
    assert (await door.get(""))["realm"] == realm
    await world.human.at(realm).write("DELETE", "")
    assert last > 5


async def test_wrong_secret_of_the_operator_is_advice(world: World) -> None:
    stranger = PasswordLogin("master", "nobody", "nothing")
    door = KeycloakDoor(world.http, world.server.url, world.realm, ClientLogin("master", "mininode-operator", "wrong"))
    with pytest.raises(KeycloakError) as found:
        await bootstrap(door, stranger)
    assert found.value.reason == "KeycloakLoginRefused"
    assert "kc.sh bootstrap-admin" in found.value.advice


class Killed(Exception):
    """Stands for the end of the process."""

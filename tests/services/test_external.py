"""A Keycloak that was there before: our client is one of its realm, and nothing outside of that realm can be touched."""

import pytest
import servers
import world as worlds
from world import Session, World

from mininode.api.identity import Identity, LsAai, Provider, ProviderKind
from mininode.api.model import SecretKey
from mininode.api.spec import DriftCorrection
from mininode.keycloak.bootstrap import OPERATOR_MAY
from mininode.keycloak.door import ClientLogin, KeycloakDoor
from mininode.keycloak.errors import KeycloakError

GIVEN = SecretKey(name="given", key="value")


async def inside_client(world: World) -> ClientLogin:
    """A service client in the realm itself, with the same rights there."""
    login = ClientLogin(world.realm, "given-by-the-site", "a-secret-given-by-the-site")
    client = {"clientId": login.client_id, "secret": login.secret, "publicClient": False, "serviceAccountsEnabled": True}
    uuid = await world.human.write("POST", "clients", client)
    await world.human.write("PUT", "", {"enabled": True})
    account = await world.human.get(f"clients/{uuid}/service-account-user")
    management = (await world.client("realm-management"))["id"]
    roles = [await world.human.get(f"clients/{management}/roles/{name}") for name in OPERATOR_MAY]
    path = f"users/{account['id']}/role-mappings/clients/{management}"
    await world.human.write("POST", path, [{"id": one["id"], "name": one["name"]} for one in roles])
    return login


async def _inside(world: World) -> KeycloakDoor:
    return KeycloakDoor(world.http, world.server.url, world.realm, await inside_client(world))


async def test_realm_is_reconciled_by_a_client_of_its_own(world: World) -> None:
    world.want(Identity(admins=("ada@hospital.example",)))
    door = await _inside(world)
    report = await world.reconcile(door=door)
    assert report.converged, [str(one) for one in (*report.remaining, *report.failures)]
    assert report.version == servers.VERSION
    assert (await world.reconcile(door=door)).writes == ()


async def test_client_of_the_realm_sees_no_other_realm(world: World) -> None:
    door = await _inside(world)
    with pytest.raises(KeycloakError) as found:
        await door.at("master").get("")
    assert found.value.code in (401, 403)


async def test_provider_is_made_from_what_it_says_of_itself(world: World) -> None:
    """The realm `master` of the same server stands for the site's own login."""
    issuer = f"{world.server.url}/realms/master"
    provider = Provider(alias="site", kind=ProviderKind.OIDC, issuer=issuer, client_id="node", client_secret_ref=GIVEN)
    world.want(Identity(providers=(provider,)))
    await world.converge()
    config = (await world.human.get("identity-provider/instances/site"))["config"]
    assert config["tokenUrl"].endswith("/realms/master/protocol/openid-connect/token")
    assert config["jwksUrl"].endswith("/realms/master/protocol/openid-connect/certs")
    assert (await world.reconcile()).writes == ()


async def test_every_kind_of_provider_settles(world: World) -> None:
    saml = Provider(
        alias="clinic",
        kind=ProviderKind.SAML,
        entity_id="https://idp.clinic.example",
        single_sign_on_url="https://idp.clinic.example/sso",
        signing_certificate="MIIBdummy",
    )
    world.want(Identity(providers=(saml,), ls_aai=LsAai(client_id="node", client_secret_ref=GIVEN)))
    await world.converge()
    assert (await world.reconcile()).writes == ()
    assert {one["alias"] for one in await world.human.get("identity-provider/instances")} == {"clinic", "lifescience-ri-oidc"}
    world.want(Identity())
    assert (await world.reconcile(DriftCorrection.WARN)).differences == ()


async def test_temporary_administrator_does_not_come_back_when_keycloak_starts_again(
    session: Session, world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its name and password stay in the server's environment: a second server on the same database is started with them."""
    with servers.keycloak(tmp_path_factory.mktemp("again"), session.postgres) as again:
        door = KeycloakDoor(world.http, again.url, "master", session.temporary)
        with pytest.raises(KeycloakError) as found:
            await door.get("")
        assert found.value.reason == "KeycloakLoginRefused"
        other = KeycloakDoor(world.http, again.url, world.realm, worlds.OPERATOR)
        assert (await world.reconcile(door=other)).converged

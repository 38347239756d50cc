"""Real logins of real people at the realm that our code made, as the applications start them."""

import dataclasses
import re
import time
from collections.abc import AsyncIterator

import pytest
import servers
from people import Person, fragment, one_time_code
from world import HUMAN, World

from mininode.api.identity import Identity, LsAai, Mfa
from mininode.api.model import SecretKey
from mininode.keycloak.bootstrap import bootstrap
from mininode.keycloak.provider_secret import refused_secret
from mininode.keycloak.tokens import read_token

NODE = f"https://{servers.DOMAIN}"
EXPLORER = ("dataset-explorer", f"{NODE}/dataset-service/web")
DESKTOPS = ("guacamole", f"{NODE}/guacamole/")
PASSWORD, OTHER = "a-password-of-her-own", "another-password-here"
ADMIN = "ada.lovelace@hospital.example"


@pytest.fixture
async def ada(world: World) -> AsyncIterator[Person]:
    person = Person(world.server, world.realm)
    yield person
    await person.http.aclose()


async def test_explorer_gets_a_token_that_dataset_service_takes(world: World, ada: Person) -> None:
    await world.converge()
    await world.make_person("ada", PASSWORD, ("data-scientists",))
    await ada.open(*EXPLORER)
    await ada.send(username="ada", password=PASSWORD)
    claims = await ada.tokens("dataset-explorer")
    assert claims["iss"] == world.desired.issuer
    assert "dataset-service" in str(claims["aud"])
    assert claims["resource_access"]["dataset-service"]["roles"] == ["use_datasets"]
    assert claims["groups"] == ["data-scientists"]
    assert (claims["preferred_username"], claims["name"], claims["email"]) == ("ada", "Ada Example", "ada@hospital.example")
    assert claims["exp"] - claims["iat"] == 300


async def test_explorer_without_pkce_is_refused(world: World, ada: Person) -> None:
    await world.converge()
    await ada.open(*EXPLORER, code_challenge_method="")
    assert "error=invalid_request" in str(ada.landed)


async def test_address_to_come_back_to_that_is_not_ours_is_refused(world: World, ada: Person) -> None:
    await world.converge()
    await ada.open("dataset-explorer", "https://elsewhere.example/dataset-service/web")
    assert "redirect_uri" in ada.text


async def test_guacamole_gets_an_id_token_in_the_address(world: World, ada: Person) -> None:
    await world.converge()
    await world.make_person("ada", PASSWORD, ("data-scientists",))
    await ada.open(*DESKTOPS, response_type="id_token", nonce="n-1", scope="openid email profile")
    await ada.send(username="ada", password=PASSWORD)
    assert str(ada.landed).startswith(f"{NODE}/guacamole/#")
    claims = await ada.read(fragment(ada.landed)["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (world.desired.issuer, "guacamole", "n-1")
    assert (claims["preferred_username"], claims["groups"]) == ("ada", ["data-scientists"])


async def test_guacamole_can_not_be_used_for_anything_else(world: World, ada: Person) -> None:
    await world.converge()
    await ada.open(*DESKTOPS)
    assert "error=unauthorized_client" in str(ada.landed)


async def test_nobody_gets_a_token_by_handing_a_password_to_an_application(world: World) -> None:
    await world.converge()
    await world.make_person("ada", PASSWORD)
    for client in world.desired.clients:
        form = {"grant_type": "password", "client_id": client.client_id, "username": "ada", "password": PASSWORD}
        form |= {"client_secret": world.secrets[client.secret]} if client.secret else {}
        answer = (await world.door.token(form)).json()
        assert answer["error"] in ("unauthorized_client", "invalid_client"), client.client_id


async def test_wrong_password_is_refused_and_recorded(world: World, ada: Person) -> None:
    await world.converge()
    await world.make_person("ada", PASSWORD)
    await ada.open(*EXPLORER)
    await ada.send(username="ada", password=PASSWORD[1:])
    assert "Invalid username or password" in ada.text
    assert "LOGIN_ERROR" in [one["type"] for one in await world.human.get("events")]


async def test_administrator_changes_the_temporary_password_at_the_first_login(world: World, ada: Person) -> None:
    world.want(Identity(admins=(ADMIN,)))
    await world.converge()
    admin = world.desired.admins[0]
    await ada.open(*EXPLORER)
    await ada.send(username=ADMIN, password=world.secrets[admin.password])
    assert "password-new" in ada.page
    await ada.send(**{"password-new": PASSWORD, "password-confirm": PASSWORD})
    if "firstName" in ada.page:
        await ada.send(username=admin.username, email=ADMIN, firstName="Ada", lastName="Lovelace")
    claims = await ada.tokens("dataset-explorer")
    assert set(claims["groups"]) == {"node-administrators", "cloud-services-and-security-management"}
    assert "superadmin_datasets" in claims["resource_access"]["dataset-service"]["roles"]
    # The pass after it leaves name and password alone.
    assert (await world.reconcile()).writes == ()
    again = Person(world.server, world.realm)
    await again.open(*EXPLORER)
    await again.send(username=ADMIN, password=PASSWORD)
    assert await again.tokens("dataset-explorer")
    await again.http.aclose()


async def test_password_that_is_too_short_is_refused(world: World, ada: Person) -> None:
    world.want(Identity(admins=(ADMIN,)))
    await world.converge()
    await ada.open(*EXPLORER)
    await ada.send(username=ADMIN, password=world.secrets[world.desired.admins[0].password])
    await ada.send(**{"password-new": "short", "password-confirm": "short"})
    assert "minimum length 12" in ada.text


async def test_second_factor_is_set_up_at_the_first_login_and_asked_for_ever_after(world: World, ada: Person) -> None:
    world.want(Identity(mfa=Mfa.REQUIRED))
    await world.converge()
    await world.make_person("ada", PASSWORD)
    await ada.open(*EXPLORER)
    await ada.send(username="ada", password=PASSWORD)
    hidden = re.search(r'name="totpSecret" value="([^"]+)"', ada.page)
    assert hidden, ada.text
    first = time.time()
    await ada.send(totp=one_time_code(hidden[1], at=first), userLabel="phone")
    assert (await ada.tokens("dataset-explorer"))["preferred_username"] == "ada"
    again = Person(world.server, world.realm)
    await again.open(*EXPLORER)
    await again.send(username="ada", password=PASSWORD)
    assert not again.landed.path.startswith("/dataset-service")
    await again.send(otp="000000")
    assert "Invalid authenticator code" in again.text
    # A code is good once: the next one is that of the following half minute, which Keycloak takes early.
    await again.send(otp=one_time_code(hidden[1], at=first + 30))
    assert await again.tokens("dataset-explorer")
    await again.http.aclose()


@pytest.fixture
async def abroad(world: World) -> AsyncIterator[World]:
    """A second realm, which plays LS Login: a person, and the node as its client."""
    realm = f"{world.realm}-LS"
    door = dataclasses.replace(world, realm=realm, door=world.door.at(realm), human=world.human.at(realm))
    await bootstrap(door.door, HUMAN)
    await door.human.write("PUT", "", {"enabled": True})
    back = f"{world.server.public}/realms/{world.realm}/broker/lifescience-ri-oidc/endpoint"
    client = {"clientId": "the-node", "secret": "given-by-ls", "publicClient": False, "redirectUris": [back]}
    await door.human.write("POST", "clients", client)
    yield door
    await door.human.write("DELETE", "")


def _with_ls(world: World, abroad: World) -> None:
    """The spec's LS Login, whose addresses are those of the second realm: inside for Keycloak, public for people."""
    public = f"{world.server.public}/realms/{abroad.realm}"
    inside = f"{world.server.url}/realms/{abroad.realm}/protocol/openid-connect"
    service = LsAai(client_id="the-node", client_secret_ref=SecretKey(name="ls", key="secret"), issuer=public)
    world.want(Identity(ls_aai=service))
    world.secrets["provider/lifescience-ri-oidc"] = "given-by-ls"
    provider = world.desired.providers[0]
    addresses = {
        "authorizationUrl": f"{public}/protocol/openid-connect/auth",
        "tokenUrl": f"{inside}/token",
        "userInfoUrl": f"{inside}/userinfo",
        "jwksUrl": f"{inside}/certs",
    }
    provider = dataclasses.replace(provider, config={**provider.config, **addresses})
    world.desired = dataclasses.replace(world.desired, providers=(provider,))


async def test_person_comes_in_through_ls_login(world: World, abroad: World, ada: Person) -> None:
    await abroad.make_person("ada-ls", PASSWORD)
    _with_ls(world, abroad)
    await world.converge()
    await ada.open(*EXPLORER)
    assert "LS Login" in ada.text
    await ada.click("broker/lifescience-ri-oidc/login")
    await ada.send(username="ada-ls", password=PASSWORD)
    claims = await ada.tokens("dataset-explorer")
    assert (claims["preferred_username"], claims["given_name"]) == ("ada-ls", "Ada")
    assert (await world.reconcile()).writes == ()


async def test_same_address_is_linked_only_by_who_knows_the_password_here(world: World, abroad: World, ada: Person) -> None:
    await abroad.make_person("ada-ls", PASSWORD, email="ada@hospital.example")
    _with_ls(world, abroad)
    await world.converge()
    await world.make_person("ada", OTHER)
    await ada.open(*EXPLORER)
    await ada.click("broker/lifescience-ri-oidc/login")
    await ada.send(username="ada-ls", password=PASSWORD)
    assert "already exists" in ada.text
    await ada.send(submitAction="linkAccount")
    await ada.send(username="ada", password=OTHER)
    claims = await ada.tokens("dataset-explorer")
    assert claims["preferred_username"] == "ada"


async def test_login_page_has_no_button_when_ls_login_is_not_configured(world: World, ada: Person) -> None:
    await world.converge()
    await ada.open(*EXPLORER)
    assert "LS Login" not in ada.text
    assert "username" in ada.page


async def test_wrong_secret_at_ls_login_leaves_the_password_login_alone(world: World, abroad: World, ada: Person) -> None:
    await abroad.make_person("ada-ls", PASSWORD)
    _with_ls(world, abroad)
    (provider,) = world.desired.providers
    assert await refused_secret(world.http, provider, "given-by-ls") is None
    refused = await refused_secret(world.http, provider, "not-the-one")
    assert refused is not None
    assert (refused.reason, "not-the-one" in str(refused)) == ("ProviderSecretWrong", False)
    world.secrets["provider/lifescience-ri-oidc"] = "not-the-one"
    await world.converge()
    await world.make_person("ada", PASSWORD)
    await ada.open(*EXPLORER)
    await ada.click("broker/lifescience-ri-oidc/login")
    await ada.send(username="ada-ls", password=PASSWORD)
    assert "Unexpected error" in ada.text
    other = Person(world.server, world.realm)
    await other.open(*EXPLORER)
    await other.send(username="ada", password=PASSWORD)
    assert await other.tokens("dataset-explorer")
    await other.http.aclose()


async def test_user_name_that_is_no_namespace_is_refused(world: World) -> None:
    await world.converge()
    for name in ("Ada.Lovelace", "a", "ada@hospital", "-ada", "ada-", "a" * 25):
        with pytest.raises(Exception, match="400"):
            await world.make_person(name, PASSWORD, email="somebody@hospital.example")


async def test_attributes_of_the_onboarding_are_kept(world: World) -> None:
    await world.converge()
    person = await world.make_person("ada", PASSWORD)
    found = await world.human.get(f"users/{person}")
    await world.human.write("PUT", f"users/{person}", found | {"attributes": {"jobman_service_api_token": ["value"]}})
    assert (await world.human.get(f"users/{person}"))["attributes"]["jobman_service_api_token"] == ["value"]


async def test_token_whose_signature_is_another_does_not_pass(world: World, ada: Person) -> None:
    await world.converge()
    await world.make_person("ada", PASSWORD)
    await ada.open(*DESKTOPS, response_type="id_token", nonce="n-1")
    await ada.send(username="ada", password=PASSWORD)
    token = fragment(ada.landed)["id_token"]
    keys = (await world.door.public("/protocol/openid-connect/certs")).json()["keys"]
    head, body, signature = token.split(".")
    forged = ("A" if signature[0] != "A" else "B") + signature[1:]
    with pytest.raises(Exception, match="signature"):
        read_token(f"{head}.{body}.{forged}", keys)
    with pytest.raises(Exception, match="not among"):
        read_token(token, [])

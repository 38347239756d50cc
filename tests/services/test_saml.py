"""A real log-in through SAML: a second realm of the same server is the hospital's identity provider."""

import dataclasses
from collections.abc import AsyncIterator

import pytest
import servers
from people import Person
from world import HUMAN, World

from mininode.api.identity import Identity, Provider, ProviderKind
from mininode.keycloak.bootstrap import bootstrap
from mininode.keycloak.door import KeycloakDoor

EXPLORER = ("dataset-explorer", f"https://{servers.DOMAIN}/dataset-service/web")
PASSWORD = "a-password-at-the-hospital"  # noqa: S105 - of a throw-away server


@pytest.fixture
async def ada(world: World) -> AsyncIterator[Person]:
    person = Person(world.server, world.realm)
    yield person
    await person.http.aclose()


@pytest.fixture
async def hospital(world: World) -> AsyncIterator[World]:
    """The hospital's realm: it knows the node's as a SAML service, signs what it says of people, and tells their names."""
    realm = f"{world.realm}-HOSPITAL"
    await bootstrap(world.door.at(realm), HUMAN)
    human = KeycloakDoor(world.http, world.server.url, realm, HUMAN)
    await human.write("PUT", "", {"enabled": True})
    node = f"{world.server.public}/realms/{world.realm}"
    endpoint = f"{node}/broker/clinic/endpoint"
    mappers = [
        {
            "name": attribute,
            "protocol": "saml",
            "protocolMapper": "saml-user-property-mapper",
            "config": {"user.attribute": field, "attribute.name": attribute, "attribute.nameformat": "Basic"},
        }
        for attribute, field in (("preferred_username", "username"), ("email", "email"))
    ]
    service = {
        "clientId": node,
        "protocol": "saml",
        "enabled": True,
        "fullScopeAllowed": False,
        "redirectUris": [f"{endpoint}/*", endpoint],
        "adminUrl": endpoint,
        "attributes": {
            "saml.assertion.signature": "true",
            "saml.server.signature": "true",
            "saml.client.signature": "false",
            "saml.force.post.binding": "true",
            "saml_force_name_id_format": "true",
            "saml_name_id_format": "persistent",
        },
        "protocolMappers": mappers,
    }
    await human.write("POST", "clients", service)
    yield dataclasses.replace(world, realm=realm, human=human)
    await human.write("DELETE", "")


async def _provider(world: World, hospital: World, certificate: str = "") -> None:
    keys = (await hospital.human.get("keys"))["keys"]
    own = next(one["certificate"] for one in keys if one.get("use") == "SIG" and one.get("algorithm") == "RS256")
    address = f"{world.server.public}/realms/{hospital.realm}"
    clinic = Provider(
        alias="clinic",
        kind=ProviderKind.SAML,
        display_name="Hospital Example",
        entity_id=address,
        single_sign_on_url=f"{address}/protocol/saml",
        signing_certificate=certificate or own,
    )
    world.want(Identity(providers=(clinic,)))
    await world.converge()


async def _through(person: Person) -> None:
    """To the hospital's login and, with name and password, as far as the browser's own forms lead."""
    await person.open(*EXPLORER)
    assert "Hospital Example" in person.text
    await person.click("broker/clinic/login")
    if "SAMLRequest" in person.page:  # a page that sends itself: a browser's script would press its button
        await person.send()
    await person.send(username="ada-clinic", password=PASSWORD)
    if "SAMLResponse" in person.page:
        await person.send()


async def test_person_comes_in_through_saml(world: World, hospital: World, ada: Person) -> None:
    await hospital.make_person("ada-clinic", PASSWORD)
    await _provider(world, hospital)
    await _through(ada)
    # SAML says no more than the name: the rest of the profile is asked for once.
    assert "dataset-service" not in str(ada.landed)
    await ada.send(username="ada-clinic", email="ada@hospital.example", firstName="Ada", lastName="Example")
    claims = await ada.tokens("dataset-explorer")
    assert (claims["preferred_username"], claims["email"]) == ("ada-clinic", "ada@hospital.example")
    (person,) = await world.human.get("users", username="ada-clinic", exact="true")
    links = await world.human.get(f"users/{person['id']}/federated-identity")
    assert [one["identityProvider"] for one in links] == ["clinic"]
    assert (await world.reconcile()).writes == ()


async def test_answer_signed_with_another_key_lets_nobody_in(world: World, hospital: World, ada: Person) -> None:
    await hospital.make_person("ada-clinic", PASSWORD)
    keys = (await world.human.get("keys"))["keys"]
    ours = next(one["certificate"] for one in keys if one.get("use") == "SIG" and one.get("algorithm") == "RS256")
    await _provider(world, hospital, certificate=ours)
    await _through(ada)
    assert "code=" not in str(ada.landed)
    assert await world.human.get("users", username="ada-clinic", exact="true") == []

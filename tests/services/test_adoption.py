"""A realm as upstream's installer leaves it: same names, other secrets, more clients. Taken over, and nothing is deleted."""

from typing import Any

from world import World

from mininode.api.spec import DriftCorrection
from mininode.keycloak.adopt import read_secrets

UPSTREAMS, SITES = "upstream-secret-of-dataset-service", "a-client-of-the-site"
MAPPER = {
    "name": "dataset-service-audience",
    "protocol": "openid-connect",
    "protocolMapper": "oidc-audience-mapper",
    "config": {"included.client.audience": "dataset-service", "access.token.claim": "true"},
}
CLIENTS: tuple[dict[str, Any], ...] = (
    {
        "clientId": "dataset-service",
        "secret": UPSTREAMS,
        "publicClient": False,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
    },
    {
        "clientId": "dataset-explorer",
        "publicClient": True,
        "directAccessGrantsEnabled": True,
        "fullScopeAllowed": False,
        "redirectUris": ["https://node.hospital.example/dataset-service/*"],
        "protocolMappers": [MAPPER],
    },
    {"clientId": "guacamole", "publicClient": True, "implicitFlowEnabled": True, "redirectUris": ["https://node.hospital.example/*"]},
    {
        "clientId": "kubernetes-operator",
        "secret": "upstream-secret-of-the-operator",
        "publicClient": False,
        "serviceAccountsEnabled": True,
        "directAccessGrantsEnabled": True,
    },
    {"clientId": "oauth2p", "publicClient": False, "secret": SITES},
)


async def upstream(world: World) -> None:
    await world.human.write("PUT", "", {"sslRequired": "all", "registrationAllowed": True, "verifyEmail": True, "enabled": True})
    for client in CLIENTS:
        await world.human.write("POST", "clients", client)
    for role in ("data-scientists", "validated_user", "site-role"):
        await world.human.write("POST", "roles", {"name": role})
    for group in ("PROJECTS", "data-scientists"):
        await world.human.write("POST", "groups", {"name": group})


async def test_secrets_are_taken_into_the_store(world: World) -> None:
    await upstream(world)
    found = await read_secrets(world.door, world.desired)
    assert found == {
        "client/dataset-service": UPSTREAMS,
        "client/kubernetes-operator": "upstream-secret-of-the-operator",
    }


async def test_realm_is_taken_over_and_nothing_is_deleted(world: World) -> None:
    await upstream(world)
    person = await world.make_person("old-hand", "his-password-of-old", ("data-scientists",))
    world.secrets |= await read_secrets(world.door, world.desired)
    plan = await world.reconcile(DriftCorrection.WARN)
    listed = [str(one) for one in plan.differences]
    assert "client kubernetes-operator: directAccessGrantsEnabled is True, wanted False" in listed
    assert not any("secret" in line for line in listed)
    report = await world.converge()
    assert not [one for one in report.writes if one.method == "DELETE"]
    assert (await world.reconcile()).writes == ()
    assert (await world.client("oauth2p"))["secret"] == SITES
    assert (await world.client("dataset-service"))["secret"] == UPSTREAMS
    assert [one["name"] for one in await world.human.get(f"users/{person}/groups")] == ["data-scientists"]
    # Upstream's mapper serves the same purpose under another name: no second one is made.
    assert [one["name"] for one in (await world.client("dataset-explorer"))["protocolMappers"]] == ["dataset-service-audience"]

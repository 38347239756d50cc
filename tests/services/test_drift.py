"""What people change by hand in the admin console: declared things are reported and put right, their own additions stay."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from world import World

from mininode.api.identity import Identity, Mfa, Provider, ProviderKind, Smtp
from mininode.api.model import SecretKey
from mininode.api.spec import DriftCorrection

SITE = Provider(
    alias="hospital",
    kind=ProviderKind.OIDC,
    issuer="https://login.hospital.example/",
    authorization_url="https://login.hospital.example/authorize",
    token_url="https://login.hospital.example/token",  # noqa: S106 - an address
    jwks_url="https://login.hospital.example/jwk",
    user_info_url="https://login.hospital.example/userinfo",
    client_id="node",
    client_secret_ref=SecretKey(name="hospital", key="secret"),
)
MAIL = Smtp(
    host="mail.hospital.example",
    sender="node@hospital.example",
    user="node",
    password_ref=SecretKey(name="mail", key="password"),
)
EVERYTHING = Identity(admins=("ada@hospital.example",), mfa=Mfa.REQUIRED, providers=(SITE,), smtp=MAIL)
BY_HAND = "changed-by-hand"
FLOW = "mininode-browser-mfa-required"

Change = Callable[[World], Awaitable[Any]]


async def _realm(world: World, **fields: Any) -> None:
    await world.human.write("PUT", "", fields)


async def _client(world: World, client_id: str, **fields: Any) -> None:
    uuid = (await world.client(client_id))["id"]
    await world.human.write("PUT", f"clients/{uuid}", {"clientId": client_id, **fields})


async def _delete_mapper(world: World) -> None:
    client = await world.client("dataset-explorer")
    await world.human.write("DELETE", f"clients/{client['id']}/protocol-mappers/models/{client['protocolMappers'][0]['id']}")


async def _change_mapper(world: World) -> None:
    scope = next(one for one in await world.human.get("client-scopes") if one["name"] == "groups")
    mapper = scope["protocolMappers"][0]
    mapper["config"]["full.path"] = "true"
    await world.human.write("PUT", f"client-scopes/{scope['id']}/protocol-mappers/models/{mapper['id']}", mapper)


async def _delete_client(world: World) -> None:
    await world.human.write("DELETE", f"clients/{(await world.client('dataset-service'))['id']}")


async def _delete_role(world: World) -> None:
    await world.human.write("DELETE", "roles/data-scientists")


async def _take_composite(world: World) -> None:
    composites = await world.human.get("roles/data-scientists/composites")
    await world.human.write("DELETE", "roles/data-scientists/composites", composites)


async def _delete_group(world: World) -> None:
    group = next(one for one in await world.human.get("groups") if one["name"] == "data-scientists")
    await world.human.write("DELETE", f"groups/{group['id']}")


async def _take_service_role(world: World) -> None:
    client = await world.client("kubernetes-operator")
    account = await world.human.get(f"clients/{client['id']}/service-account-user")
    owner = (await world.client("dataset-service"))["id"]
    path = f"users/{account['id']}/role-mappings/clients/{owner}"
    await world.human.write("DELETE", path, await world.human.get(path))


async def _take_scope_role(world: World) -> None:
    explorer, owner = (await world.client("dataset-explorer"))["id"], (await world.client("dataset-service"))["id"]
    path = f"clients/{explorer}/scope-mappings/clients/{owner}"
    await world.human.write("DELETE", path, await world.human.get(path))


async def _take_default_scope(world: World) -> None:
    client = (await world.client("dataset-explorer"))["id"]
    scope = next(one for one in await world.human.get("client-scopes") if one["name"] == "groups")
    await world.human.write("DELETE", f"clients/{client}/default-client-scopes/{scope['id']}")


async def _action_off(world: World) -> None:
    action = await world.human.get("authentication/required-actions/UPDATE_PASSWORD")
    await world.human.write("PUT", "authentication/required-actions/UPDATE_PASSWORD", action | {"enabled": False})


async def _step_off(world: World) -> None:
    path = f"authentication/flows/{FLOW}-forms/executions"
    step = next(one for one in await world.human.get(path) if one["providerId"] == "auth-otp-form")
    await world.human.write("PUT", path, step | {"requirement": "DISABLED"})


async def _step_gone(world: World) -> None:
    steps = await world.human.get(f"authentication/flows/{FLOW}-forms/executions")
    step = next(one for one in steps if one["providerId"] == "auth-otp-form")
    await world.human.write("DELETE", f"authentication/executions/{step['id']}")


async def _step_more(world: World) -> None:
    await world.human.write("POST", f"authentication/flows/{FLOW}-forms/executions/execution", {"provider": "auth-cookie"})
    path = f"authentication/flows/{FLOW}-forms/executions"
    step = next(one for one in await world.human.get(path) if one["providerId"] == "auth-cookie")
    await world.human.write("PUT", path, step | {"requirement": "ALTERNATIVE"})


async def _provider(world: World) -> None:
    found = await world.human.get("identity-provider/instances/hospital")
    found["config"]["validateSignature"] = "false"
    await world.human.write("PUT", "identity-provider/instances/hospital", found)


async def _provider_mapper(world: World) -> None:
    path = "identity-provider/instances/hospital/mappers"
    mapper = next(one for one in await world.human.get(path) if one["name"] == "username")
    await world.human.write("DELETE", f"{path}/{mapper['id']}")


async def _profile(world: World) -> None:
    found = await world.human.get("users/profile")
    next(one for one in found["attributes"] if one["name"] == "username")["validations"].pop("pattern")
    await world.human.write("PUT", "users/profile", found)


async def _admin_out(world: World) -> None:
    person = (await world.human.get("users", email="ada@hospital.example"))[0]
    for group in await world.human.get(f"users/{person['id']}/groups"):
        await world.human.write("DELETE", f"users/{person['id']}/groups/{group['id']}")


CHANGES: dict[str, Change] = {
    "realm": lambda world: _realm(world, bruteForceProtected=False, accessTokenLifespan=86400),
    "realm switched off": lambda world: _realm(world, enabled=False),
    "accessTokenLifespanForImplicitFlow": lambda world: _realm(world, accessTokenLifespanForImplicitFlow=1),
    "events off": lambda world: _realm(world, eventsEnabled=False, adminEventsEnabled=False),
    "languages": lambda world: _realm(world, supportedLocales=["de"]),
    "browserFlow": lambda world: _realm(world, browserFlow="browser"),
    "mail server": lambda world: _realm(world, smtpServer={"host": "elsewhere.example", "from": "x@example.org"}),
    "redirectUris": lambda world: _client(world, "dataset-explorer", redirectUris=["*"]),
    "direct grant": lambda world: _client(world, "dataset-explorer", directAccessGrantsEnabled=True),
    "client off": lambda world: _client(world, "guacamole", enabled=False),
    "pkce off": lambda world: _client(world, "dataset-explorer", attributes={"pkce.code.challenge.method": ""}),
    "secret": lambda world: _client(world, "dataset-service", secret=BY_HAND),
    "mapper deleted": _delete_mapper,
    "mapper changed": _change_mapper,
    "client deleted": _delete_client,
    "role deleted": _delete_role,
    "composite taken": _take_composite,
    "group deleted": _delete_group,
    "service role taken": _take_service_role,
    "scope role taken": _take_scope_role,
    "default scope taken": _take_default_scope,
    "required action": _action_off,
    "step off": _step_off,
    "step gone": _step_gone,
    "step more": _step_more,
    "provider": _provider,
    "provider mapper": _provider_mapper,
    "user profile": _profile,
    "administrator out of his groups": _admin_out,
}


async def test_every_kind_of_drift_is_reported_then_put_right(world: World) -> None:
    world.want(EVERYTHING)
    await world.converge()
    for name, change in CHANGES.items():
        await change(world)
        seen = await world.reconcile(DriftCorrection.WARN)
        assert seen.differences, name
        assert seen.writes == (), name
        mended = await world.reconcile()
        assert mended.converged, (name, [str(one) for one in (*mended.remaining, *mended.failures)])
        assert mended.writes, name
        again = await world.reconcile()
        assert (again.writes, again.differences) == ((), ()), name


async def test_difference_never_holds_a_secret(world: World) -> None:
    await world.converge()
    await _client(world, "dataset-service", secret=BY_HAND)
    report = await world.reconcile(DriftCorrection.WARN)
    text = " ".join(str(one) for one in report.differences)
    assert "client dataset-service: secret is another" in text
    assert BY_HAND not in text
    assert world.secrets["client/dataset-service"] not in text


async def test_what_the_site_added_stays(world: World) -> None:
    world.want(EVERYTHING)
    await world.converge()
    explorer = (await world.client("dataset-explorer"))["id"]
    mapper = {"name": "own", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper"}
    mapper |= {"config": {"included.custom.audience": "x"}}
    await world.human.write("POST", f"clients/{explorer}/protocol-mappers/models", mapper)
    await world.human.write("POST", "clients", {"clientId": "hospital-portal"})
    await world.human.write("POST", "roles", {"name": "hospital-role"})
    await world.human.write("POST", "groups", {"name": "hospital-group"})
    profile = await world.human.get("users/profile")
    profile["attributes"].append({"name": "badge", "permissions": {"view": ["admin"], "edit": ["admin"]}})
    await world.human.write("PUT", "users/profile", profile)
    realm = await world.human.get("")
    await _realm(world, attributes=realm["attributes"] | {"hospital": "mark"}, loginTheme="keycloak.v2")
    await world.make_person("somebody", "a-password-of-his-own", ("hospital-group",))
    assert (await world.reconcile()).writes == ()
    # A correction beside the additions leaves them where they are.
    await _realm(world, attributes=realm["attributes"] | {"hospital": "mark", "adminEventsExpiration": "1"})
    await _profile(world)
    await _client(world, "dataset-explorer", redirectUris=["*"])
    assert (await world.converge()).writes
    realm = await world.human.get("")
    assert (realm["attributes"]["hospital"], realm["loginTheme"]) == ("mark", "keycloak.v2")
    assert "badge" in [one["name"] for one in (await world.human.get("users/profile"))["attributes"]]
    assert "own" in [one["name"] for one in (await world.client("dataset-explorer"))["protocolMappers"]]
    assert await world.client("hospital-portal")
    assert await world.human.get("roles/hospital-role")
    assert await world.human.get("users", username="somebody")


async def test_secret_that_keycloak_hides_is_written_again_only_when_it_changed(world: World) -> None:
    world.want(EVERYTHING)
    await world.converge()
    for name in ("smtp", "provider/hospital"):
        world.secrets[name] = "another value"
        changed = await world.reconcile()
        assert len(changed.writes) == 1, name
        assert (await world.reconcile()).writes == (), name


@pytest.mark.parametrize("steps", [(Mfa.REQUIRED, Mfa.OFF, Mfa.OPTIONAL, Mfa.REQUIRED)])
async def test_second_factor_changes_with_the_spec(world: World, steps: tuple[Mfa, ...]) -> None:
    for mfa in steps:
        world.want(Identity(mfa=mfa), ("guacamole",))
        await world.converge()
        bound = (await world.human.get(""))["browserFlow"]
        assert bound == ("browser" if mfa is Mfa.OPTIONAL else f"mininode-browser-mfa-{mfa}")
        executions = await world.human.get(f"authentication/flows/{quote(bound)}/executions")
        otp = [one["requirement"] for one in executions if one.get("providerId") == "auth-otp-form"]
        assert otp == {Mfa.REQUIRED: ["REQUIRED"], Mfa.OFF: [], Mfa.OPTIONAL: ["ALTERNATIVE"]}[mfa]

"""Steps that need questions beside the export: secrets of clients, and the node's administrators."""

import hmac
from collections.abc import AsyncIterator, Mapping
from typing import Any

from mininode.awaiting import together
from mininode.keycloak.diff import MASK, Difference, Request, Step, missing
from mininode.keycloak.door import KeycloakDoor
from mininode.keycloak.observed import Observed
from mininode.realm.model import Admin, DesiredRealm


async def client_secrets(door: KeycloakDoor, desired: DesiredRealm, observed: Observed, secrets: Mapping[str, str]) -> list[Step]:
    """Secrets that are not those of the credentials. One that Keycloak masks is unknown, which is no difference."""
    asked = [one for one in desired.clients if secrets.get(one.secret) and one.client_id in observed.clients]
    ids = [str(observed.clients[one.client_id]["id"]) for one in asked]
    return [
        Step(
            (Difference("client", client.client_id, "secret", "another", "the one of the credential"),),
            (Request("PUT", f"clients/{uuid}", {"clientId": client.client_id, "secret": secrets[client.secret]}),),
        )
        for client, uuid, there in zip(asked, ids, await together(*(client_secret(door, one) for one in ids)), strict=True)
        if there is not None and not hmac.compare_digest(there.encode(), secrets[client.secret].encode())
    ]


async def client_secret(door: KeycloakDoor, client_uuid: str) -> str | None:
    """A client's secret; None when Keycloak doesn't show it (from 26.8 on to those who may only look)."""
    value = (await door.get(f"clients/{client_uuid}/client-secret") or {}).get("value")
    return None if value is None or value == MASK else str(value)


async def admins(
    door: KeycloakDoor, desired: DesiredRealm, observed: Observed, secrets: Mapping[str, str]
) -> AsyncIterator[Step]:
    """Administrators by e-mail. Who is there keeps name and password; only a lacking group is added."""
    for admin in desired.admins:
        if any(group not in observed.groups for group in admin.groups):
            continue  # made in this round
        found = await _person(door, admin)
        if found is None:
            if password := secrets.get(admin.password):
                yield Step(missing("administrator", admin.email), (Request("POST", "users", _new(admin, password)),))
            continue
        there = {one["name"] for one in await door.get(f"users/{found['id']}/groups") or []}
        for group in (one for one in admin.groups if one not in there):
            difference = Difference("administrator", admin.email, "groups", f"without {group}", "with it")
            yield Step((difference,), (Request("PUT", f"users/{found['id']}/groups/{observed.groups[group]['id']}"),))


async def _person(door: KeycloakDoor, admin: Admin) -> dict[str, Any] | None:
    for query in ({"email": admin.email}, {"username": admin.username}):
        for one in await door.get("users", exact="true", briefRepresentation="true", **query) or []:
            found: dict[str, Any] = one
            return found
    return None


def _new(admin: Admin, password: str) -> dict[str, Any]:
    return {
        "username": admin.username,
        "email": admin.email,
        # The spec vouches for the address; without a mail server it could not be confirmed anyway.
        "emailVerified": True,
        "enabled": True,
        "requiredActions": ["UPDATE_PASSWORD"],
        "credentials": [{"type": "password", "value": password, "temporary": True}],
        "groups": [f"/{group}" for group in admin.groups],
    }

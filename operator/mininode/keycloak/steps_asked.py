"""Steps that need questions beside the export: secrets of clients, and the node's administrators."""

import hmac
from collections.abc import AsyncIterator, Mapping
from typing import Any

from mininode.keycloak.diff import MASK, Difference, Request, Step, missing
from mininode.keycloak.door import KeycloakDoor
from mininode.keycloak.observed import Observed
from mininode.realm.model import Admin, DesiredRealm


async def client_secrets(
    door: KeycloakDoor, desired: DesiredRealm, observed: Observed, secrets: Mapping[str, str]
) -> AsyncIterator[Step]:
    """Secrets that are not those of the credentials. One that Keycloak masks is unknown, which is no difference."""
    for client in desired.clients:
        wanted, found = secrets.get(client.secret), observed.clients.get(client.client_id)
        if not wanted or found is None:
            continue
        there = await client_secret(door, found["id"])
        if there is not None and not hmac.compare_digest(there.encode(), wanted.encode()):
            difference = Difference("client", client.client_id, "secret", "another", "the one of the credential")
            body = {"clientId": client.client_id, "secret": wanted}
            yield Step((difference,), (Request("PUT", f"clients/{found['id']}", body),))


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

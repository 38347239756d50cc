"""First start: from Keycloak's temporary administrator to an account of the operator's own, with the least rights.

The operator's client lives in the realm `master`, where the administrators of the node's realm can't delete it by accident, and
from where a realm that is gone can be made again. Each step may be the last one of a killed operator: the next start goes on.
"""

from dataclasses import dataclass
from typing import Any

from mininode.awaiting import together
from mininode.keycloak.door import ClientLogin, KeycloakDoor, PasswordLogin, Write
from mininode.keycloak.errors import UNAUTHORIZED, KeycloakError
from mininode.keycloak.steps_clients import ADMIN_API_SCOPE

MASTER = "master"
OPERATOR_CLIENT = "mininode-operator"
# Roles on the node's realm. Keycloak lets nobody hand out a right that he does not have, so those of dataset-service, jobman and
# the node's administrators are among them. Left out: impersonation, authorization services, the all-embracing realm-admin.
OPERATOR_MAY = (
    "manage-clients", "manage-identity-providers", "manage-realm", "manage-users", "query-clients", "query-groups", "query-realms",
    "query-users", "view-clients", "view-events", "view-identity-providers", "view-realm", "view-users",
)  # fmt: skip
CREATE_REALM = "create-realm"
_TEMPORARY = "is_temporary_admin"  # attribute that Keycloak puts on an administrator made from its environment


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What the first start did; no writes when there was nothing to do."""

    writes: tuple[Write, ...]
    temporary_admin_removed: bool


async def bootstrap(door: KeycloakDoor, temporary: PasswordLogin) -> Bootstrapped:
    """Give the operator its account, and the temporary administrator his leave.

    `door` is the operator's own (a ClientLogin at `master`, to the node's realm); its realm is made if it is not there. An
    administrator who is not marked temporary, such as upstream's, stays. Raises KeycloakError when neither account is let in.
    """
    if not isinstance(door.login, ClientLogin):
        raise TypeError("the operator's own door logs in as a client")
    admin = door.at(MASTER, temporary)
    if not await _let_in(admin):
        await door.get("")  # raises, with advice, when the operator is not let in either
        return Bootstrapped((), temporary_admin_removed=False)
    node = admin.at(door.realm)
    # Making the realm takes Keycloak longest, and its cold first minute has a processor to spare.
    account, made = await together(_ensure_account(admin, door.login), _ensure_realm(node))
    if made:
        admin.forget_token()
    realm_client = await _one(admin, "clients", clientId=f"{door.realm}-realm")
    await _grant(admin, account, f"clients/{realm_client['id']}", OPERATOR_MAY)
    door.forget_token()
    if not await door.get(""):  # never send the last administrator away before the operator has proven itself
        raise KeycloakError("the operator's new account does not see the node's realm", "It is tried again by itself")
    removed = await _remove(admin, temporary.username)
    return Bootstrapped((*admin.writes, *node.writes), temporary_admin_removed=removed)


async def _let_in(door: KeycloakDoor) -> bool:
    try:
        await door.get("")
    except KeycloakError as error:
        if error.code == UNAUTHORIZED:
            return False
        raise
    return True


async def _ensure_realm(node: KeycloakDoor) -> bool:
    """Whether it was made: shut, until the first pass has put its settings in place."""
    if await node.has_realm():
        return False
    await node.make_realm({"realm": node.realm, "enabled": False})
    return True


async def _ensure_account(admin: KeycloakDoor, login: ClientLogin) -> str:
    """The id of the client's own account, which may make a realm."""
    client = await _ensure_client(admin, login)
    account = str((await admin.get(f"clients/{client}/service-account-user"))["id"])
    await _grant(admin, account, "realm", (CREATE_REALM,))
    return account


async def _ensure_client(admin: KeycloakDoor, login: ClientLogin) -> str:
    """The client's id, with the secret of the credential."""
    wanted = {
        "clientId": login.client_id,
        "name": "mininode operator",
        "enabled": True,
        "publicClient": False,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "secret": login.secret,
    }
    found = await admin.get("clients", clientId=login.client_id)
    uuid = str(found[0]["id"]) if found else await admin.write("POST", "clients", wanted)
    if found and (await admin.at(MASTER, login).token(login.form, login.realm)).is_error:
        await admin.write("PUT", f"clients/{uuid}", wanted)
    scopes = {one["name"]: one["id"] for one in await admin.get("client-scopes") or []}
    if ADMIN_API_SCOPE in scopes:  # wanted from Keycloak 26.8.2 on
        await admin.write("PUT", f"clients/{uuid}/default-client-scopes/{scopes[ADMIN_API_SCOPE]}")
    return uuid


async def _grant(admin: KeycloakDoor, user: str, owner: str, roles: tuple[str, ...]) -> None:
    """Give roles directly: since 26.7.1 the Admin API honours no others."""
    path = f"users/{user}/role-mappings/{owner}"
    available: list[dict[str, Any]] = await admin.get(f"{path}/available") or []  # those that the user has not got
    lacking = [{"id": one["id"], "name": one["name"]} for one in available if one["name"] in roles]
    if lacking:
        await admin.write("POST", path, lacking)


async def _one(admin: KeycloakDoor, path: str, **query: str) -> dict[str, Any]:
    found = await admin.get(path, **query)
    if not found:
        raise KeycloakError(f"{path} with {query} is not in the realm {admin.realm}", "It is looked for again by itself")
    first: dict[str, Any] = found[0]
    return first


async def _remove(admin: KeycloakDoor, username: str) -> bool:
    person = await _one(admin, "users", username=username, exact="true", briefRepresentation="false")
    if (person.get("attributes") or {}).get(_TEMPORARY) != ["true"]:
        return False
    await admin.write("DELETE", f"users/{person['id']}")
    return True

"""The first pass over an empty realm: its clients, roles and groups by one request instead of some fifty.

Keycloak's partial import makes all of them or, when it refuses one, none. It knows objects by their names, so what brings
others along needs no second look. What roles may appear in tokens it does not take: that is left for the next round. And it
leaves out what Keycloak adds to a client that is made alone, so that is said here: either way makes the same realm.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mininode.keycloak.diff import Request, Step
from mininode.keycloak.observed import Observed
from mininode.keycloak.steps_clients import new_client
from mininode.realm.model import REALM_ROLES, Client, DesiredRealm, RoleNames

PATH = "partialImport"
# As Keycloak 26.7.3 gives them to a client that comes alone; tests/services/test_first_pass.py compares.
_ATTRIBUTES = {"backchannel.logout.session.required": "true", "backchannel.logout.revoke.offline.tokens": "false"}
_ACCOUNT_SCOPE = "service_account"


def untouched(desired: DesiredRealm, observed: Observed) -> bool:
    """Whether nothing of what the import makes is there."""
    return not (
        any(one.client_id in observed.clients for one in desired.clients)
        or any(one.name in observed.realm_roles for one in desired.roles)
        or any(one.name in observed.groups for one in desired.groups)
    )


def at_once(desired: DesiredRealm, observed: Observed, secrets: Mapping[str, str], steps: Sequence[Step]) -> Step:
    """One step in place of these, which say what differs. Clients whose secret nobody gave are left out, as they are there."""
    clients = [one for one in desired.clients if not one.secret or one.secret in secrets]
    body = {
        "ifResourceExists": "SKIP",  # the site may be making something of the same name at this moment
        "clients": [_client(one, observed, secrets) for one in clients],
        "roles": {
            "realm": [
                {"name": one.name, "description": one.description, "composites": _of(one.composites, "realm", "client")}
                for one in desired.roles
            ],
            "client": {
                one.client_id: [{"name": name, "description": text} for name, text in one.roles.items()] for one in clients
            },
        },
        "groups": [
            {"name": one.name, "path": f"/{one.name}", **_of(one.roles, "realmRoles", "clientRoles")} for one in desired.groups
        ],
        "users": [_account(one, desired.name) for one in clients if one.service_roles],
    }
    return Step(tuple(one for step in steps for one in step.differences), (Request("POST", PATH, body),))


def _client(client: Client, observed: Observed, secrets: Mapping[str, str]) -> dict[str, Any]:
    body = new_client(client, observed, secrets)
    body["attributes"] = _ATTRIBUTES | body["attributes"]
    if "rootUrl" in body:
        body.setdefault("adminUrl", body["rootUrl"])
    if body.get("serviceAccountsEnabled"):
        body["defaultClientScopes"] = [*body["defaultClientScopes"], _ACCOUNT_SCOPE]
    return body


def _account(client: Client, realm: str) -> dict[str, Any]:
    """A client's own account as Keycloak makes it, with its roles."""
    roles = _of(client.service_roles, "realmRoles", "clientRoles")
    return {
        "username": f"service-account-{client.client_id}",
        "enabled": True,
        "serviceAccountClientId": client.client_id,
        **roles,
        "realmRoles": [f"default-roles-{realm.lower()}", *roles["realmRoles"]],
    }


def _of(roles: RoleNames, realm: str, client: str) -> dict[str, Any]:
    """Roles by owner, in Keycloak's two fields."""
    owners = {owner: list(names) for owner, names in roles.items() if owner != REALM_ROLES}
    return {realm: list(roles.get(REALM_ROLES, ())), client: owners}

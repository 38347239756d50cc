"""Steps for client scopes, clients with their mappers and roles, and what their tokens may hold."""

from collections.abc import Iterator, Mapping
from typing import Any

from mininode.keycloak.diff import Difference, Request, Step, field_differences, lacking, missing, unequal
from mininode.keycloak.observed import Json, Observed
from mininode.realm.model import REALM_ROLES, Client, DesiredRealm, Mapper, RoleNames

ADMIN_API_SCOPE = "kc-admin-api"


def scopes(desired: DesiredRealm, observed: Observed) -> Iterator[Step]:
    """Client scopes and their mappers."""
    for scope in desired.scopes:
        found = observed.scopes.get(scope.name)
        if found is None:
            body = {
                "name": scope.name,
                "description": scope.description,
                "protocol": "openid-connect",
                # Shown nowhere and added to `scope` of no token: people are not asked for consent in a node.
                "attributes": {"include.in.token.scope": "false", "display.on.consent.screen": "false"},
                "protocolMappers": [_mapper(one) for one in scope.mappers],
            }
            yield Step(missing("client scope", scope.name), (Request("POST", "client-scopes", body),))
        else:
            yield from _mappers("client scope", scope.name, f"client-scopes/{found['id']}", found, scope.mappers)


def clients(desired: DesiredRealm, observed: Observed, secrets: Mapping[str, str]) -> Iterator[Step]:
    """Clients; a new one gets its secret at once, so there is no moment with a secret that nobody knows."""
    for client in desired.clients:
        found = observed.clients.get(client.client_id)
        if found is None:
            if not client.secret or client.secret in secrets:
                request = Request("POST", "clients", new_client(client, observed, secrets))
                yield Step(missing("client", client.client_id), (request,))
            continue
        changed = unequal(found, client.fields)
        changed_attributes = unequal(found.get("attributes") or {}, client.attributes)
        differences = field_differences("client", client.client_id, found, changed)
        differences += field_differences(
            "client", client.client_id, found.get("attributes") or {}, changed_attributes, "attributes."
        )
        if differences:
            body: dict[str, Any] = {"clientId": client.client_id, **changed}
            if changed_attributes:
                body["attributes"] = changed_attributes
            yield Step(differences, (Request("PUT", f"clients/{found['id']}", body),))
        yield from _mappers("client", client.client_id, f"clients/{found['id']}", found, client.mappers)
        yield from _roles(client, found, observed)
        yield from _default_scopes(client, found, observed)


def scope_roles(desired: DesiredRealm, observed: Observed) -> Iterator[Step]:
    """Roles that may appear in the tokens of a client's users."""
    for client in desired.clients:
        if found := observed.clients.get(client.client_id):
            there = observed.scope_roles(client.client_id)
            path = f"clients/{found['id']}/scope-mappings"
            yield from role_steps("client", client.client_id, "roles in scope", path, there, client.scope_roles, observed)


def service_roles(desired: DesiredRealm, observed: Observed) -> Iterator[Step]:
    """Roles of the clients' own accounts."""
    for client in desired.clients:
        account = observed.service_accounts.get(client.client_id)
        if account is not None and client.service_roles:
            path = f"users/{account['id']}/role-mappings"
            there = granted(account)
            yield from role_steps("client", client.client_id, "roles of its account", path, there, client.service_roles, observed)


def granted(holder: Json) -> dict[str, set[str]]:
    """Roles by owner of a group or an account."""
    found = {owner: set(names) for owner, names in (holder.get("clientRoles") or {}).items()}
    return {REALM_ROLES: set(holder.get("realmRoles") or []), **found}


def role_steps(
    kind: str, name: str, field: str, path: str, there: Mapping[str, set[str]], wanted: RoleNames, observed: Observed
) -> Iterator[Step]:
    """Roles to add at `path`, one request for each owner; those of the site stay."""
    for owner, names in wanted.items():
        lack = lacking(there.get(owner, ()), names)
        if not lack:
            continue
        difference = Difference(kind, name, field, "without " + ", ".join(_full(owner, one) for one in lack), "with them")
        roles = [observed.role(owner, one) for one in lack]
        known = [{"id": role["id"], "name": role["name"]} for role in roles if role is not None]
        if not known:
            yield Step((difference,), ())  # made in this round, and its id known in the next; or it stays, and is reported
            continue
        target = f"{path}/realm" if owner == REALM_ROLES else f"{path}/clients/{observed.clients[owner]['id']}"
        yield Step((difference,), (Request("POST", target, known),))


def _full(owner: str, role: str) -> str:
    return f"{owner}/{role}" if owner else role


def new_client(client: Client, observed: Observed, secrets: Mapping[str, str]) -> dict[str, Any]:
    """A client that is not there yet, with its mappers and its secret; its roles are objects of their own."""
    body = {
        "clientId": client.client_id,
        **client.fields,
        "attributes": dict(client.attributes),
        "protocolMappers": [_mapper(one) for one in client.mappers],
        "defaultClientScopes": [one for one in wanted_scopes(client, observed) if one in observed.scopes or one == "groups"],
        "optionalClientScopes": [],
    }
    return body | {"secret": secrets[client.secret]} if client.secret else body


def wanted_scopes(client: Client, observed: Observed) -> tuple[str, ...]:
    """Default scopes; from Keycloak 26.8.2 on, callers of the Admin API need one more, which older ones don't have."""
    extra = (ADMIN_API_SCOPE,) if client.calls_admin_api and ADMIN_API_SCOPE in observed.scopes else ()
    return client.default_scopes + extra


def _default_scopes(client: Client, found: Json, observed: Observed) -> Iterator[Step]:
    for name in lacking(found.get("defaultClientScopes") or [], wanted_scopes(client, observed)):
        if scope := observed.scopes.get(name):
            difference = Difference("client", client.client_id, "default scopes", f"without {name}", "with it")
            path = f"clients/{found['id']}/default-client-scopes/{scope['id']}"
            yield Step((difference,), (Request("PUT", path),))


def _roles(client: Client, found: Json, observed: Observed) -> Iterator[Step]:
    there = observed.client_roles.get(client.client_id, {})
    for name in lacking(there, client.roles):
        body = {"name": name, "description": client.roles[name]}
        yield Step(missing("role", f"{client.client_id}/{name}"), (Request("POST", f"clients/{found['id']}/roles", body),))


def _mapper(one: Mapper) -> dict[str, Any]:
    return {"name": one.name, "protocol": one.protocol, "protocolMapper": one.type, "config": dict(one.config)}


def _mappers(kind: str, name: str, path: str, found: Json, wanted: tuple[Mapper, ...]) -> Iterator[Step]:
    """Mappers are known by what they do, not by their names: a realm of upstream has the same ones under other names."""
    there = list(found.get("protocolMappers") or [])
    for one in wanted:
        match = next((other for other in there if _is(other, one)), None)
        if match is None:
            match = next((other for other in there if other.get("name") == one.name), None)
        if match is None:
            step = missing(f"mapper of {kind}", f"{name}/{one.name}")
            yield Step(step, (Request("POST", f"{path}/protocol-mappers/models", _mapper(one)),))
            continue
        changed = unequal(match.get("config") or {}, one.config)
        kind_changed = unequal(match, {"protocolMapper": one.type})
        differences = field_differences(f"mapper of {kind}", f"{name}/{match['name']}", match.get("config") or {}, changed)
        differences += field_differences(f"mapper of {kind}", f"{name}/{match['name']}", match, kind_changed)
        if differences:
            body = {**match, **kind_changed, "config": {**(match.get("config") or {}), **changed}}
            yield Step(differences, (Request("PUT", f"{path}/protocol-mappers/models/{match['id']}", body),))


_PURPOSE = {"oidc-audience-mapper": "included.client.audience", "oidc-group-membership-mapper": "claim.name"}


def _is(found: Json, wanted: Mapper) -> bool:
    """Whether a mapper serves the wanted purpose: the same type for the same audience or claim."""
    key = _PURPOSE.get(wanted.type)
    if found.get("protocolMapper") != wanted.type or key is None:
        return False
    return (found.get("config") or {}).get(key) == wanted.config.get(key)

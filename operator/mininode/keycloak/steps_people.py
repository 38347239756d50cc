"""Steps for realm roles, groups and identity providers: who may come in, and what they may do then."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mininode.keycloak.diff import Difference, Request, Step, field_differences, lacking, missing, unequal
from mininode.keycloak.observed import Json, Observed
from mininode.keycloak.steps_clients import granted, role_steps
from mininode.realm.model import REALM_ROLES, DesiredRealm, IdentityProvider

SECRET_FINGERPRINT = "mininodeSecretFingerprint"  # noqa: S105 - key in a provider's config; says whether the secret changed


def roles(desired: DesiredRealm, observed: Observed) -> Iterator[Step]:
    """Roles of the realm, and the roles that they bring along."""
    for role in desired.roles:
        found = observed.realm_roles.get(role.name)
        if found is None:
            body = {"name": role.name, "description": role.description}
            yield Step(missing("realm role", role.name), (Request("POST", "roles", body),))
            continue
        composites = found.get("composites") or {}
        there = {owner: set(names) for owner, names in (composites.get("client") or {}).items()}
        there[REALM_ROLES] = set(composites.get("realm") or [])
        for owner, names in role.composites.items():
            lack = lacking(there.get(owner, ()), names)
            known = [one for one in (observed.role(owner, name) for name in lack) if one is not None]
            if lack:
                difference = Difference("realm role", role.name, "brings along", "without " + ", ".join(lack), "with them")
                body_roles = [{"id": one["id"], "name": one["name"]} for one in known]
                request = Request("POST", f"roles-by-id/{found['id']}/composites", body_roles)
                # A role that is made in this round has an id in the next.
                yield Step((difference,), (request,) if known else ())


def groups(desired: DesiredRealm, observed: Observed) -> Iterator[Step]:
    """Groups and their roles."""
    for group in desired.groups:
        found = observed.groups.get(group.name)
        if found is None:
            yield Step(missing("group", group.name), (Request("POST", "groups", {"name": group.name}),))
        else:
            path = f"groups/{found['id']}/role-mappings"
            yield from role_steps("group", group.name, "roles", path, granted(found), group.roles, observed)


def providers(
    desired: DesiredRealm, observed: Observed, secrets: Mapping[str, str], fingerprint: Callable[[str], str]
) -> Iterator[Step]:
    """Identity providers and their mappers. The client secret is not shown, so a keyed fingerprint stands beside it."""
    for provider in desired.providers:
        secret = secrets.get(provider.secret) if provider.secret else None
        if provider.secret and secret is None:
            continue
        hidden = {"clientSecret": secret, SECRET_FINGERPRINT: fingerprint(secret)} if secret else {}
        found = observed.providers.get(provider.alias)
        if found is None:
            body = {"alias": provider.alias, **provider.fields, "config": {**provider.config, **hidden}}
            method = "DISCOVER" if provider.discover else "POST"
            path = provider.discover or "identity-provider/instances"
            yield Step(missing("identity provider", provider.alias), (Request(method, path, body),))
            continue
        yield from _changed(provider, found, hidden)
        yield from _mappers(provider, observed)


def _changed(provider: IdentityProvider, found: Json, hidden: Mapping[str, str]) -> Iterator[Step]:
    config = found.get("config") or {}
    changed, changed_config = unequal(found, provider.fields), unequal(config, provider.config)
    differences = field_differences("identity provider", provider.alias, found, changed)
    differences += field_differences("identity provider", provider.alias, config, changed_config)
    mark = hidden.get(SECRET_FINGERPRINT)
    if mark and config.get(SECRET_FINGERPRINT) != mark:
        differences += field_differences("identity provider", provider.alias, {"secret": "another"}, {"secret": "the given one"})
    if differences:
        # What stays masked is kept by Keycloak; an entry that is left out of the config would be lost.
        body = {**found, **changed, "config": {**config, **provider.config, **hidden}}
        yield Step(differences, (Request("PUT", f"identity-provider/instances/{provider.alias}", body),))


def _mappers(provider: IdentityProvider, observed: Observed) -> Iterator[Step]:
    there = observed.provider_mappers(provider.alias)
    path = f"identity-provider/instances/{provider.alias}/mappers"
    for one in provider.mappers:
        body: dict[str, Any] = {
            "name": one.name,
            "identityProviderAlias": provider.alias,
            "identityProviderMapper": one.type,
            "config": dict(one.config),
        }
        found = there.get(one.name)
        if found is None:
            yield Step(missing("mapper of identity provider", f"{provider.alias}/{one.name}"), (Request("POST", path, body),))
            continue
        config = found.get("config") or {}
        changed = unequal(config, one.config)
        kind = unequal(found, {"identityProviderMapper": one.type})
        name = f"{provider.alias}/{one.name}"
        differences = field_differences("mapper of identity provider", name, config, changed)
        differences += field_differences("mapper of identity provider", name, found, kind)
        if differences:
            whole = {**found, **body, "config": {**config, **one.config}}
            yield Step(differences, (Request("PUT", f"{path}/{found['id']}", whole),))

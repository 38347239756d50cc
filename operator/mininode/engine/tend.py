"""Tending the realm: what the component `identity` has in place of a Helm release.

One pass: the operator's own account (made at the first start), the credentials (an existing realm's are taken over), the
comparison with what is declared, and the questions of the gate. It can be cut off anywhere and is then begun anew. What Keycloak
refuses, or a site forgot to give, becomes the gate's evidence with advice; the rest of the realm is done all the same.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from mininode.api.spec import DriftCorrection
from mininode.components.base import Credential, GateResult, GateState, Node, held, pending
from mininode.components.identity import NAME, OPERATOR, administrators, wanted
from mininode.components.keycloak import base_url
from mininode.engine.credentials import made, value
from mininode.engine.drift import Drift
from mininode.engine.record import note, notes
from mininode.keycloak.adopt import read_secrets
from mininode.keycloak.bootstrap import MASTER, OPERATOR_CLIENT, bootstrap
from mininode.keycloak.door import ClientLogin, KeycloakDoor, PasswordLogin
from mininode.keycloak.errors import KeycloakError
from mininode.keycloak.provider_secret import refused_secret
from mininode.keycloak.reconcile import RealmReport, reconcile_realm
from mininode.keycloak.tokens import check_issuer, check_service_account
from mininode.kube.client import Kube
from mininode.realm.desired import given_secrets
from mininode.realm.model import DesiredRealm

# Notes at the record: what was enforced last, that the first start is over, which secrets the identity providers took.
_ENFORCED, _STARTED, _TAKEN = "enforced", "started", "taken"
_SHOWN = 3  # problems told in one sentence of evidence

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tended:
    """What a pass found: the gate's answer, and what somebody had changed by hand."""

    result: GateResult
    drift: tuple[Drift, ...] = ()


async def tend(kube: Kube, node: Node, digest: str) -> Tended:
    """One pass. `digest` tells what is declared: a new one is enforced whatever the spec says of drift. Raises KubeError."""
    try:
        async with door(kube, node) as one:
            return await _tend(kube, node, digest, one)
    except KeycloakError as error:
        return Tended(pending(str(error).replace("\n", ". "), error.reason))


@asynccontextmanager
async def door(kube: Kube, node: Node, base: str = "") -> AsyncIterator[KeycloakDoor]:
    """The operator's own way to the realm; `base` is another address of the same Keycloak. Raises KubeError, KeycloakError."""
    external = node.spec.identity.external
    if external is not None:
        ref = external.client_secret_ref
        secret = await value(kube, node, ref.name, ref.key)
        login = ClientLogin(wanted(node).name, external.client_id, secret or "")
        missing = f"{ref.name}, key {ref.key}"
    else:
        secret = await value(kube, node, OPERATOR, "secret")
        login, missing = ClientLogin(MASTER, OPERATOR_CLIENT, secret or ""), OPERATOR
    if not secret:
        raise KeycloakError(
            f"the Secret {missing} of the operator's account at Keycloak is not there",
            "Put it back; docs/identity.md says what to do when nobody has its value any more",
            reason="SecretMissing",
        )
    # Between pods stands no proxy of the environment; a Keycloak elsewhere is reached as the operator's environment says.
    async with httpx.AsyncClient(trust_env=external is not None and not base) as http:
        yield KeycloakDoor(http, base or base_url(node), wanted(node).name, login)


async def looked_at(kube: Kube, node: Node, base: str) -> tuple[str, ...]:
    """What differs in the realm, in sentences; changes nothing. `base` is another address of its Keycloak.

    Raises KubeError, KeycloakError.
    """
    async with door(kube, node, base) as one:
        if not await one.has_realm():
            return (f"realm {one.realm} is not there",)
        realm = wanted(node)
        values, there = await secrets(kube, node, realm, None), await read_secrets(one, realm)
        taken = tuple(
            f"the secret of {name.partition('/')[2]} is taken over from the realm" for name in sorted(there) if name not in values
        )
        report = await reconcile_realm(one, realm, policy=DriftCorrection.WARN, secrets={**there, **values})
    # A first password that is not made yet is no failure: it is made with its account.
    missing = [str(one) for one in report.failures if one.reason != "SecretMissing"]
    return (*taken, *(str(one) for one in report.differences), *missing)


async def _tend(kube: Kube, node: Node, digest: str, one: KeycloakDoor) -> Tended:
    noted = await notes(kube, node, NAME)
    if node.spec.identity.external is None:
        await _started(kube, node, one, noted)
    elif not await one.has_realm():
        text = f"the realm {one.realm} is not at {one.url}: make it there, with the client of the spec"
        return Tended(pending(text, "RealmMissing"))
    realm = wanted(node)
    values = await secrets(kube, node, realm, one)
    # A secret that changed is a wish like a changed spec, and no drift.
    wish = f"{digest}.{one.fingerprint(repr(sorted(values.items())))[:16]}"
    new = noted.get(_ENFORCED) != wish
    policy = DriftCorrection.ENFORCE if new else node.spec.drift_correction
    report = await reconcile_realm(one, realm, policy=policy, secrets=values)
    if report.writes:
        log.info("realm %s: %d changes", realm.name, len(report.writes), extra={"node": node.name, "component": NAME})
    if new and report.converged:
        await note(kube, node, NAME, **{_ENFORCED: wish})
    drift = () if new or policy is DriftCorrection.OFF else _drift(report)
    problems = list(report.failures)
    if policy is DriftCorrection.ENFORCE and not problems:
        problems = [KeycloakError(str(one), reason="RealmDiffers") for one in report.remaining]
    problems += await _refused_secrets(kube, node, one, realm, values, noted)
    return Tended(_problems(problems) if problems else await _judged(one, realm, report, values), drift)


async def _refused_secrets(
    kube: Kube, node: Node, one: KeycloakDoor, realm: DesiredRealm, values: Mapping[str, str], noted: Mapping[str, str]
) -> list[KeycloakError]:
    """The identity providers that refuse what the site gave as their secret: all are asked until none does, then no more."""
    asked = [provider for provider in realm.providers if values.get(provider.secret)]
    text = repr([(provider.alias, sorted(provider.config.items()), values[provider.secret]) for provider in asked])
    wish = one.fingerprint(text)[:16]
    if not asked or noted.get(_TAKEN) == wish:
        return []
    async with httpx.AsyncClient() as http:
        refused = [found for each in asked if (found := await refused_secret(http, each, values[each.secret])) is not None]
    if not refused:
        await note(kube, node, NAME, **{_TAKEN: wish})
    return refused


async def _started(kube: Kube, node: Node, one: KeycloakDoor, noted: Mapping[str, str]) -> None:
    """The first start, as long as it is not over, and again when the operator is not let in any more."""
    if noted.get(_STARTED):
        try:
            await one.get("")
        except KeycloakError as error:
            if error.reason != "KeycloakLoginRefused":
                raise
        else:
            return
    username = await value(kube, node, "keycloak-admin", "username")
    password = await value(kube, node, "keycloak-admin", "password")
    await bootstrap(one, PasswordLogin(MASTER, username or "", password or ""))
    await note(kube, node, NAME, **{_STARTED: "true"})


async def secrets(kube: Kube, node: Node, realm: DesiredRealm, one: KeycloakDoor | None) -> dict[str, str]:
    """The values that a pass needs, by the realm's names of them; without one that the site was to give and did not.

    With a door, credentials that are missing are made: a client's from what the realm has, so that what uses it goes on working.
    """
    there = {}
    places = credentials(node, realm)
    lacking = [
        name
        for name, (_, credential) in places.items()
        if one is not None and await value(kube, node, credential.name, _key(credential)) is None
    ]
    found = await read_secrets(one, realm) if one is not None and lacking else {}
    for name in lacking:
        component, credential = places[name]
        given = {_key(credential): found[name]} if name in found else {}
        await made(kube, node, component, credential, given)
        if given:
            log.info("credential %s was taken over from the realm", credential.name, extra={"node": node.name, "component": NAME})
    refs = {name: (ref.name, ref.key) for name, ref in given_secrets(node.spec.identity).items()}
    refs |= {name: (credential.name, _key(credential)) for name, (_, credential) in places.items()}
    for name in sorted(realm.secret_names()):
        if name in refs and (text := await value(kube, node, *refs[name])) is not None:
            there[name] = text
    return there


def credentials(node: Node, realm: DesiredRealm) -> dict[str, tuple[str, Credential]]:
    """The credential behind each of the realm's secrets that the node makes itself, with the component it belongs to."""
    clients = {
        credential.fixed["client-id"]: (component.name, credential)
        for component in node.on
        for credential in component.credentials
        if "client-id" in credential.fixed
    }
    found = {client.secret: clients[client.client_id] for client in realm.clients if client.secret and client.client_id in clients}
    return found | {admin.password: (NAME, one) for admin, one in zip(realm.admins, administrators(node), strict=True)}


def _key(credential: Credential) -> str:
    return credential.generated[0].key


def _drift(report: RealmReport) -> tuple[Drift, ...]:
    left = set(report.remaining)
    return tuple(
        Drift(
            one.kind,
            f"{one.name}, {one.field}," if one.field else one.name,
            "changed" if one.field else "deleted",
            corrected=one not in left,
        )
        for one in report.differences
    )


def _problems(found: list[KeycloakError]) -> GateResult:
    """The gate of a realm that is not as declared; the reason is that of the first problem."""
    more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
    return pending("; ".join(str(one) for one in found[:_SHOWN]).replace("\n", ". ") + more, found[0].reason)


async def _judged(one: KeycloakDoor, realm: DesiredRealm, report: RealmReport, values: Mapping[str, str]) -> GateResult:
    """The gate of a realm that is as declared: it names itself rightly, and applications get the tokens they need."""
    if (issuer := await check_issuer(one, realm.issuer)).state is GateState.PENDING:
        return issuer
    for check in realm.checks:
        result = await check_service_account(one, check, values.get(check.secret, ""), realm.issuer)
        if result.state is GateState.PENDING:
            return result
    if not report.signing_key_id:
        text = f"the realm {realm.name} has no active key for RS256 signatures: add one in its settings, under keys"
        return pending(text, "SigningKeyMissing")
    names = ", ".join(check.client_id for check in realm.checks)
    accounts = f", tokens of {names} are as they are read" if names else ""
    return held(f"the realm is {realm.issuer}{accounts}", signing_key_id=report.signing_key_id)

"""What becomes of each key of the configuration of EUCAIM's mini-node installer (config.yaml, config.private.yaml). Pure.

The keys are those that its config.py reads, that its template shows, and that its code looks for in vain; read at commit 91939be
of EUCAIM/mini-node (22 July 2026).
"""

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mininode.api.computer import FOLDER_PATTERN
from mininode.api.domains import unreachable
from mininode.api.inline_secrets import names_secret
from mininode.api.model import EMAIL_PATTERN
from mininode.api.spec import is_domain
from mininode.cli.config_draft import Place


class Fate(enum.StrEnum):
    """What was done with a key."""

    TAKEN = "taken"  # stands in the new file
    DERIVED = "derived"  # follows from something else, so nobody need write it
    MADE = "made anew"  # a secret that mininode makes itself
    BRING = "bring it"  # a secret that the outside knows: to be put into the cluster by a command
    LATER = "later"  # of a component that this version has not
    NO_EFFECT = "no effect"  # upstream never used it
    LOOK = "look at it"  # could not be taken as it is
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Told:
    """What was done with one key."""

    key: str
    fate: Fate
    said: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """The new configuration's fields, and what became of every key of the old one."""

    answers: dict[Place, Any]
    told: tuple[Told, ...]


_OIDC = "the login's addresses follow from the domain"
_DB = "each database login has a password of its own now"
_NAMES = "names of databases and logins are fixed"
# Keys whose fate does not depend on their value.
_FIXED: Mapping[str, tuple[Fate, str]] = {
    "postgres.db_password": (Fate.MADE, _DB),
    "postgres.username": (Fate.NO_EFFECT, _NAMES),
    "postgres.database": (Fate.NO_EFFECT, _NAMES),
    "postgres.db_host": (Fate.NO_EFFECT, "the database is part of the node"),
    "postgres.db_port": (Fate.NO_EFFECT, "the database is part of the node"),
    "keycloak.admin_username": (Fate.MADE, "the first administrator is made with the node: Secret keycloak-admin"),
    "keycloak.admin_password": (Fate.MADE, "in Secret keycloak-admin"),
    "keycloak.db_password": (Fate.MADE, _DB),
    "keycloak.client_secret": (Fate.NO_EFFECT, "upstream never used it"),
    "keycloak.idp_lsri.client_id": (Fate.DERIVED, "belongs to idp_lsri.enabled"),
    "platform_admin_user.username": (Fate.NO_EFFECT, "upstream never made this account"),
    "platform_admin_user.password": (Fate.MADE, "a temporary password is made, to be changed at the first log-in"),
    "oidc.node_name": (Fate.NO_EFFECT, "upstream never used it"),
    "letsencrypt.use_staging": (Fate.NO_EFFECT, "upstream only printed it"),
    "guacamole.password": (Fate.MADE, _DB),
    "guacamole.adminPassword": (Fate.MADE, "in Secret guacamole-admin"),
    "guacamole.hostname": (Fate.NO_EFFECT, "the database is part of the node"),
    "guacamole.port": (Fate.NO_EFFECT, "the database is part of the node"),
    "guacamole.username": (Fate.NO_EFFECT, _NAMES),
    "guacamole.database": (Fate.NO_EFFECT, _NAMES),
    "orthanc.patient_id_encryption_key": (Fate.BRING, "keep the old file safe: pseudonyms depend on this key"),
    "orthanc.admin_username": (Fate.NO_EFFECT, "upstream stopped using it"),
    "orthanc.admin_password": (Fate.NO_EFFECT, "upstream stopped using it"),
    "tracer.url": (Fate.LATER, "the tracer is no component of this version"),
    "focus.focus_api_key": (Fate.LATER, "the federated search makes its own with its enrolment"),
    "focus.dataset_service_auth_header": (Fate.LATER, "both ends get this secret from the node itself"),
    "focus.proxy_private_key_pem": (Fate.LATER, "keep the old file safe: the federation knows the node by this key"),
    "focus.root_crt_pem": (Fate.LATER, "the federation's certificate is part of the federated search"),
    "focus.provider": (Fate.LATER, "upstream only printed it; it is a field of the federated search"),
    "focus.beam_broker_url": (Fate.LATER, "upstream only printed it; it is a field of the federated search"),
}  # fmt: skip
_SECTIONS = {
    "oidc": (Fate.DERIVED, _OIDC),
    "orthanc": (Fate.LATER, "Orthanc is no component of this version"),
    "fem": (Fate.NO_EFFECT, "upstream never read this section"),
}
_KNOWN_OIDC = {
    "authorization_endpoint",
    "jwks_endpoint",
    "issuer",
    "clientID",
    "redirect_uri",
    "username_claim_type",
    "groups_claim_type",
}
_TEMPLATE = re.compile(r"changeme|placeholder|^password$|^admon$|your[_-]?\w*|supersecret|xxxx|<.*>|^\[.*\]$", re.IGNORECASE)


def migrated(data: Mapping[str, Any]) -> Migrated:
    """The old configuration in the words of the new one."""
    answers: dict[Place, Any] = {}
    told: list[Told] = []
    flat = dict(_flat(data))
    for key, value in flat.items():
        fate, said = _one(key, value, flat, answers)
        if fate in {Fate.MADE, Fate.BRING} and _from_template(value):
            said += "; the old one is the template's own, which everybody knows"
        told.append(Told(key, fate, said))
    domain = answers.get(("node", "domain"))
    if "letsencrypt.email" not in flat:
        answers[("node", "tls", "mode")] = "ownCA"
        told.append(
            Told("letsencrypt.email", Fate.LOOK, "is not there, so the old node never had a certificate: tls.mode is ownCA now")
        )
    elif domain and unreachable(domain):
        answers[("node", "tls", "mode")] = "ownCA"
    return Migrated(answers, tuple(told))


def _one(key: str, value: Any, flat: Mapping[str, Any], answers: dict[Place, Any]) -> tuple[Fate, str]:  # noqa: C901 - a row a key
    match key:
        case "public_domain":
            return _taken(answers, ("node", "domain"), value, isinstance(value, str) and is_domain(value))
        case "host_path":
            path = value.rstrip("/") if isinstance(value, str) else value
            fine = isinstance(path, str) and re.fullmatch(FOLDER_PATTERN, path) is not None
            fate, said = _taken(answers, ("computer", "dataFolder"), path, fine)
            return fate, said + (": the old node's files there are not touched, and not taken over" if fine else "")
        case "use_gateway_api":
            if value is True:
                answers["node", "exposure", "mode"] = "gateway"
                return Fate.LOOK, "node.exposure.mode is gateway; add node.exposure.className, the GatewayClass of your cluster"
            return Fate.DERIVED, "the node has a public door of its own"
        case "letsencrypt.email":
            answers["node", "tls", "mode"] = "acme"
            fine = isinstance(value, str) and re.fullmatch(EMAIL_PATTERN, value) is not None
            fate, said = _taken(answers, ("node", "contact"), value, fine)
            return fate, said + "; node.tls.mode is acme"
        case "keycloak.admin_emails" | "platform_admin_user.email":
            return _admins(value, answers)
        case "keycloak.idp_lsri.enabled":
            return _ls_login(value, flat, answers)
        case "keycloak.idp_lsri.client_secret":
            if _on(flat.get("keycloak.idp_lsri.enabled")):
                return Fate.BRING, "mininode secrets set ls-login client-secret --from-file FILE"
            return Fate.NO_EFFECT, "the log-in with LifeScience RI is off"
    if key in _FIXED:
        return _FIXED[key]
    section, _, name = key.partition(".")
    if value in (None, {}) and any(known.startswith(f"{key}.") for known in (*_FIXED, "oidc.", "orthanc.", "fem.")):
        return Fate.NO_EFFECT, "the section is empty"
    if section in _SECTIONS and (section != "oidc" or name in _KNOWN_OIDC):
        fate, said = _SECTIONS[section]
        return fate, said
    return Fate.UNKNOWN, "upstream knows no such key" + (" (a secret: its value is not shown)" if names_secret(key) else "")


def _taken(answers: dict[Place, Any], place: Place, value: Any, fine: bool) -> tuple[Fate, str]:
    where = ".".join(place)
    if fine:
        answers[place] = value
        return Fate.TAKEN, where
    return Fate.LOOK, f"the value does not fit {where}: write it there yourself"


def _admins(value: Any, answers: dict[Place, Any]) -> tuple[Fate, str]:
    place = ("node", "identity", "admins")
    found = [one.strip() for one in value.split(",")] if isinstance(value, str) else []
    right = [one for one in found if re.fullmatch(EMAIL_PATTERN, one)]
    if not right or len(right) < len(found):
        return Fate.LOOK, "these are no e-mail addresses with commas between: write node.identity.admins yourself"
    answers[place] = list(dict.fromkeys([*answers.get(place, []), *right]))
    return Fate.TAKEN, "node.identity.admins: each gets an account; upstream only wrote to them"


def _ls_login(value: Any, flat: Mapping[str, Any], answers: dict[Place, Any]) -> tuple[Fate, str]:
    if not _on(value):
        return Fate.DERIVED, "node.identity.lsAai is left out: off"
    client = flat.get("keycloak.idp_lsri.client_id")
    if not isinstance(client, str) or not client or _from_template(client):
        return Fate.LOOK, "switched on without a client id: write node.identity.lsAai yourself"
    answers["node", "identity", "lsAai", "clientId"] = client
    answers["node", "identity", "lsAai", "clientSecretRef", "name"] = "ls-login"
    answers["node", "identity", "lsAai", "clientSecretRef", "key"] = "client-secret"
    return Fate.TAKEN, "node.identity.lsAai"


def _on(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _from_template(value: Any) -> bool:
    return isinstance(value, str) and _TEMPLATE.search(value) is not None


def _flat(data: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value

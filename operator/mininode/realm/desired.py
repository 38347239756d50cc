"""The desired realm of a node: the one place where its parts come together."""

import hashlib
import re
from collections.abc import Iterable

from mininode.api.identity import LS_AAI_ALIAS, Identity
from mininode.api.model import SecretKey
from mininode.components.base import Node
from mininode.components.keycloak import realm_issuer, realm_name
from mininode.realm import clients, flows, profile, providers, roles, settings
from mininode.realm.model import Admin, DesiredRealm


def desired_realm(node: Node, enabled: Iterable[str]) -> DesiredRealm:
    """What the realm of this node should be. `enabled` are the names of the components that are on."""
    on = frozenset(enabled)
    identity = node.spec.identity
    return DesiredRealm(
        name=realm_name(node),
        issuer=realm_issuer(node),
        settings=settings.settings(node, identity) | {"browserFlow": flows.browser_flow(identity.mfa)},
        attributes=settings.attributes(),
        profile=profile.profile(),
        mail=settings.mail_server(node, identity.smtp),
        scopes=clients.scopes(),
        clients=clients.clients(node, on),
        roles=roles.roles(on),
        groups=roles.groups(),
        flows=flows.flows(identity.mfa),
        required_actions=settings.required_actions(identity),
        providers=providers.providers(identity),
        admins=admins(identity.admins),
        checks=clients.checks(on),
    )


def given_secrets(identity: Identity) -> dict[str, SecretKey]:
    """Where the spec says that secrets stand, by the names of `DesiredRealm.secret_names()`.

    All other names are of credentials that the node makes: `client/ID` and `admin/NAME`.
    """
    given = [(one.alias, one.client_secret_ref) for one in identity.providers]
    found = {providers.provider_secret(alias): secret for alias, secret in given if secret is not None}
    if identity.ls_aai:
        found[providers.provider_secret(LS_AAI_ALIAS)] = identity.ls_aai.client_secret_ref
    if identity.smtp and identity.smtp.password_ref:
        found[settings.SMTP_PASSWORD] = identity.smtp.password_ref
    return found


def admins(emails: Iterable[str]) -> tuple[Admin, ...]:
    """The node's administrators. Two addresses never make one user name."""
    groups = (roles.NODE_ADMINISTRATORS, roles.SUPERVISORS)
    addresses = sorted({email.lower() for email in emails})
    return tuple(Admin(email, username(email), groups, f"admin/{username(email)}") for email in addresses)


def username(email: str) -> str:
    """A user name that the profile allows, made from an e-mail address: its local part and six digits of its digest."""
    local = re.sub(r"[^a-z0-9]+", "-", email.lower().partition("@")[0]).strip("-")[:16].strip("-")
    digest = hashlib.sha256(email.lower().encode()).hexdigest()[:6]
    return f"{local}-{digest}" if local else f"admin-{digest}"

"""The desired realm as a value. What is not declared here is the site's own and is never looked at.

Names of fields inside `fields`, `attributes` and `config` are Keycloak's (RealmRepresentation, ClientRepresentation, …, of
its Admin REST API). Secrets stand here by name only: their values come beside the model, as a mapping from these names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Fields = Mapping[str, Any]
# Roles by their owner: a client id, or REALM_ROLES for those of the realm itself.
RoleNames = Mapping[str, tuple[str, ...]]
REALM_ROLES = ""


@dataclass(frozen=True, slots=True)
class Mapper:
    """What puts a claim into a token. `type` is the provider id of the protocol mapper."""

    name: str
    type: str
    config: Mapping[str, str]
    protocol: str = "openid-connect"


@dataclass(frozen=True, slots=True)
class ClientScope:
    """Mappers that several clients share."""

    name: str
    description: str
    mappers: tuple[Mapper, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """An application at the realm."""

    client_id: str
    fields: Fields
    attributes: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)  # name -> description
    mappers: tuple[Mapper, ...] = ()
    default_scopes: tuple[str, ...] = ()
    scope_roles: RoleNames = field(default_factory=dict)  # roles that may appear in its users' tokens
    service_roles: RoleNames = field(default_factory=dict)  # roles of its own account
    secret: str = ""  # name of the secret; empty for a client that has none
    calls_admin_api: bool = False


@dataclass(frozen=True, slots=True)
class RealmRole:
    """A role of the realm, with the roles that it brings along."""

    name: str
    description: str
    composites: RoleNames = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A group at the top level, with the roles that its members have."""

    name: str
    roles: RoleNames = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Execution:
    """One step of a flow: an authenticator, or a flow below it."""

    requirement: str  # REQUIRED, ALTERNATIVE, CONDITIONAL, DISABLED
    authenticator: str = ""
    flow: "Flow | None" = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Steps of a login. `binding` is the realm's field that makes it the one in use."""

    alias: str
    description: str
    executions: tuple[Execution, ...]
    binding: str = ""


@dataclass(frozen=True, slots=True)
class RequiredAction:
    """Something that people are asked to do after the login."""

    alias: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class ProviderMapper:
    """What is taken over about a person who comes from an identity provider."""

    name: str
    type: str
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """Another place that people may log in at."""

    alias: str
    fields: Fields
    config: Mapping[str, str]
    mappers: tuple[ProviderMapper, ...] = ()
    secret: str = ""  # name of the client secret there; empty for SAML
    discover: str = ""  # address of its own description (OpenID Connect Discovery); read once, when the provider is made


@dataclass(frozen=True, slots=True)
class Admin:
    """A person who administers the node, known by e-mail; `password` names the temporary first password."""

    email: str
    username: str
    groups: tuple[str, ...]
    password: str


@dataclass(frozen=True, slots=True)
class MailServer:
    """The realm's `smtpServer`; `password` names the secret, empty when the server asks for none."""

    fields: Mapping[str, str]
    password: str = ""


@dataclass(frozen=True, slots=True)
class ServiceAccountCheck:
    """What the token of a client's own account must hold for the application to work."""

    client_id: str
    secret: str
    audience: str
    roles: RoleNames


@dataclass(frozen=True, slots=True)
class DesiredRealm:
    """Everything that is declared of one realm."""

    name: str
    issuer: str  # as it must stand in every token
    settings: Fields
    attributes: Mapping[str, str]
    profile: Fields  # the user profile: `attributes` by name, `unmanagedAttributePolicy`
    mail: MailServer | None
    scopes: tuple[ClientScope, ...]
    clients: tuple[Client, ...]
    roles: tuple[RealmRole, ...]
    groups: tuple[Group, ...]
    flows: tuple[Flow, ...]
    required_actions: tuple[RequiredAction, ...]
    providers: tuple[IdentityProvider, ...]
    admins: tuple[Admin, ...]
    checks: tuple[ServiceAccountCheck, ...]

    def secret_names(self) -> frozenset[str]:
        """The names of all secrets that a pass needs the values of."""
        names = {client.secret for client in self.clients} | {provider.secret for provider in self.providers}
        names |= {admin.password for admin in self.admins} | {self.mail.password if self.mail else ""}
        return frozenset(names - {""})

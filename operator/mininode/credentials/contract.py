"""Which values must be the same in more than one place: what each is, who makes it, and every place that holds it.

`SHARED` is the table; docs/identity.md shows it, and a test goes to each place and looks. What one component alone knows (the
superuser's password of PostgreSQL) is a credential too, and listed by `all_credentials`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mininode.components.base import Component, Credential, Node
from mininode.components.identity import NAME as IDENTITY
from mininode.components.identity import administrators


@dataclass(frozen=True, slots=True)
class SharedValue:
    """One value with every place that must hold it."""

    name: str
    made_by: str
    places: tuple[str, ...]
    source: str = ""  # Secret of the credential, where it is one


SHARED = (
    SharedValue(
        "client secret of dataset-service",
        "the operator, or taken over from the realm",
        ("client dataset-service of the realm", "auth.client.client_secret of dataset-service"),
        "dataset-service-client",
    ),
    SharedValue(
        "database password of keycloak",
        "the operator",
        ("login keycloak of PostgreSQL", "KC_DB_PASSWORD of keycloak"),
        "postgresql-keycloak",
    ),
    SharedValue(
        "database password of dataset-service",
        "the operator",
        ("login dataset_service of PostgreSQL", "db.password of dataset-service"),
        "postgresql-dataset-service",
    ),
    SharedValue(
        "database password of guacamole",
        "the operator",
        ("login guacamole of PostgreSQL", "POSTGRESQL_PASSWORD_FILE of guacamole", "its schema step"),
        "postgresql-guacamole",
    ),
    SharedValue(
        "password of Guacamole's administrator",
        "the operator",
        ("table guacamole_user, by the schema step", "the operator's own questions"),
        "guacamole-admin",
    ),
    SharedValue(
        "id of the signing key",
        "Keycloak; seen by the gate of identity",
        ("active RS256 key of the realm", "auth.token_validation.kid of dataset-service"),
    ),
    SharedValue(
        "issuer",
        "spec.domain, or spec.identity.external.issuer",
        ("hostname of Keycloak", "auth.token_validation.issuer of dataset-service", "OPENID_ISSUER of guacamole"),
    ),
    SharedValue(
        "user name",
        "the person, or the identity provider; held to the syntax of namespaces by the user profile",
        ("preferred_username in tokens", "author in dataset-service", "namespace user-NAME", "user in Guacamole"),
    ),
)  # fmt: skip


def all_credentials(node: Node, component: Component) -> tuple[Credential, ...]:
    """The credentials of a component, with those that the spec brings."""
    return (*component.credentials, *(administrators(node) if component.name == IDENTITY else ()))


def of_node(node: Node) -> Iterator[tuple[Component, Credential]]:
    """Every credential of the components that are on, in the alphabet's order."""
    found = [(component, one) for component in node.on for one in all_credentials(node, component)]
    yield from sorted(found, key=lambda pair: pair[1].name)

"""Keycloak: the login of the node, behind the path /auth of its public name.

Gate: the realm `master` names itself by the public address, although it was asked inside the cluster; that is what
every token will say, and what each application compares. The realm EUCAIM-NODE comes with the identity component, whose
gate asks the same of it.

A node may use a Keycloak that is there already (`spec.identity.external`): then this component is off, and everybody who
speaks of the realm speaks of that one.
"""

from typing import Any

from mininode.api.spec import Profile, Size
from mininode.components.base import (
    Checked,
    Component,
    Credential,
    Flow,
    GateResult,
    GeneratedKey,
    Node,
    Outside,
    Pods,
    Probes,
    Route,
    amounts,
    held,
    pending,
)
from mininode.components.network import proxy
from mininode.components.trust import surroundings

PORT = 8080
SERVER = Pods("keycloak", "server")
REALM = "EUCAIM-NODE"
OK = 200


def issuer(node: Node, realm: str) -> str:
    """Return how a realm of the node's own Keycloak names itself: by the public address, wherever it is asked."""
    return f"{node.spec.url}/auth/realms/{realm}"


def realm_name(node: Node) -> str:
    """Return the name of the realm that people log in at."""
    external = node.spec.identity.external
    return external.issuer.rpartition("/realms/")[2] if external else REALM


def realm_issuer(node: Node) -> str:
    """Return what stands as issuer in every token of the node's realm."""
    external = node.spec.identity.external
    return external.issuer if external else issuer(node, REALM)


def base_url(node: Node) -> str:
    """Return where the operator and pods reach Keycloak, without a slash at the end."""
    external = node.spec.identity.external
    return external.issuer.rpartition("/realms/")[0] if external else inside(node, "").rstrip("/")


def keys_url(node: Node) -> str:
    """Return where pods find the realm's public keys."""
    return f"{base_url(node)}/realms/{realm_name(node)}/protocol/openid-connect/certs"


def admin_url(node: Node) -> str:
    """Return the realm's part of the Admin API under its public address, with a slash at the end."""
    base, _, realm = realm_issuer(node).rpartition("/realms/")
    return f"{base}/admin/realms/{realm}/"


def inside(node: Node, path: str) -> str:
    """Return the address of a path below /auth inside the cluster."""
    return f"http://{node.service('keycloak')}:{PORT}/auth/{path}"


def _values(node: Node) -> dict[str, Any]:
    return surroundings(node) | {"proxy": proxy(node)}


async def _gate(node: Node, probes: Probes) -> GateResult:
    url = inside(node, "realms/master/.well-known/openid-configuration")
    answer = await probes.http(url)
    if answer.status != OK or not isinstance(answer.json, dict):
        return pending(f"{url} answered {answer.status}")
    found, wanted = answer.json.get("issuer"), issuer(node, "master")
    if found != wanted:
        return pending(f"Keycloak calls itself {found}, but people reach it as {wanted}")
    return held(f"the realm master is {wanted}")


COMPONENT = Component(
    name="keycloak",
    summary="login of the node",
    profiles=frozenset({Profile.MICRO}),
    requires=("platform", "postgresql", "edge"),
    values=_values,
    gate=_gate,
    images={"image": "keycloak"},
    sizes={
        Size.SMALL: {"resources": amounts("250m", "768Mi", "1536Mi"), "databaseConnections": 20},
        Size.MEDIUM: {"resources": amounts("500m", "1Gi", "2Gi"), "databaseConnections": 40},
        Size.LARGE: {"resources": amounts("2", "2Gi", "4Gi"), "databaseConnections": 80},
    },
    routes=(Route("/auth", "keycloak", PORT, "server"),),
    flows=(
        Flow(SERVER, Pods("postgresql", "server"), 5432, "its database"),
        Flow(Outside.OPERATOR, SERVER, PORT, "the gate, and the realm's care"),
        Flow(SERVER, Outside.INTERNET, 443, "logins at other institutions (identity providers)"),
    ),
    # Keycloak makes this account once, on an empty database, and calls it temporary.
    credentials=(
        Credential(
            "keycloak-admin", (GeneratedKey("password"),), {"username": "mininode-admin"}, checked=Checked.FIRST_START
        ),
    ),
    elsewhere=lambda spec: spec.identity.external is not None,
)

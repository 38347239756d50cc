"""Guacamole: remote desktops in the browser, the web application and guacd.

Gate: the web application answers, the administrator's generated password works (which goes through to the database),
and the password that Guacamole's manual prints does not.
"""

from typing import Any

from mininode.api.spec import Profile, Size
from mininode.components.base import (
    Component,
    Credential,
    Flow,
    GateResult,
    GeneratedKey,
    Node,
    Outside,
    Pods,
    ProbeFailed,
    Probes,
    Route,
    amounts,
    held,
    pending,
)
from mininode.components.keycloak import keys_url, realm_issuer
from mininode.components.trust import surroundings

PORT = 8080
WEB, GUACD = Pods("guacamole", "web"), Pods("guacamole", "guacd")
ADMIN = "guacadmin"
OK = 200
FORBIDDEN = 403


def _values(node: Node) -> dict[str, Any]:
    return surroundings(node) | {"realm": {"issuer": realm_issuer(node), "keys": keys_url(node)}}


async def _gate(node: Node, probes: Probes) -> GateResult:
    root = f"http://{node.service('guacamole')}:{PORT}/guacamole/api"
    alive = await probes.http(f"{root}/languages")
    if alive.status != OK:
        return pending(f"{root}/languages answered {alive.status}")
    # The right password first: Guacamole shuts out who fails too often, and a wait for the database must not count up.
    password = await probes.secret("guacamole-admin", "password")
    login = await probes.http(f"{root}/tokens", method="POST", form={"username": ADMIN, "password": password})
    token = login.json.get("authToken") if isinstance(login.json, dict) else None
    if login.status != OK or not token:
        return pending(f"the administrator can't log in: {root}/tokens answered {login.status}")
    await _log_out(probes, root, token)
    default = await probes.http(f"{root}/tokens", method="POST", form={"username": ADMIN, "password": ADMIN})
    if default.status != FORBIDDEN:
        return pending(f"the default administrator is not refused: {root}/tokens answered {default.status}, not 403")
    return held("the administrator's own password works, the default one is refused")


async def _log_out(probes: Probes, root: str, token: str) -> None:
    """End the gate's own session: left alone it would stay for an hour, one for each time that the gate is asked."""
    try:
        await probes.http(f"{root}/tokens/{token}", method="DELETE")
    except ProbeFailed:
        # The address holds the token, and a probe's text ends up in the node's status.
        raise ProbeFailed(f"{root}/tokens stopped answering between two questions") from None


COMPONENT = Component(
    name="guacamole",
    summary="remote desktops in the browser",
    profiles=frozenset({Profile.MICRO}),
    requires=("platform", "postgresql", "edge"),
    works_with=("keycloak",),  # asked at a login, so the two start at the same time
    values=_values,
    gate=_gate,
    # The second is guacd's, which draws every open desktop: about 50 MiB each.
    sizes={
        Size.SMALL: {
            "resources": amounts("100m", "384Mi", "1Gi"),
            "guacd": {"resources": amounts("50m", "128Mi", "1Gi")},
        },
        Size.MEDIUM: {
            "resources": amounts("250m", "512Mi", "1536Mi"),
            "guacd": {"resources": amounts("250m", "256Mi", "2Gi")},
        },
        Size.LARGE: {
            "resources": amounts("500m", "1Gi", "3Gi"),
            "guacd": {"resources": amounts("1", "512Mi", "6Gi")},
        },
    },
    images={"image": "guacamole", "guacd.image": "guacd", "schema.image": "postgresql"},
    routes=(Route("/guacamole", "guacamole", PORT, "web", title="Remote desktops", start="/"),),
    flows=(
        Flow(WEB, Pods("postgresql", "server"), 5432, "its database"),
        Flow(WEB, GUACD, 4822, "the desktops' pictures and keys"),
        Flow(WEB, Pods("keycloak", "server"), 8080, "the keys that tokens are signed with"),
        Flow(Outside.OPERATOR, WEB, PORT, "the gate"),
    ),
    credentials=(Credential("guacamole-admin", (GeneratedKey("password"),), {"username": ADMIN}),),
)

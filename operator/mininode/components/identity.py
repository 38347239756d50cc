"""Identity: the realm that people and applications log in at, kept as the spec wants it. It has no chart: the operator is at work.

Gate: asking it compares the realm with what is declared and corrects it (engine/tend.py). It holds when nothing is left to
correct, the realm calls itself by the public address, and the token of each service account has the issuer, the audience and the
roles that the application which takes it looks for. It tells the id of the key that signs tokens.
"""

import dataclasses
from typing import Any

from mininode.api.spec import Profile
from mininode.components.base import Checked, Component, Credential, GateResult, GeneratedKey, Node, Probes
from mininode.realm.desired import desired_realm, given_secrets
from mininode.realm.model import DesiredRealm

NAME = "identity"
OPERATOR = "identity-operator"  # the credential of the operator's own account
OPERATOR_CLIENT = "mininode-operator"
FIRST_PASSWORD_LENGTH = 20  # typed once by a person


def wanted(node: Node) -> DesiredRealm:
    """What the realm of this node should be."""
    return desired_realm(node, (one.name for one in node.on))


def administrators(node: Node) -> tuple[Credential, ...]:
    """The temporary first password of each administrator that the spec names."""
    return tuple(
        Credential(
            f"{NAME}-{admin.password.replace('/', '-')}",
            (GeneratedKey("password", FIRST_PASSWORD_LENGTH),),
            {"username": admin.username, "email": admin.email},
            checked=Checked.PERSON,
            mounted=False,
        )
        for admin in wanted(node).admins
    )


def _values(node: Node) -> dict[str, Any]:
    """All that is declared: what changes here is enforced once, whatever is said of drift."""
    given = {name: f"{ref.name}/{ref.key}" for name, ref in given_secrets(node.spec.identity).items()}
    return {"realm": dataclasses.asdict(wanted(node)), "secrets": given}


async def _gate(node: Node, probes: Probes) -> GateResult:  # noqa: ARG001 - every gate is given it
    return await probes.realm()


COMPONENT = Component(
    name=NAME,
    summary="realm, clients and people's log-in",
    profiles=frozenset({Profile.MICRO}),
    requires=("keycloak",),
    values=_values,
    gate=_gate,
    images={},
    credentials=(
        Credential(OPERATOR, (GeneratedKey("secret"),), {"client-id": OPERATOR_CLIENT}, checked=Checked.OPERATOR, mounted=False),
    ),
    chart=False,
)

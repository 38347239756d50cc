"""Whether the realm is as declared, as a condition of the node. Pure."""

from mininode.api.conditions import REASONS
from mininode.api.status import Truth
from mininode.components.base import GateResult, GateState
from mininode.engine.expiry import Said

REALM_UNSEEN: Said = (Truth.UNKNOWN, "RealmUnseen", "Nobody compared the realm with what is declared yet.")


def realm_said(answer: GateResult | None) -> Said:
    """What is to be said after the gate of `identity` answered so; None when it was not asked."""
    if answer is None or answer.state is GateState.SIMULATED:
        return REALM_UNSEEN
    if answer.state is GateState.HELD:
        return Truth.TRUE, "RealmAsDeclared", f"{answer.evidence}."
    return Truth.FALSE, answer.reason if answer.reason in REASONS else "KeycloakError", answer.evidence

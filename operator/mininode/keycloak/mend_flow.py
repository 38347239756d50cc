"""Mends the steps of a login flow of ours in place, when somebody changed them by hand.

Steps have ids that the export doesn't show. A step that is not declared is switched off, not removed.
"""

from typing import Any

from mininode.keycloak.door import KeycloakDoor
from mininode.keycloak.observed import Observed
from mininode.keycloak.steps_realm import execution_body, flow_path
from mininode.realm.model import Execution, Flow


async def mend_flow(door: KeycloakDoor, flow: Flow, observed: Observed | None) -> None:
    """Bring the steps of the flow to what is declared, in an order that never asks for less than before."""
    path = flow_path(flow.alias)
    there = [one for one in await door.get(path) or [] if one.get("level") == 0]
    left = list(there)
    for number, wanted in enumerate(flow.executions):
        priority = (number + 1) * 10
        match = next((one for one in left if _is(one, wanted)), None)
        if match is None:
            if observed is not None:
                body = execution_body(wanted, observed.flows[flow.alias]["id"], priority, observed)
                await door.write("POST", "authentication/executions", body)
            continue
        left.remove(match)
        if match.get("requirement") != wanted.requirement or match.get("priority") != priority:
            await door.write("PUT", path, {**match, "requirement": wanted.requirement, "priority": priority})
    for extra in left:
        if extra.get("requirement") != "DISABLED":
            await door.write("PUT", path, {**extra, "requirement": "DISABLED"})


def _is(found: dict[str, Any], wanted: Execution) -> bool:
    if wanted.flow is not None:
        return found.get("displayName") == wanted.flow.alias
    return bool(found.get("providerId") == wanted.authenticator)

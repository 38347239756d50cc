"""Platform: what every other component stands on. Who may talk with whom in the node's namespace, and whom its pods believe.

Gate: its objects are there. It tells which trust bundle pods have, so that those that believe another one are started anew.
"""

from typing import Any

from mininode.api.spec import Profile
from mininode.components.base import Component, GateResult, Node, Probes, held
from mininode.components.network import policies
from mininode.components.trust import BUNDLE, BUNDLE_KEY, digest, keep_bundle


def _values(node: Node) -> dict[str, Any]:
    return {"policies": policies(node)}


async def _gate(node: Node, probes: Probes) -> GateResult:
    bundle = digest(await probes.config(BUNDLE, BUNDLE_KEY))
    return held(f"{len(policies(node))} network policies and the trust bundle {bundle} are in place", trust_digest=bundle)


COMPONENT = Component(
    name="platform",
    summary="network policies and trust",
    profiles=frozenset(Profile),
    requires=(),
    values=_values,
    gate=_gate,
    images={},
    upkeep=keep_bundle,
)

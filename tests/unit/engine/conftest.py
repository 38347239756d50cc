"""A node of three components, as the engine sees it: `base`, then `middle`, then `top`, and `side` beside them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mininode.api.spec import NodeSpec, Profile
from mininode.components.base import Component, GateResult, Node, Probes, held
from mininode.engine.look import View
from mininode.planning.images import ImageLock
from mininode.planning.plan import Plan, plan
from mininode.planning.release import Release, ReleaseStatus

EDGES: Mapping[str, tuple[str, ...]] = {"base": (), "middle": ("base",), "side": ("base",), "top": ("middle",)}
NOW = 10_000.0


async def _gate(node: Node, probes: Probes) -> GateResult:
    del node, probes
    return held("it does")


@pytest.fixture
def components() -> dict[str, Component]:
    return {
        name: Component(
            name, name, frozenset({Profile.MICRO}), requires, values=lambda _node: {}, gate=_gate, images={}
        )
        for name, requires in EDGES.items()
    }  # fmt: skip


@pytest.fixture
def planned(components: dict[str, Component]) -> Callable[..., Plan]:
    def make(**spec: Any) -> Plan:
        parsed = NodeSpec.model_validate({"domain": "node.hospital.example"} | spec)
        return plan(Node("demo", "eucaim", parsed), components, dict.fromkeys(components, "chart"), ImageLock({}))

    return make


@pytest.fixture
def view(components: dict[str, Component], planned: Callable[..., Plan]) -> Callable[..., View]:
    """What a look saw: `there` names releases, each a name or a Release; `removing` wants nothing to be there."""

    def make(*there: str | Release, removing: bool = False, busy: Any = None, **spec: Any) -> View:
        the_plan = planned(**spec)
        digests = {one.name: one.digest for one in the_plan.releases}
        releases = [
            one if isinstance(one, Release) else Release(one, 1, ReleaseStatus.DEPLOYED, "demo", digests.get(one, "v1-old"))
            for one in there
        ]
        return View(
            plan=the_plan,
            wanted={} if removing else digests,
            releases={one.name: one for one in releases},
            components=components,
            now=NOW,
            busy=busy or {},
            removing=removing,
        )

    return make

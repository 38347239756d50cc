"""An API server that does not let us look: what runs goes on, nothing is concluded, and it is asked less and less often."""

import asyncio
from typing import Any

import pytest

from mininode.app.nodes import Nodes
from mininode.engine.engine import Engine
from mininode.engine.reconcile import Pass
from mininode.engine.state import NodeMemory
from mininode.errors import KubeError, NotThereYet
from mininode.planning.images import ImageLock

RESOURCE: dict[str, Any] = {
    "metadata": {"name": "demo", "namespace": "eucaim", "uid": "1", "generation": 1},
    "spec": {"domain": "node.hospital.example"},
}


class Kube:
    """Refuses so many looks, then answers that nothing is there."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.looks = 0

    async def list_metadata_since(self, *_: Any, **__: Any) -> tuple[list[dict[str, Any]], str]:
        self.looks += 1
        if self.looks <= self.refusals:
            raise KubeError("the object has been modified", code=409, reason="Conflict")
        return [], "1"

    async def get_metadata(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"metadata": {}}

    async def apply(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {}


def engine(kube: Kube) -> Engine:
    parts: dict[str, Any] = {"kube": kube, "helm": None, "events": None}
    return Engine(components={}, charts={}, images=ImageLock({}), **parts)


async def test_what_runs_is_not_stopped_by_a_look_that_failed() -> None:
    kube = Kube(refusals=1)
    work = Pass(engine(kube), NodeMemory(), lambda: RESOURCE, asyncio.Event())
    action = asyncio.create_task(asyncio.sleep(0.2, "done"))
    work.running["db"] = action  # type: ignore[assignment] # any task will do
    await work.run()
    assert action.result() == "done"
    assert kube.looks == 2
    assert work.looked


async def test_it_is_asked_less_and_less_often_and_soon_again_after_an_answer() -> None:
    kube, memory = Kube(refusals=7), NodeMemory()
    pauses = [await Pass(engine(kube), memory, lambda: RESOURCE, asyncio.Event()).run() for _ in range(7)]
    assert 0.7 < pauses[0] < 1.3
    assert pauses[1] < pauses[3] < 20
    assert all(11 < pause < 19 for pause in pauses[5:])
    assert await Pass(engine(kube), memory, lambda: RESOURCE, asyncio.Event()).run() > 100
    assert memory.refused == 0


async def test_a_node_does_not_go_before_somebody_could_look_what_it_leaves() -> None:
    """Its status names no release: it was killed before it could write one."""
    nodes = Nodes(engine(Kube(refusals=1)))
    with pytest.raises(NotThereYet, match="did not let us look"):
        await nodes.remove(RESOURCE)
    await nodes.remove(RESOURCE)

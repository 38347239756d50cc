"""The loop that a daemon runs for a node: woken and told to end at the same moment, it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mininode.app.nodes import Nodes
from mininode.engine.pace import USUAL

RESOURCE = {"metadata": {"uid": "u", "name": "demo", "namespace": "eucaim", "generation": 1}, "spec": {}}


class Engine:
    pace = USUAL

    def clock(self) -> float:
        return asyncio.get_running_loop().time()


class Never:
    def __bool__(self) -> bool:
        return False

    async def wait(self) -> None:
        await asyncio.Event().wait()


async def test_an_end_that_comes_with_a_change_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    class Pass:
        async def run(self) -> float:
            nonlocal looks
            looks += 1
            node.wake.clear()
            return 60.0

    @asynccontextmanager
    async def followed(*_: Any) -> AsyncIterator[None]:
        yield

    monkeypatch.setattr(Nodes, "_pass", lambda *_: Pass())
    monkeypatch.setattr(Nodes, "_followed", followed)
    nodes = Nodes(Engine())  # type: ignore[arg-type]
    nodes.notice(RESOURCE)
    node = nodes.watched["u"]
    keeping = asyncio.create_task(nodes.keep(RESOURCE, Never()))
    async with asyncio.timeout(10):
        while not looks or not node.wake._waiters:  # type: ignore[attr-defined]  # noqa: ASYNC110, SLF001 - it has to wait already
            await asyncio.sleep(0)
        node.wake.set()
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
    assert looks == 1

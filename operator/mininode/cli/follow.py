"""Following a node's status until it is settled, gone, stuck, or the time is up."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from mininode.api.conditions import READY, STALLED
from mininode.api.status import NodeStatus, Truth
from mininode.cli.screen import Screen, verdict
from mininode.cli.status import fresh, settled
from mininode.cli.target import Target
from mininode.cluster.way import OperatorAt
from mininode.errors import KubeError, NotThereYet, Unavailable
from mininode.kube.client import Kube
from mininode.kube.resources import EUCAIM_NODES

_TICK = 1.0  # s
_WATCH_SECONDS = 60
_WATCH_AGAIN = 1.0  # s after a watch that broke


@dataclass(slots=True)
class Follower:
    """One node's way, on the screen."""

    kube: Kube
    target: Target
    operator: OperatorAt
    screen: Screen = field(default_factory=Screen)

    async def until_settled(self, seconds: float) -> dict[str, Any]:
        """The resource when its status says Ready or Rehearsed for the present spec.

        Raises NotThereYet when a human is needed or the time is up, Unavailable when the operator ended.
        """
        async for resource in self._states(seconds):
            if resource is None:
                raise NotThereYet("The node was deleted while we waited for it.", "Run the same command again.")
            status = NodeStatus.model_validate(resource.get("status") or {})
            if settled(resource):
                return resource
            if fresh(resource, status) and resource["spec"].get("suspend"):
                raise NotThereYet(
                    "The node is suspended and not complete.", "Set spec.suspend (node.suspend in the configuration) to false."
                )
            stalled = status.condition(STALLED)
            if fresh(resource, status) and stalled and stalled.status is Truth.TRUE:
                raise NotThereYet(
                    verdict(status),
                    f"Put right what is named above and run the same command again. Log: {self.operator.log}",
                )
        raise AssertionError("the states end only with an error")

    async def until_gone(self, seconds: float) -> None:
        """Return when the resource is gone."""
        async for resource in self._states(seconds):
            if resource is None:
                return

    async def _states(self, seconds: float) -> AsyncIterator[dict[str, Any] | None]:
        """The resource at every change; None when there is none (any more). Shows each on the screen."""
        deadline = time.monotonic() + seconds
        news: asyncio.Queue[dict[str, Any] | KubeError | None] = asyncio.Queue()
        watching = asyncio.create_task(self._watch(news))
        last: dict[str, Any] = {}
        try:
            while True:
                try:
                    item = await asyncio.wait_for(news.get(), _TICK)
                except TimeoutError:
                    self._check(deadline, last)
                    continue
                if isinstance(item, KubeError):
                    raise item
                if item is not None:
                    last = item
                    status = NodeStatus.model_validate(item.get("status") or {})
                    if fresh(item, status) or item["metadata"].get("deletionTimestamp"):
                        self.screen.update(status)
                yield item
                self._check(deadline, last)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            self.screen.close()

    async def _watch(self, news: "asyncio.Queue[dict[str, Any] | KubeError | None]") -> None:
        while True:
            try:
                resource = await self.kube.get(EUCAIM_NODES, self.target.name, self.target.namespace)
                await news.put(resource)
                if resource is None:
                    return
                events = self.kube.watch(
                    EUCAIM_NODES, self.target.namespace, name=self.target.name,
                    since=resource["metadata"]["resourceVersion"], seconds=_WATCH_SECONDS,
                )  # fmt: skip
                async for kind, resource in events:
                    if kind == "DELETED":
                        break
                    if kind != "BOOKMARK":
                        await news.put(resource)
            except KubeError as error:
                if error.code in (401, 403):
                    await news.put(error)
                    return
                await asyncio.sleep(_WATCH_AGAIN)

    def _check(self, deadline: float, last: dict[str, Any]) -> None:
        self.screen.tick()
        if not self.operator.runs():
            raise Unavailable(
                "The operator ended.",
                f"Its last words are at the end of {self.operator.log}; run the same command again.",
                reason="OperatorEnded",
            )
        if time.monotonic() > deadline:
            status = NodeStatus.model_validate(last.get("status") or {})
            ready = status.condition(READY) if last and fresh(last, status) else None
            said = self.operator.last_words()
            raise NotThereYet(
                f"The time is up. {ready.message if ready else 'The operator has not reported on the newest spec yet.'}",
                "The operator goes on: `mininode status` shows how far it is. "
                f"Its log, {self.operator.log}, says last: {said or '(nothing)'}",
                reason="TimeUp",
            )

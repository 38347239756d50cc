"""The nodes this operator looks after: what it remembers of each, and the loop that a Kopf daemon runs for it."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from mininode.api import REQUESTED_AT
from mininode.api.spec import DeletionPolicy
from mininode.api.status import NodeStatus
from mininode.engine.creation_jobs import CreationJobs
from mininode.engine.engine import Engine
from mininode.engine.health import not_ready
from mininode.engine.owned import Owned
from mininode.engine.reconcile import Pass
from mininode.engine.state import NodeMemory, remembered
from mininode.errors import KubeError, NotThereYet
from mininode.kube.resources import NAMESPACES

_SPREAD = 0.3  # s; nodes do not all look at once when an operator starts
_CALM = 0.2  # s from a change of pods that decides nothing to the look that tells of it: pods come up in many small steps
# s without a further edit before an edited node is looked at, and the longest wait for that.
_QUIET, _QUIET_LIMIT = 0.3, 2.0
_HUNG_PAUSES = 3  # of the longest pause between looks, after which a node's loop counts as hung

log = logging.getLogger(__name__)


class Stopped(Protocol):
    """The part of Kopf's stop flag that is used here."""

    def __bool__(self) -> bool:
        """Whether the daemon is to end."""

    async def wait(self) -> object:
        """Return when the daemon is to end."""


@dataclass(slots=True)
class Watched:
    """One node as its daemon sees it."""

    resource: Mapping[str, Any]
    memory: NodeMemory
    seen: tuple[Any, ...] = ()
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    edited: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # the daemon and the deletion never work at the same time
    looked: float = 0.0  # when the last look ended, on the engine's clock
    later: asyncio.TimerHandle | None = None  # wakes a little later

    def wake_later(self, seconds: float) -> None:
        """Wake so many seconds from now, once for all who wish it meanwhile."""
        if self.later is None or self.later.when() <= asyncio.get_running_loop().time():
            self.later = asyncio.get_running_loop().call_later(seconds, self.wake.set)

    @property
    def leaving(self) -> bool:
        """Whether the resource is being deleted."""
        return bool(self.resource["metadata"].get("deletionTimestamp"))


@dataclass(slots=True)
class Nodes:
    """Every node of this operator, by uid."""

    engine: Engine
    watched: dict[str, Watched] = field(default_factory=dict)

    def notice(self, resource: Mapping[str, Any]) -> None:
        """Take over a resource as the API server has it now; wake its daemon unless only the status changed."""
        meta = resource["metadata"]
        node = self._node(resource)
        node.resource = _wish(resource)
        seen = (
            meta.get("generation"),
            meta.get("deletionTimestamp"),
            (meta.get("annotations") or {}).get(REQUESTED_AT),
        )
        if seen != node.seen:
            node.seen = seen
            node.edited.set()
            node.wake.set()

    def forget(self, resource: Mapping[str, Any]) -> None:
        """The resource is gone."""
        meta = resource["metadata"]
        self.watched.pop(meta["uid"], None)
        self.engine.metrics.forget(meta["namespace"], meta["name"])

    async def keep(self, resource: Mapping[str, Any], stopped: Stopped) -> None:
        """Make the node true and keep it so, until the daemon is stopped or the node is being deleted."""
        node = self._node(resource)
        known_before = bool(resource.get("status"))
        del resource  # its status is long, and this coroutine lives as long as the node
        if known_before:  # one that is new does not wait
            await asyncio.sleep(random.uniform(0, _SPREAD))  # noqa: S311 - spreads load, guards nothing
        ending = asyncio.ensure_future(stopped.wait())
        ending.add_done_callback(lambda _: node.wake.set())
        try:
            async with self._followed(node) as owned:
                while not stopped and not node.leaving:
                    async with node.lock:
                        again = await self._pass(node, owned).run()
                    node.looked = self.engine.clock()
                    # Not wait_for: in Python 3.11 it forgets that it was cancelled when the event came at the same time.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(again):
                            await node.wake.wait()
        finally:
            ending.cancel()
            if node.later is not None:
                node.later.cancel()

    def _pass(self, node: Watched, owned: Owned) -> Pass:
        return Pass(self.engine, node.memory, lambda: node.resource, node.wake, owned, settle=lambda: _settle(node))

    async def remove(self, resource: Mapping[str, Any]) -> None:
        """Remove every release of the node. Raises NotThereYet while some remain, so that the finalizer stays."""
        node = self._node(resource)
        node.resource = _wish(resource)
        node.wake.set()
        async with node.lock:
            if (resource.get("spec") or {}).get("deletionPolicy") == DeletionPolicy.ORPHAN:
                return
            work = Pass(self.engine, node.memory, lambda: node.resource, node.wake, deleting=True)
            await work.run()
        node.looked = self.engine.clock()
        left = ", ".join(component.name for component in node.memory.written.components)
        # A look that was not finished says nothing of what is there: a status that was never written names no release.
        if (left or not work.looked) and not await self._goes_with_namespace(node):
            raise NotThereYet(f"releases remain: {left or 'the cluster did not let us look for them'}")

    async def _goes_with_namespace(self, node: Watched) -> bool:
        """Whether the whole namespace is being deleted: it takes our rights in it first, and everything else by itself."""
        try:
            found = await self.engine.kube.get_metadata(NAMESPACES, node.resource["metadata"]["namespace"])
        except KubeError as error:
            log.warning("whether the namespace is going away can't be told: %s", error.message)
            return False
        return found is None or "deletionTimestamp" in found["metadata"]

    def hung(self) -> list[str]:
        """Names of nodes whose loop has not finished a look for too long."""
        now = self.engine.clock()
        return [
            f"{node.resource['metadata']['namespace']}/{node.resource['metadata']['name']}"
            for node in self.watched.values()
            if now - node.looked > _HUNG_PAUSES * self.engine.pace.resync
        ]

    @asynccontextmanager
    async def _followed(self, node: Watched) -> AsyncIterator[Owned]:
        """What the node owns, followed by watches as long as its daemon runs."""

        def stirred(component: str) -> None:
            ready = not_ready(owned.workloads(component), owned.pods(component)) is None
            if owned.synced and ready is not node.memory.pending(component):  # the answer will be the one that is known
                node.memory.stirred(component, self.engine.clock() + _CALM)
                node.wake_later(_CALM)
            else:
                node.memory.stirred(component)
                node.wake.set()

        def drifted(_component: str) -> None:
            node.wake.set()

        meta = node.resource["metadata"]
        owned = Owned(self.engine.kube, meta["name"], meta["namespace"], stirred, drifted, node.memory.drift)
        jobs = CreationJobs(self.engine.kube, meta["namespace"])
        following = [asyncio.create_task(owned.follow()), asyncio.create_task(jobs.follow())]
        try:
            yield owned
        finally:
            for one in following:
                one.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    def _node(self, resource: Mapping[str, Any]) -> Watched:
        uid = resource["metadata"]["uid"]
        if uid not in self.watched:
            clock = self.engine.clock()
            try:
                status = NodeStatus.model_validate(resource.get("status") or {})
            except ValidationError:  # written by another version: what it knew is found out again
                status = NodeStatus()
            self.watched[uid] = Watched(_wish(resource), remembered(status, clock, self.engine.pace), looked=clock)
        return self.watched[uid]


def _wish(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The resource without its status and its history of fields, which are long: what we wrote is remembered (NodeMemory)."""
    meta = {key: value for key, value in resource["metadata"].items() if key != "managedFields"}
    return {**{key: value for key, value in resource.items() if key != "status"}, "metadata": meta}


async def _settle(node: Watched) -> None:
    """After an edit wait until edits have ended for a moment: ten of them in a second are one piece of work."""
    waited = 0.0
    while node.edited.is_set() and waited < _QUIET_LIMIT:
        node.edited.clear()
        await asyncio.sleep(_QUIET)
        waited += _QUIET

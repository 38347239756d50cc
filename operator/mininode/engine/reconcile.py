"""The loop: look at the node, decide for each component, act where something is to be done, report, and say when to look again.

Level-triggered: nothing here depends on what happened before, only on what is there now. A pass can be cut off anywhere.
"""

import asyncio
import dataclasses
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mininode.api import API_VERSION, KIND, RELEASES, REQUESTED_AT
from mininode.api.spec import DriftCorrection
from mininode.api.status import NodeStatus
from mininode.components.base import Node
from mininode.components.identity import NAME as IDENTITY
from mininode.engine.act import Actor
from mininode.engine.engine import Engine, now
from mininode.engine.expiry import CERTIFICATE_UNSEEN, certificate_said
from mininode.engine.look import View, findings, pause
from mininode.engine.owned import FIELD_MANAGER, Owned
from mininode.engine.realm_said import realm_said
from mininode.engine.record import facts_in, joined
from mininode.engine.report import Circumstances, Finding, invalid_status, node_status
from mininode.engine.room import ROOM_UNSEEN, room_said
from mininode.engine.state import NodeMemory
from mininode.engine.work import Work
from mininode.errors import ConfigError, KubeError
from mininode.kube.client import Objects
from mininode.kube.resources import EUCAIM_NODES, SECRETS
from mininode.planning.decide import IDLE, Row
from mininode.planning.plan import Plan
from mininode.planning.release import newest

# s until the next look when the API server did not let us finish this one: doubles, with jitter. A single clash of versions
# or a cut connection costs a moment; the requests themselves were tried for some seconds before (kube/client.py).
_REFUSED_FIRST, _REFUSED_LAST = 1.0, 15.0

log = logging.getLogger(__name__)


async def _at_once() -> None:
    """No edits to wait for."""


@dataclass(slots=True)
class Pass:
    """One pass over one node: from a resource to the moment where nothing can be done for now."""

    engine: Engine
    memory: NodeMemory
    resource: Callable[[], Mapping[str, Any]]  # the EucaimNode as it is now
    wake: asyncio.Event  # set when the resource, or something that the node owns, changed
    owned: Owned | None = None
    deleting: bool = False
    settle: Callable[[], Awaitable[None]] = field(default=_at_once)  # waits until a burst of edits is over
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    under_way: dict[str, Row] = field(default_factory=dict)  # the decision behind each task
    looked: bool = False  # the last look was finished: the API server told everything and took the status

    async def run(self) -> float:
        """Work until nothing is left to do for now; returns the seconds until the next look.

        Cancelled, it cancels what runs and lets it end. Nothing else is raised: what goes wrong becomes status and log.
        """
        try:
            while True:
                self.wake.clear()
                try:
                    again = await self._step()
                    self.looked, self.memory.refused = True, 0
                except KubeError as error:  # what runs goes on: a Helm at work has its own connection
                    self.looked = False
                    again = await self._refused(error)
                if not self.running:
                    return again
                await self._wait(again)
        finally:
            for task in self.running.values():
                task.cancel()
            await asyncio.gather(*self.running.values(), return_exceptions=True)
            self.running.clear()

    async def _wait(self, seconds: float) -> None:
        """Until an action ended, something changed, or something is due."""
        waker = asyncio.ensure_future(self.wake.wait())
        tasks = set(self.running.values())
        try:
            await asyncio.wait({waker, *tasks}, timeout=max(seconds, 0.1), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waker.cancel()
        self.running = {name: task for name, task in self.running.items() if not task.done()}

    async def _step(self) -> float:
        """Observe, decide, start what is to be done, report."""
        await self.settle()
        resource = self.resource()
        if resource["metadata"].get("deletionTimestamp") and not self.deleting:
            return self.memory.pace.resync  # what runs may end, nothing new is begun: the removal comes next
        self.memory.heard((resource["metadata"].get("annotations") or {}).get(REQUESTED_AT, "")[:63])
        meta = resource["metadata"]
        known = self.memory.releases_known
        secrets, version = await self.engine.kube.list_metadata_since(known, SECRETS, meta["namespace"], labels=RELEASES)
        self.memory.seen(known, version)
        self.engine.metrics.looks.labels(meta["namespace"], meta["name"]).inc()
        self.memory.facts = joined(facts_in(secrets, meta["name"]), self.memory.facts)
        try:
            planned = self._plan(resource)
        except ConfigError as error:
            await self._write(resource, invalid_status(str(error), self.memory.written, self._around(resource)))
            return self.memory.pace.resync
        view = self._view(planned, secrets)
        found = findings(view, self.memory)
        work = Work(
            self.engine,
            Actor(self.engine.kube, self.engine.helm, planned.node, self.owned, self.engine.keeper),
            self.memory,
            view,
            resource,
        )
        for finding in found:
            if finding.row.action not in IDLE and finding.name not in self.running:
                self.under_way[finding.name] = finding.row
                self.running[finding.name] = asyncio.create_task(work.do(finding))
        await self._report(resource, found, planned.node)
        return pause(found, self.memory, view.now)

    def _plan(self, resource: Mapping[str, Any]) -> Plan:
        """The plan; of a node that is going away and whose spec is broken, a harmless one, so that it can still go."""
        meta = resource["metadata"]
        # Tells one spec from any other, and what was seen of the node.
        about = (meta.get("uid"), meta["generation"], self.memory.facts)
        if (known := self.memory.planned) is not None and known[0] == about:
            return known[1]
        try:
            planned = self.engine.plan(resource, self.memory.facts)
        except ConfigError:
            if not self.deleting:
                raise
            return self.engine.plan({**resource, "spec": {"domain": "removed.invalid"}})
        self.memory.planned = (about, planned)
        return planned

    def _view(self, planned: Plan, secrets: Objects) -> View:
        return View(
            plan=planned,
            wanted={} if self.deleting else {release.name: release.digest for release in planned.releases},
            releases=newest(secrets, planned.aliases),
            components=self.engine.components,
            now=self.engine.clock(),
            busy={name: self.under_way[name] for name in self.running},
            suspects=self._suspects(planned),
            removing=self.deleting,
            rotating=frozenset(self.owned.next_values().values()) if self.owned is not None else (),
        )

    def _suspects(self, planned: Plan) -> tuple[str, ...]:
        """Components of which something was changed by hand: seen just now, or left so until corrections were wished for."""
        if self.owned is None:
            return ()
        seen = [name for name, objects in self.owned.suspects.items() if objects]
        if planned.node.spec.drift_correction is DriftCorrection.ENFORCE:
            seen += [name for name, objects in self.memory.drift.items() if objects]
        return tuple(seen)

    def _around(self, resource: Mapping[str, Any], node: Node | None = None) -> Circumstances:
        """What the status depends on besides the components; `node` is None where its spec can't be read."""
        return Circumstances(
            generation=resource["metadata"]["generation"],
            now=(moment := now()),
            kept=self.memory.kept,
            requested=self.memory.requested,
            suspended=node is not None and node.spec.suspend,
            removing=self.deleting,
            certificate=certificate_said(self.memory.facts.certificate_ends, moment, node.spec) if node else CERTIFICATE_UNSEEN,
            room=room_said(self.engine.keeper.space() if self.engine.keeper else None, node) if node else ROOM_UNSEEN,
            realm=realm_said(known.result if (known := self.memory.gates.get(IDENTITY)) else None),
        )

    async def _report(self, resource: Mapping[str, Any], found: tuple[Finding, ...], node: Node) -> None:
        around = dataclasses.replace(
            self._around(resource, node), requested=self.memory.handled(one.name for one in found if one.settled)
        )
        status = node_status(found, self.memory.written, around)
        meta = resource["metadata"]
        for component in status.components:
            self.engine.metrics.ready.labels(meta["namespace"], meta["name"], component.name).set(
                component.ready == "True"
            )
        await self._write(resource, status)

    async def _write(self, resource: Mapping[str, Any], status: NodeStatus) -> None:
        """Write the status if it differs from what the API server has."""
        if status == self.memory.written:
            return
        meta = resource["metadata"]
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
            "status": status.model_dump(mode="json", by_alias=True),
        }
        try:
            await self.engine.kube.apply(
                EUCAIM_NODES, body, meta["namespace"], manager=FIELD_MANAGER, force=True, subresource="status"
            )
        except KubeError as error:
            if not error.not_found:  # deleted between our look and our word: nobody is left to read it
                raise
        self.memory.written = status

    async def _refused(self, error: KubeError) -> float:
        """The API server did not let us look or write: say so where it can be read, and look again soon."""
        log.warning("the Kubernetes API refused: %s", error.message)
        if error.forbidden:
            resource = self.resource()
            try:
                await self._write(
                    resource, invalid_status(str(error), self.memory.written, self._around(resource), "Forbidden")
                )
            except KubeError as second:
                log.warning("nor can the status be written: %s", second.message)
        self.memory.refused += 1
        pause = min(_REFUSED_FIRST * 2.0 ** (self.memory.refused - 1), _REFUSED_LAST)
        return pause * random.uniform(0.75, 1.25)  # noqa: S311 - jitter

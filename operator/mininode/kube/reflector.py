"""A kind's objects in memory, kept up to date by list and watch, as client-go's reflector does it.

A watch that ends is taken up where it ended; one that is too old (410) or that broke starts anew with a list, whose
differences are told like events. Whatever ends a watch soon after it began (a denied right, a proxy that cuts it, 410 again
and again) counts as a failure, so nobody is asked more often than the pauses below allow.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mininode.errors import KubeError
from mininode.kube.client import Kube, Object
from mininode.kube.resources import Resource

_WATCH_SECONDS = 300  # s; then the server ends it, and it is taken up again
_PAUSE_FIRST, _PAUSE_LAST = 2.0, 20.0  # s between attempts after a failure: doubles, with jitter; an outage ends unannounced
_LIVED = 10.0  # s; a watch that ended after less was none
_GONE = 410

log = logging.getLogger(__name__)

# What changed: the object as it was known (None: new) and as it is (None: gone).
Change = Callable[["Reflector", Object | None, Object | None], None]


@dataclass(slots=True)
class Reflector:
    """The objects of one kind with certain labels in one namespace."""

    kube: Kube
    kind: str
    resource: Resource
    namespace: str
    labels: str
    changed: Change
    metadata_only: bool = False
    lean: Callable[[Object], Object] = lambda item: item  # what is kept of an object: a cluster of nodes has many
    objects: dict[str, Object] = field(default_factory=dict)  # by name
    clock: Callable[[], float] = time.monotonic
    synced: asyncio.Event = field(default_factory=asyncio.Event)  # set after the first list

    async def run(self) -> None:
        """Follow until cancelled. A failure is logged and tried again after a pause."""
        failures, since = 0, ""
        while True:
            began = self.clock()
            try:
                since = await self._watch(since or await self._list())
                ended = "the watch ended at once"
            except KubeError as error:
                since = ""
                ended = error.message
                if error.code != _GONE:
                    log.info("%s in %s can't be followed for now: %s", self.resource.plural, self.namespace, ended)
            if self.clock() - began > _LIVED:
                failures = 0
            else:
                failures += 1
                log.debug("%s in %s: %s", self.resource.plural, self.namespace, ended)
                await asyncio.sleep(_pause(failures))

    async def _list(self) -> str:
        items, since = await self.kube.list_for_watch(
            self.resource, self.namespace, labels=self.labels, metadata_only=self.metadata_only
        )
        present = {item["metadata"]["name"]: item for item in items}
        for name in [name for name in self.objects if name not in present]:
            self._gone(name)
        for item in items:
            self._there(item)
        self.synced.set()
        return since

    async def _watch(self, since: str) -> str:
        events = self.kube.watch(
            self.resource,
            self.namespace,
            labels=self.labels,
            since=since,
            metadata_only=self.metadata_only,
            seconds=_WATCH_SECONDS,
        )
        async for kind, item in events:
            since = item["metadata"]["resourceVersion"]
            if kind == "DELETED":
                self._gone(item["metadata"]["name"])
            elif kind != "BOOKMARK":
                self._there(item)
        return since

    def _there(self, item: Object) -> None:
        name = item["metadata"]["name"]
        before = self.objects.get(name)
        if before is not None and before["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]:
            return
        self.objects[name] = kept = self.lean(item)
        self.changed(self, before, kept)

    def _gone(self, name: str) -> None:
        if (before := self.objects.pop(name, None)) is not None:
            self.changed(self, before, None)


def _pause(failures: int) -> float:
    return min(_PAUSE_FIRST * 2.0 ** (failures - 1), _PAUSE_LAST) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter

"""Who may act: a Lease that one process holds, renews, and gives back when it ends.

The client library's own leader election (kubernetes 37, kubernetes.aio.leaderelection) never gives a lease back, dies of a
cut connection and writes local time without a zone; the hand-over that we promise needs all three. As in client-go,
how old a lease is is measured by our own clock from when we saw it change, so clocks that differ do no harm.
"""

import asyncio
import datetime
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mininode.errors import KubeError
from mininode.kube.client import Kube, Object
from mininode.kube.resources import LEASES

DURATION = 15  # s a lease counts after its last renewal: the longest hand-over after a kill is this and one retry
RETRY = 2.0  # s between two looks of one who waits
RENEW = 5.0  # s between renewals: two may fail before the lease runs out
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_CONFLICT, _NOT_FOUND = 409, 404

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lease:
    """One lease and our claim to it; `identity` is different for every process."""

    kube: Kube
    namespace: str
    name: str
    identity: str
    clock: Callable[[], float] = time.monotonic
    _seen: tuple[str, float] = field(default=("", 0.0))  # resourceVersion and when we saw it first
    _ours: Object | None = None  # the lease as we wrote it last, so that a renewal is one request

    async def acquire(self, waits: Callable[[str], None]) -> None:
        """Return when the lease is ours; `waits` is told once who holds it meanwhile."""
        told = ""
        while True:
            holder = await self._claim()
            if holder == self.identity:
                return
            if holder != told:
                told = holder
                waits(holder)
            await asyncio.sleep(RETRY)

    async def keep(self) -> None:
        """Renew for ever; return when the lease was lost, so that the process can end before another starts to act."""
        renewed = self.clock()
        while self.clock() - renewed < DURATION - RETRY:
            await asyncio.sleep(RENEW if self._ours else RETRY)
            asked = self.clock()
            try:
                # An API server that takes the question and never answers must not keep us in office.
                async with asyncio.timeout(DURATION - RETRY - (asked - renewed)):
                    holder = await self._claim()
            except TimeoutError:
                return
            if holder == self.identity:
                renewed = asked  # the lease counts from before the answer came
            elif holder:
                return

    async def release(self) -> None:
        """Give it back, if it is ours, so that the next one need not wait."""
        try:
            lease = await self.kube.get(LEASES, self.name, self.namespace)
            if lease is not None and lease["spec"].get("holderIdentity") == self.identity:
                await self.kube.replace(LEASES, self._written(lease, holder="", seconds=1), self.namespace)
        except KubeError as error:  # it runs out by itself
            log.info("the lease can't be given back: %s", error.message)

    async def holder(self) -> str:
        """Who holds it and lives; empty for nobody. Takes up to a lease's duration: only a renewal is a sign of life."""
        first = await self.kube.get(LEASES, self.name, self.namespace)
        if first is None or not first["spec"].get("holderIdentity"):
            return ""
        deadline = self.clock() + float(first["spec"].get("leaseDurationSeconds") or DURATION)
        while self.clock() < deadline:
            await asyncio.sleep(RETRY / 2)
            lease = await self.kube.get(LEASES, self.name, self.namespace)
            if lease is None:
                return ""
            if lease["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]:
                return str(lease["spec"].get("holderIdentity") or "")
        return ""

    async def _claim(self) -> str:
        """Take or renew the lease if that is allowed; who holds it afterwards, empty when that is not known."""
        try:
            lease = self._ours or await self.kube.get(LEASES, self.name, self.namespace)
            self._ours = None
            if lease is None:
                fresh: Object = {"metadata": {"name": self.name, "namespace": self.namespace}, "spec": {}}
                self._ours = await self.kube.create(
                    LEASES, self._written(fresh, holder=self.identity, seconds=DURATION), self.namespace
                )
                return self.identity if self._ours is not None else ""
            holder = str(lease["spec"].get("holderIdentity") or "")
            if holder not in ("", self.identity) and not self._over(lease):
                return holder
            self._ours = await self.kube.replace(
                LEASES, self._written(lease, holder=self.identity, seconds=DURATION), self.namespace
            )
        except KubeError as error:
            if error.code not in (_CONFLICT, _NOT_FOUND):  # a conflict: another was quicker
                log.info("the lease can't be looked at for now: %s", error.message)
            return ""
        return self.identity

    def _over(self, lease: Object) -> bool:
        version, now = lease["metadata"]["resourceVersion"], self.clock()
        if version != self._seen[0]:
            self._seen = (version, now)
        return now - self._seen[1] > float(lease["spec"].get("leaseDurationSeconds") or DURATION)

    def _written(self, lease: Object, *, holder: str, seconds: int) -> Object:
        now = datetime.datetime.now(datetime.UTC).strftime(_FORMAT)
        before = lease["spec"]
        taken = before.get("acquireTime") if before.get("holderIdentity") == holder else now
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "acquireTime": taken or now,
            "renewTime": now,
        }
        return {"apiVersion": LEASES.api_version, "kind": "Lease", "metadata": lease["metadata"], "spec": spec}

"""Changing a credential everywhere it is held, in an order in which nobody at work ever has a value that is refused.

The wish and its value are one Secret beside the credential, made by `mininode credentials rotate` or `import`: NAME.next. The
steps below look before they do, so a change that is cut off anywhere goes on from there:

1. the workloads that read it are stopped, when somebody else compares it (engine/checkers.py): they are made to run once at a
   time, so a start anew is a pause anyway, and begins here;
2. who compares it learns the new value;
3. the credential's Secret gets it, and what is computed from it is computed anew;
4. the workloads are started, and seen to be ready; then NAME.next goes.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from mininode.api import GROUP, NODE_LABEL, STOPPED_ANNOTATION
from mininode.components.base import Checked, Component, Credential, Node
from mininode.components.identity import NAME as IDENTITY
from mininode.credentials.store import new_secret, next_name
from mininode.engine.checkers import Checkers, Values
from mininode.engine.credentials import values
from mininode.engine.health import not_ready
from mininode.errors import MininodeError
from mininode.kube.client import Kube, Object
from mininode.kube.resources import DEPLOYMENTS, PODS, SECRETS

_READY_SECONDS, _GONE_SECONDS, _LOOK_SECONDS = 300.0, 120.0, 1.0
_TRIES = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rotation:
    """One credential's change."""

    kube: Kube
    node: Node
    component: Component
    credential: Credential
    render: Callable[[Component], Awaitable[None]]  # computes the rendered Secrets of a component anew
    checkers: Checkers
    simulated: Collection[str]  # components with simulated pods: they check nothing
    # Held while Keycloak and the Secret may differ: a pass over the realm would give Keycloak the Secret's value back.
    realm_alone: asyncio.Lock
    clock: Callable[[], float] = time.monotonic

    async def run(self) -> None:
        """All steps. Raises KubeError, MininodeError with what stands in the way; then it is begun anew later."""
        found = await self.kube.get(SECRETS, next_name(self.credential.name), self.node.namespace)
        if found is None:
            return
        old = await values(self.kube, self.node, self.credential.name)
        new = {**self.credential.fixed, **old, **await values(self.kube, self.node, next_name(self.credential.name))}
        checker = "postgresql" if self.credential.checked is Checked.DATABASE else IDENTITY
        async with self.realm_alone:
            if checker not in self.simulated and not await self.checkers.take(self.credential, new):
                await self._stopped()
                await self.checkers.teach(self.credential, new)
            await self._stored(new, old)
        await self._rendered()
        for name in await self._started(found["metadata"]["uid"]):
            log.info("%s is started again", name, extra={"node": self.node.name, "component": self.component.name})
        await self.kube.delete(SECRETS, next_name(self.credential.name), self.node.namespace)

    async def _stopped(self) -> None:
        """Step 1: no pod is left that has the old value."""
        for one in await self._readers():
            if STOPPED_ANNOTATION not in (one["metadata"].get("annotations") or {}):
                annotations = {STOPPED_ANNOTATION: str(one["spec"].get("replicas", 1))}
                await self._patch(one, {"metadata": {"annotations": annotations}, "spec": {"replicas": 0}})
        deadline = self.clock() + _GONE_SECONDS
        while left := await self._pods_of_readers():
            if self.clock() > deadline:
                text = f"before the change of {self.credential.name}: pod {left[0]} does not stop"
                raise MininodeError(text, reason="NotStopped")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _stored(self, new: Values, old: Values) -> None:
        """Step 3. One that may not be changed is made anew; whoever makes it meanwhile makes it with the next value."""
        if old == new:
            return
        body = new_secret(self.node, self.component.name, self.credential, new)
        if not self.credential.mounted:
            for _ in range(_TRIES):
                await self.kube.delete(SECRETS, self.credential.name, self.node.namespace)
                if await self.kube.create(SECRETS, body, self.node.namespace) is not None:
                    return
            # Somebody else made it in between, for example from the copy beside the data, which has the old value.
            raise MininodeError(f"{self.credential.name} comes back while it is being changed", reason="Refused")
        await self.kube.merge(SECRETS, self.credential.name, {"data": body["data"]}, self.node.namespace)

    async def _rendered(self) -> None:
        for component in self.node.on:
            if any(ref.name == self.credential.name for one in component.rendered for ref in one.inputs):
                await self.render(component)

    async def _started(self, change: str) -> list[str]:
        """Step 4; returns the names of the workloads."""
        if self.credential.checked is Checked.FIRST_START:
            return []
        mark = f"{GROUP}/credential-{self.credential.name}"[:63]
        touched = await self._readers()
        for one in touched:
            stopped = (one["metadata"].get("annotations") or {}).get(STOPPED_ANNOTATION)
            marks = one["spec"]["template"]["metadata"].get("annotations") or {}
            patch: Object = {}
            if marks.get(mark) != change:
                patch["spec"] = {"template": {"metadata": {"annotations": {mark: change}}}}
            if stopped is not None:
                patch["metadata"] = {"annotations": {STOPPED_ANNOTATION: None}}
                patch.setdefault("spec", {})["replicas"] = int(stopped)
            if patch:
                await self._patch(one, patch)
        found = [one["metadata"]["name"] for one in touched]
        await self._ready(found)
        return found

    async def _patch(self, workload: Object, patch: Object) -> None:
        await self.kube.merge(DEPLOYMENTS, workload["metadata"]["name"], patch, self.node.namespace)

    async def _readers(self) -> list[Object]:
        """The workloads whose pods read the credential, or what is computed from it."""
        rendered = (one for component in self.node.on for one in component.rendered)
        names = {one.name for one in rendered if any(ref.name == self.credential.name for ref in one.inputs)}
        return [one for one in await self._workloads() if reads(one, {self.credential.name, *names})]

    async def _pods_of_readers(self) -> list[str]:
        """Names of those pods that are there yet, those that are ending among them."""
        selectors = [one["spec"]["selector"]["matchLabels"].items() for one in await self._readers()]
        pods = await self._pods()
        return [pod["metadata"]["name"] for pod in pods if any(one <= pod["metadata"]["labels"].items() for one in selectors)]

    async def _pods(self) -> list[Object]:
        return await self.kube.list(PODS, self.node.namespace, labels=f"{NODE_LABEL}={self.node.name}")

    async def _workloads(self) -> list[Object]:
        return await self.kube.list(DEPLOYMENTS, self.node.namespace, labels=f"{NODE_LABEL}={self.node.name}")

    async def _ready(self, names: Collection[str]) -> None:
        deadline = self.clock() + _READY_SECONDS
        while True:
            now = [{**one, "kind": "Deployment"} for one in await self._workloads() if one["metadata"]["name"] in names]
            if (problem := not_ready(now, await self._pods())) is None:
                return
            if self.clock() > deadline:
                raise MininodeError(f"after the change of {self.credential.name}: {problem}", reason="NotReady")
            await asyncio.sleep(_LOOK_SECONDS)


def reads(workload: Object, names: Collection[str]) -> bool:
    """Whether a workload's pods name one of the Secrets, in a variable or a volume."""
    return any(one in names for one in _secrets(workload["spec"]["template"]["spec"]))


def _secrets(thing: Any) -> Iterable[str]:
    if isinstance(thing, list):
        for one in thing:
            yield from _secrets(one)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            if key in {"secretKeyRef", "secretRef"} and isinstance(value, dict):
                yield str(value.get("name", ""))
            elif key == "secret" and isinstance(value, dict):
                yield str(value.get("secretName") or value.get("name", ""))
            else:
                yield from _secrets(value)


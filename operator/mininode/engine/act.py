"""Carrying out one decision for one component. Every action can be killed anywhere and be done again."""

import asyncio
import base64
import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mininode.api import COMPONENT_LABEL, INPUTS_LABEL, NO_RELEASES, NODE_LABEL, PROVEN_LABEL
from mininode.awaiting import together
from mininode.components.base import PODS_NOT_READY, Component, GateResult, GateState, Node, ProbeFailed, RenderedSecret, pending
from mininode.components.postgresql import PORT, SUPERUSER
from mininode.credentials.contract import all_credentials
from mininode.credentials.store import next_name, rendered_secret
from mininode.engine.checkers import Checkers
from mininode.engine.credentials import made, values
from mininode.engine.drift import Drift, correct
from mininode.engine.health import not_ready
from mininode.engine.keep import Keeper
from mininode.engine.leftover import remove_leftovers, remove_made
from mininode.engine.owned import FIELD_MANAGER, Owned
from mininode.engine.probes import LiveProbes, Realm
from mininode.engine.record import remove_record, write_record
from mininode.engine.rotate import Rotation
from mininode.engine.stored import manifest
from mininode.engine.tend import door
from mininode.engine.upkeep import LiveUpkeep
from mininode.errors import MininodeError
from mininode.helm.client import Helm
from mininode.kube.client import Kube, Object
from mininode.kube.resources import CLAIMS, DEPLOYMENTS, JOBS, NODES, PODS, SECRETS, STATEFUL_SETS
from mininode.planning.plan import PlannedRelease, release_labels
from mininode.planning.release import Release, secret_name

KWOK_ANNOTATION = "kwok.x-k8s.io/node"  # on every machine that KWOK simulates (kwok.sigs.k8s.io, node management)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Actor:
    """What carries out decisions for one node."""

    kube: Kube
    helm: Helm
    node: Node
    owned: Owned | None = None  # None where nothing is followed: a removal from the command line
    keeper: Keeper | None = None  # None where no folder of the machine holds a copy of the credentials

    async def apply(self, planned: PlannedRelease, chart: Path | None, generation: int, before: Release | None) -> int:
        """Make the credentials that are missing, then install or upgrade; returns the release's revision.

        Without a chart what is wanted is only written down: the gate does the work, as often as it takes.
        """
        await self.credentials(planned.component)
        if chart is None:
            revision = before.revision + 1 if before else 1
            return await write_record(self.kube, self.node, planned.name, planned.digest, revision)
        labels = {**release_labels(self.node, planned.name), INPUTS_LABEL: planned.digest}
        return await self.helm.apply(
            planned.name,
            chart,
            planned.values,
            namespace=self.node.namespace,
            labels=labels,
            description=f"{self.node.name}, generation {generation}",
        )

    async def prove(self, release: Release) -> str:
        """Write on Helm's Secret that this revision's gate held, so that a later failure knows what to go back to.

        Returns the resource version that shows it, empty when there is none. Raises KubeError.
        """
        labels = {PROVEN_LABEL: str(release.revision)}
        return await self.kube.label(SECRETS, secret_name(release.name, release.revision), labels, self.node.namespace)

    async def rollback(self, release: Release) -> None:
        """Put back the last revision of other inputs whose gate held once."""
        await self.helm.rollback(release.name, release.fallback, namespace=self.node.namespace)

    async def uninstall(self, name: str, *, chart: bool = True) -> None:
        """Remove a release; its credentials and volumes stay. What a component without a chart made stays as well."""
        if not chart:
            await remove_record(self.kube, self.node, name)
            return
        with self.helm.only_one(self.node.namespace, name):
            await remove_made(self.kube, name, self.node.namespace)
        await self.helm.uninstall(name, namespace=self.node.namespace)

    async def unlock(self, release: Release) -> None:
        """Take away the revision that an interrupted Helm left pending, unless that Helm still is at work on this machine.

        What it had applied already carries Helm's ownership marks, so the next install or upgrade takes it over. Measured with
        Helm 4.1: after a SIGKILL only that one Secret is in the way. Raises HelmError (retry soon) while Helm is at work.
        """
        with self.helm.only_one(self.node.namespace, release.name):
            await self.kube.delete(SECRETS, secret_name(release.name, release.revision), self.node.namespace)

    async def correct(
        self, release: Release, suspects: Collection[tuple[str, str]] | None, *, enforce: bool
    ) -> tuple[Drift, ...]:
        """Put right (or only find) what was changed by hand; None looks at every object of the release, and for leftovers."""
        items = await manifest(self.kube, release.name, release.revision, self.node.namespace)
        found = await correct(self.kube, items, self.node.namespace, suspects=suspects, enforce=enforce)
        if suspects is None and self.owned is not None:
            found += await remove_leftovers(self.kube, self.owned, release.name, items, enforce=enforce)
        return found

    async def tidy(self, release: str, revision: int) -> tuple[Drift, ...]:
        """Remove what Helm left behind when it made this revision. Raises KubeError."""
        if self.owned is None:
            return ()
        items = await manifest(self.kube, release, revision, self.node.namespace)
        return await remove_leftovers(self.kube, self.owned, release, items, enforce=True)

    async def probe(self, component: Component, before: GateState, realm: Realm | None = None) -> GateResult:
        """Whether the component's workloads are as they should be and its gate holds; `before` is what was known.

        What the watches saw is enough to stay with an answer: with a no, and with a yes that is asked again. A watch may lag
        behind, so that the answer is another one now is confirmed by a fresh look. Where the pods are simulated there is
        nobody to ask. `realm` answers a gate that asks for the realm.
        """
        name, pods = component.name, None
        if self.owned is not None and self.owned.synced:
            pods = self.owned.pods(name)
            problem = not_ready(self.owned.workloads(name), pods)
            if (problem is None) is (before is GateState.PENDING):
                pods = None
            elif problem is not None:
                return pending(problem, PODS_NOT_READY)
        if pods is None:
            workloads, pods = await self._fresh(name)
            if (problem := not_ready(workloads, pods)) is not None:
                return pending(problem, PODS_NOT_READY)
        seen = (await self._upkept(component, make=True)).facts
        if await self._simulated(pods):
            return GateResult(GateState.SIMULATED, "installed; its pods are simulated, so its gate could not be asked", seen)
        try:
            found = await component.gate(self.node, LiveProbes(self.kube, self.node.namespace, realm, self.node.spec.domain))
        except ProbeFailed as failure:
            found = pending(str(failure))
        return replace(found, facts={**seen, **found.facts})

    async def _fresh(self, component: str) -> tuple[list[Object], list[Object]]:
        """The component's workloads and pods as the API server has them now."""
        labels = f"{NODE_LABEL}={self.node.name},{COMPONENT_LABEL}={component}"
        kinds = (("Deployment", DEPLOYMENTS), ("StatefulSet", STATEFUL_SETS), ("Job", JOBS), ("Pod", PODS))
        # Side by side: dependants wait for this answer. Lists leave out each item's kind.
        *lists, pods = await together(
            *(self.kube.list(resource, self.node.namespace, labels=labels) for _, resource in kinds)
        )
        return [{**item, "kind": kind} for (kind, _), items in zip(kinds, lists, strict=False) for item in items], pods

    async def credentials(self, component: Component, *, make: bool = True) -> tuple[Drift, ...]:
        """Make the component's Secrets that are missing, and those that are computed from others as they should be.

        Returns what was not as it should be; with `make` off it only tells. A value that is there is never overwritten:
        somebody may have changed a password on purpose. Raises KubeError, MininodeError.
        """
        found: list[Drift] = []
        if make and self.keeper is not None:
            await self.keeper.put_back(self.node)
        there = await together(  # side by side: a release waits for its credentials
            *(self.kube.get_metadata(SECRETS, one.name, self.node.namespace) for one in component.credentials)
        )
        missing = [one for one, known in zip(component.credentials, there, strict=True) if known is None]
        if make:
            await together(*(made(self.kube, self.node, component.name, one) for one in missing))
        found += [Drift("Secret", one.name, "deleted", make) for one in missing]
        for secret in component.rendered:
            found += await self._render(component, secret, make=make)
        found += await self.upkeep(component, make=make)
        if make and self.keeper is not None:
            await self.keeper.keep(self.node, (secret.name for one in self.node.on for secret in one.rendered))
        return tuple(found)

    async def upkeep(self, component: Component, *, make: bool = True) -> tuple[Drift, ...]:
        """What the component keeps by itself, such as a certificate, made as it should be. Raises KubeError, MininodeError."""
        return tuple((await self._upkept(component, make=make)).drifts)

    async def _upkept(self, component: Component, *, make: bool) -> LiveUpkeep:
        upkeep = LiveUpkeep(self.kube, self.node, component.name, make)
        if component.upkeep is not None:
            await component.upkeep(self.node, upkeep)
        return upkeep

    async def rotate(self, component: Component, name: str, simulated: Collection[str], realm_alone: asyncio.Lock) -> None:
        """Change a credential everywhere it is held, to its next value; `realm_alone` keeps passes over the realm out.

        Raises KubeError, MininodeError.
        """
        known = {one.name: one for one in all_credentials(self.node, component)}
        if name not in known:
            raise MininodeError(
                f"{name} is no credential of {component.name}", f"Delete the Secret {next_name(name)}", reason="NoSuchCredential"
            )

        async def render(one: Component) -> None:
            for secret in one.rendered:
                await self._render(one, secret, make=True)

        checkers = Checkers(
            (self.node.service("postgresql"), PORT),
            partial(values, self.kube, self.node, SUPERUSER),
            partial(door, self.kube, self.node),
        )
        await Rotation(self.kube, self.node, component, known[name], render, checkers, simulated, realm_alone).run()
        if self.keeper is not None:
            await self.keeper.keep(self.node, (secret.name for one in self.node.on for secret in one.rendered))

    async def _render(self, component: Component, secret: RenderedSecret, *, make: bool) -> tuple[Drift, ...]:
        probes = LiveProbes(self.kube, self.node.namespace)
        try:
            inputs = tuple([await probes.secret(one.name, one.key) for one in secret.inputs])
        except ProbeFailed as error:
            raise MininodeError(str(error), f"Secret {secret.name} is made from it.", reason="CredentialMissing") from error
        text = secret.render(self.node, inputs)
        present = await self.kube.get(SECRETS, secret.name, self.node.namespace)
        encoded = base64.b64encode(text.encode()).decode()
        if present is not None and (present.get("data") or {}).get(secret.key) == encoded:
            return ()
        if make:
            body = rendered_secret(self.node, component.name, secret.name, {secret.key: text})
            await self.kube.apply(SECRETS, body, self.node.namespace, manager=FIELD_MANAGER, force=True)
        return (Drift("Secret", secret.name, "deleted" if present is None else "changed", make),)

    async def _simulated(self, pods: list[Object]) -> bool:
        """Whether any of the pods lives on a machine that KWOK simulates."""
        for machine in {pod["spec"].get("nodeName") for pod in pods} - {None}:
            found = await self.kube.get_metadata(NODES, str(machine))
            if found is not None and KWOK_ANNOTATION in (found["metadata"].get("annotations") or {}):
                return True
        return False


async def kept(kube: Kube, node: str, namespace: str, component: str = "") -> tuple[str, ...]:
    """What stays when a component's release (or, without a name, every release) is gone: `component: Kind name`, sorted."""
    labels = f"{NODE_LABEL}={node}" + (f",{COMPONENT_LABEL}={component}" if component else f",{COMPONENT_LABEL}")
    secrets = await kube.list_metadata(SECRETS, namespace, labels=f"{labels},{NO_RELEASES}")
    claims = await kube.list_metadata(CLAIMS, namespace, labels=labels)
    found = [("Secret", one) for one in secrets] + [("PersistentVolumeClaim", one) for one in claims]
    return tuple(sorted(f"{one['metadata']['labels'][COMPONENT_LABEL]}: {kind} {one['metadata']['name']}" for kind, one in found))

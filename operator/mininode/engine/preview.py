"""What the next pass over a node would do, without doing it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

from mininode.api import RELEASES
from mininode.api.spec import DriftCorrection
from mininode.api.status import NodeStatus
from mininode.components.base import GateState, Node
from mininode.engine.engine import Engine
from mininode.engine.look import View, findings
from mininode.engine.record import facts_in
from mininode.engine.report import Finding
from mininode.engine.state import remembered
from mininode.engine.stored import values
from mininode.engine.tend import looked_at
from mininode.keycloak.errors import KeycloakError
from mininode.kube.resources import SECRETS
from mininode.planning.decide import IDLE, Action
from mininode.planning.release import newest

_ABSENT = object()
# The address of the node's Keycloak as long as one is inside; empty where its own will do.
Way = Callable[[Node], AbstractAsyncContextManager[str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that would differ; None where there is none on that side."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One release: what would be done, why, and which of its values would differ."""

    component: str
    action: Action
    because: str
    differences: tuple[Difference, ...] = ()
    realm: tuple[str, ...] = ()  # what differs in the realm, in sentences

    @property
    def nothing(self) -> bool:
        """Whether the release stays as it is."""
        return self.action in IDLE or self.action is Action.PROBE


async def preview(engine: Engine, resource: Mapping[str, Any], way: Way) -> tuple[Change, ...]:
    """The changes that the operator would make for this resource. Reads only; `way` leads to the node's own Keycloak.

    Raises ConfigError, KubeError.
    """
    namespace = resource["metadata"]["namespace"]
    engine.plan(resource)  # a mistake of the spec is told without any cluster
    secrets = await engine.kube.list_metadata(SECRETS, namespace, labels=RELEASES)
    planned = engine.plan(resource, facts_in(secrets, resource["metadata"]["name"]))
    releases = newest(secrets, planned.aliases)
    view = View(planned, {one.name: one.digest for one in planned.releases}, releases, engine.components, engine.clock())
    memory = remembered(NodeStatus.model_validate(resource.get("status") or {}), engine.clock(), engine.pace)
    changes = []
    for finding in findings(view, memory):
        release, wanted = finding.release, planned.release(finding.name)
        differences: tuple[Difference, ...] = ()
        if release is not None and wanted is not None and release.digest != wanted.digest and wanted.component.chart:
            before = await values(engine.kube, release.name, release.revision, namespace)
            differences = tuple(_differences(before, wanted.values))
        change = Change(finding.name, *_what(finding), differences)
        # Before the first install there is no realm yet, unless it is the site's.
        there = release is not None or planned.node.spec.identity.external is not None
        if wanted is not None and not wanted.component.chart and there and finding.gate is not GateState.SIMULATED:
            change = await _realm(engine, planned.node, change, way)
        changes.append(change)
    return tuple(changes)


async def _realm(engine: Engine, node: Node, change: Change, way: Way) -> Change:
    """With what differs in the realm; where it can't be looked at, with the reason."""
    try:
        async with way(node) as base:
            found = await looked_at(engine.kube, node, base)
    except KeycloakError as error:
        return replace(change, realm=(f"the realm can't be looked at: {error.message}",))
    if found and change.nothing and node.spec.drift_correction is DriftCorrection.ENFORCE:
        return replace(change, action=Action.CORRECT_DRIFT, because="its realm is not as declared", realm=found)
    return replace(change, realm=found)


def _what(finding: Finding) -> tuple[Action, str]:
    """What would be done and why; for one that has to wait: what it waits to have done."""
    if not finding.waits_for:
        return finding.row.action, finding.row.because
    after = f"after {', '.join(finding.waits_for)}"
    if finding.release is None:
        return Action.INSTALL, f"there is no release; {after}"
    return Action.UPGRADE, f"its inputs changed; {after}"


def _differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _differences(
                before.get(key, _ABSENT), after.get(key, _ABSENT), f"{path}.{key}" if path else str(key)
            )
    elif before != after:
        yield Difference(path, None if before is _ABSENT else before, None if after is _ABSENT else after)

"""What the next pass over a node would do, without doing it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mininode.api import RELEASES
from mininode.api.status import NodeStatus
from mininode.engine.engine import Engine
from mininode.engine.look import View, findings
from mininode.engine.record import facts_in
from mininode.engine.report import Finding
from mininode.engine.state import remembered
from mininode.kube.resources import SECRETS
from mininode.planning.decide import IDLE, Action
from mininode.planning.release import newest

_ABSENT = object()


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

    @property
    def nothing(self) -> bool:
        """Whether the release stays as it is."""
        return self.action in IDLE or self.action is Action.PROBE


async def preview(engine: Engine, resource: Mapping[str, Any]) -> tuple[Change, ...]:
    """The changes that the operator would make for this resource. Reads only. Raises ConfigError, KubeError, HelmError."""
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
            differences = tuple(
                _differences(await engine.helm.values(finding.name, namespace=namespace), wanted.values)
            )
        changes.append(Change(finding.name, *_what(finding), differences))
    return tuple(changes)


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

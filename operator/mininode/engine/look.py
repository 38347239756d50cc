"""From what is there to a decision for each component: pure, so that any look can be repeated on paper."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mininode.api.spec import DriftCorrection
from mininode.components.base import Component, GateState
from mininode.engine.report import Finding
from mininode.engine.state import NodeMemory
from mininode.planning.decide import Case, Row, decide
from mininode.planning.graph import dependants
from mininode.planning.plan import Plan
from mininode.planning.release import Release, ReleaseStatus

REMOVAL = "removal"  # stands for the digest where the wish is that nothing is there


@dataclass(frozen=True, slots=True)
class View:
    """All that one look saw."""

    plan: Plan
    wanted: Mapping[str, str]  # digest by component that is to be there
    releases: Mapping[str, Release]
    components: Mapping[str, Component]
    now: float
    busy: Mapping[str, Row] = field(default_factory=dict)  # what is under way, and why
    suspects: Collection[str] = ()  # components of which objects were changed by hand
    removing: bool = False
    rotating: Collection[str] = ()  # components of which a credential has a next value


def findings(view: View, memory: NodeMemory) -> tuple[Finding, ...]:
    """A finding for every component that is wanted or still has a release of this node, dependencies first."""
    node = view.plan.node
    leaving = sorted(name for name, one in view.releases.items() if one.node == node.name and name not in view.wanted)
    names = [*(release.name for release in view.plan.releases if release.name in view.wanted), *leaving]
    return tuple(_finding(name, view, memory) for name in names)


def _finding(name: str, view: View, memory: NodeMemory) -> Finding:
    wanted = view.wanted.get(name)
    release = view.releases.get(name)
    component = view.components.get(name)
    spec = view.plan.node.spec
    planned = view.plan.release(name)
    requires = planned.requires if planned and wanted is not None else ()
    failure = memory.failure(name, wanted or REMOVAL)
    failed = failure if failure is not None and not failure.on_trial else None  # what the next step depends on
    gate = memory.gate(name, release)
    waits_for = tuple(other for other in requires if not _settled(other, view, memory))
    if component and wanted is not None:
        waits_for += _unseen(component, requires, view, memory)
    case = Case(
        node=view.plan.node.name,
        wanted=wanted,
        release=release,
        gate=gate,
        requires_hold=not waits_for,
        dependants_remain=_dependants_remain(name, view),
        failures=failed.count if failed else 0,
        exhausted=failed is not None and failed.count >= memory.pace.retry_limit and wanted is not None,
        retry_due=failed is None or failed.due <= view.now,
        probe_due=memory.gate_due(name, release) <= view.now,
        drifted=name in view.suspects and spec.drift_correction is not DriftCorrection.OFF,
        rotating=name in view.rotating and memory.rotation_due.get(name, 0.0) <= view.now,
        suspended=spec.suspend and not view.removing,
    )
    row = view.busy.get(name) or decide(case)
    return Finding(
        name=name,
        row=row,
        release=release,
        wanted=wanted or "",
        gate=gate,
        evidence=failed.message if failed else memory.evidence(name, release),
        waits_for=waits_for if row.reason == "Dependency" else (),
        failures=failure.count if failure else 0,
        attempts=memory.attempts.get(name, ()),
        drift="; ".join(memory.drift.get(name, {}).values()) if spec.drift_correction is not DriftCorrection.OFF else "",
    )


def _settled(name: str, view: View, memory: NodeMemory) -> bool:
    """Whether dependants of this component may start: the wanted inputs are deployed and the gate held, or was simulated."""
    release = view.releases.get(name)
    return (
        release is not None
        and release.status is ReleaseStatus.DEPLOYED
        and release.digest == view.wanted.get(name)
        and memory.gate(name, release) is not GateState.PENDING
    )


def _unseen(component: Component, requires: Collection[str], view: View, memory: NodeMemory) -> tuple[str, ...]:
    """Facts that the component needs and nobody saw yet; where pods are simulated nobody can see them."""
    if any(memory.gate(other, view.releases.get(other)) is GateState.SIMULATED for other in requires):
        return ()
    facts = view.plan.node.facts
    return tuple(f"the {name.replace('_', ' ')}" for name in component.needs if not getattr(facts, name))


def _dependants_remain(name: str, view: View) -> bool:
    edges = {other: component.requires for other, component in view.components.items()}
    return any(
        other in view.releases and view.releases[other].node == view.plan.node.name for other in dependants(name, edges)
    )


def pause(found: Collection[Finding], memory: NodeMemory, now: float) -> float:
    """Seconds until something is due: a retry, a gate to ask again, or the next regular look.

    What was due already and led to no action is held up by something else, whose end wakes us.
    """
    due = [now + memory.pace.resync]
    for finding in found:
        if finding.failures and (failure := memory.failures.get(finding.name)):
            due.append(failure.due)
        if known := memory.gates.get(finding.name):
            due.append(known.due)
        due.append(memory.rotation_due.get(finding.name, 0.0))
    return min(one for one in due if one > now) - now

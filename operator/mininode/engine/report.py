"""From what was decided to the status that people and programs read. Pure."""

from dataclasses import dataclass

from mininode import __version__
from mininode.api.conditions import CERTIFICATE, READY, REALM, RECONCILING, REHEARSED, ROOM, STALLED, updated
from mininode.api.scrub import scrubbed
from mininode.api.status import Attempt, ComponentStatus, Condition, Gate, NodeStatus, Truth
from mininode.components.base import GateState
from mininode.engine.expiry import CERTIFICATE_UNSEEN, Said
from mininode.engine.realm_said import REALM_UNSEEN
from mininode.engine.room import ROOM_UNSEEN
from mininode.planning.decide import Action, Row
from mininode.planning.release import Release

_STUCK = frozenset({"RetriesExceeded", "RolledBack", "OwnedByOther"})
_MESSAGE_LIMIT = 1024  # characters of one component's message
_NODE_MESSAGE_LIMIT = 2048


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found and decided for one component that is wanted, or still there."""

    name: str
    row: Row
    release: Release | None
    wanted: str  # digest that the spec asks for; empty for one that goes
    gate: GateState
    evidence: str  # of the gate, or of the failure, in a sentence
    waits_for: tuple[str, ...] = ()
    failures: int = 0
    attempts: tuple[Attempt, ...] = ()
    drift: str = ""  # what was changed by hand and is left so

    @property
    def settled(self) -> bool:
        """Nothing is to be done: the wanted inputs are deployed and the gate held, or was simulated."""
        return (
            self.release is not None
            and self.release.digest == self.wanted
            and self.row.reason in ("GateHeld", "Simulated")
            and self.gate is not GateState.PENDING
        )

    @property
    def stuck(self) -> bool:
        """It does not go on without a human."""
        return self.row.reason in _STUCK and self.row.action is not Action.ROLLBACK


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a node's status depends on besides its components."""

    generation: int
    now: str  # RFC 3339
    kept: tuple[str, ...] = ()
    requested: str = ""
    suspended: bool = False
    removing: bool = False
    certificate: Said = CERTIFICATE_UNSEEN
    realm: Said = REALM_UNSEEN
    room: Said = ROOM_UNSEEN


def component_status(finding: Finding, generation: int) -> ComponentStatus:
    """One component's entry, without its transition time."""
    release = finding.release
    return ComponentStatus(
        name=finding.name,
        ready=_ready(finding),
        reason=finding.row.reason,
        message=scrubbed(_message(finding))[:_MESSAGE_LIMIT],
        observed_generation=generation,
        release=release.name if release else "",
        revision=release.revision if release else 0,
        digest=release.digest if release else "",
        wanted=finding.wanted,
        gate=Gate(finding.gate.value),
        attempts=finding.attempts,
        failures=finding.failures,
    )


def _ready(finding: Finding) -> Truth:
    if finding.settled:
        return Truth.TRUE if finding.gate is GateState.HELD else Truth.UNKNOWN
    return Truth.FALSE if finding.stuck or finding.failures else Truth.UNKNOWN


def _message(finding: Finding) -> str:
    if finding.settled:
        return f"{finding.evidence}; {finding.drift}" if finding.drift else finding.evidence
    if finding.waits_for:
        return f"waits for {', '.join(finding.waits_for)}"
    if finding.failures and finding.evidence:
        return f"{finding.row.because}: {finding.evidence}"
    if finding.row.reason == "GatePending" and finding.evidence:
        return finding.evidence
    return finding.row.because


def node_status(findings: tuple[Finding, ...], previous: NodeStatus, around: Circumstances) -> NodeStatus:
    """The node's status from its components' findings; times move only where a status moved."""
    components = tuple(component_status(finding, around.generation) for finding in findings)
    before = {component.name: component for component in previous.components}
    dated = tuple(
        component.model_copy(
            update={
                "last_transition_time": old.last_transition_time
                if (old := before.get(component.name)) is not None and old.ready == component.ready
                else around.now
            }
        )
        for component in components
    )
    return NodeStatus(
        observed_generation=around.generation,
        conditions=updated(previous.conditions, _conditions(findings, components, around), around.now),
        components=dated,
        components_summary=f"{sum(finding.settled for finding in findings)}/{len(components)}",
        version=__version__,
        last_handled_reconcile_at=around.requested,
        kept=around.kept,
    )


def invalid_status(
    message: str, previous: NodeStatus, around: Circumstances, reason: str = "InvalidSpec"
) -> NodeStatus:
    """The status of a node whose spec can't be made true, or whose cluster does not let us look: nothing is touched."""
    wanted = (
        (READY, Truth.FALSE, reason, message),
        (RECONCILING, Truth.FALSE, reason, "Nothing is done until this is put right."),
        (STALLED, Truth.TRUE, reason, message),
        (REHEARSED, Truth.FALSE, reason, "What is installed is not what this spec asks for."),
        (CERTIFICATE, *_as_it_was(previous, CERTIFICATE, CERTIFICATE_UNSEEN)),
        (REALM, *_as_it_was(previous, REALM, REALM_UNSEEN)),
        (ROOM, *_as_it_was(previous, ROOM, ROOM_UNSEEN)),
    )
    conditions = [_condition(*one, around.generation) for one in wanted]
    return previous.model_copy(
        update={
            "observed_generation": around.generation,
            "conditions": updated(previous.conditions, conditions, around.now),
            "last_handled_reconcile_at": around.requested,
            "version": __version__,
        }
    )


def _as_it_was(previous: NodeStatus, kind: str, otherwise: Said) -> Said:
    known = previous.condition(kind)
    return (known.status, known.reason, known.message) if known else otherwise


def _conditions(
    findings: tuple[Finding, ...], components: tuple[ComponentStatus, ...], around: Circumstances
) -> tuple[Condition, ...]:
    pairs = list(zip(findings, components, strict=True))
    stuck = [component for finding, component in pairs if finding.stuck]
    unsettled = [component for finding, component in pairs if not finding.settled]
    simulated = [component for finding, component in pairs if finding.settled and finding.gate is GateState.SIMULATED]
    at_work = [component for finding, component in pairs if not finding.settled and not finding.stuck]
    working = around.removing or (bool(at_work) and not around.suspended)
    idle = (
        ("Suspended", "The node is suspended: nothing is done.")
        if around.suspended
        else ("Settled", "There is nothing to do.")
    )

    def condition(kind: str, status: Truth, reason: str, message: str) -> Condition:
        return _condition(kind, status, reason, message, around.generation)

    return (
        condition(READY, *_node_ready(components, stuck, unsettled, simulated, around)),
        condition(RECONCILING, Truth.TRUE, "Progressing", _sentence(at_work) or "The node is being removed.")
        if working
        else condition(RECONCILING, Truth.FALSE, *idle),
        condition(STALLED, Truth.TRUE, stuck[0].reason, _sentence(stuck))
        if stuck
        else condition(STALLED, Truth.FALSE, "Settled", "Nothing needs a human."),
        condition(
            REHEARSED, Truth.TRUE, "Simulated", f"{len(simulated)} of {len(components)} components run as simulated pods."
        )
        if simulated and not unsettled
        else condition(REHEARSED, Truth.FALSE, "NotSimulated", "Not every component is installed, or none has simulated pods."),
        condition(CERTIFICATE, *around.certificate),
        condition(REALM, *around.realm),
        condition(ROOM, *around.room),
    )  # fmt: skip


def _node_ready(
    components: tuple[ComponentStatus, ...],
    stuck: list[ComponentStatus],
    unsettled: list[ComponentStatus],
    simulated: list[ComponentStatus],
    around: Circumstances,
) -> tuple[Truth, str, str]:
    if around.removing:
        return Truth.FALSE, "Terminating", "The node is being removed; its volumes and passwords stay."
    if stuck:
        return Truth.FALSE, "ComponentFailed", _sentence(stuck)
    if unsettled and any(component.ready is Truth.FALSE for component in unsettled):
        return Truth.FALSE, "Failed", _sentence(unsettled)
    if unsettled:
        return Truth.UNKNOWN, "Suspended" if around.suspended else "Progressing", _sentence(unsettled)
    if not components:
        return Truth.FALSE, "NothingOn", "Every component is off."
    if simulated:
        text = f"Rehearsed: {len(components)} releases are installed with simulated pods; no gate could be asked of a real one."
        return Truth.UNKNOWN, "Simulated", text
    return Truth.TRUE, "AllGatesHold", f"All {len(components)} gates hold."


def _condition(kind: str, status: Truth, reason: str, message: str, generation: int) -> Condition:
    return Condition(
        type=kind, status=status, observed_generation=generation, reason=reason, message=message[:_NODE_MESSAGE_LIMIT]
    )


def _sentence(components: list[ComponentStatus]) -> str:
    return "; ".join(f"{component.name}: {component.message}" for component in components)

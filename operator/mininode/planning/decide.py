"""What to do next with one component: a table. The first row whose condition holds for the case decides.

Everything the decision rests on is in `Case`, so that any decision can be repeated on paper. The table is complete: its
last row holds always. docs/engine.md shows it; `make generate` writes it there from the rows below.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from mininode.components.base import GateState
from mininode.planning.release import LOCKED, Release, ReleaseStatus


class Action(enum.StrEnum):
    """What the engine can do for a component."""

    SKIP = "Skip"  # nothing: it is as it should be, or not ours to touch
    WAIT = "Wait"  # nothing yet: something else comes first
    INSTALL = "Install"
    UPGRADE = "Upgrade"
    ADOPT = "Adopt"  # upgrade a release that somebody made by hand, and make it ours
    RETRY = "Retry"  # install or upgrade again what failed
    ROLLBACK = "Rollback"  # go back to the last inputs that worked
    UNLOCK = "Unlock"  # take away the lock that a killed Helm left
    CORRECT_DRIFT = "CorrectDrift"  # put right what was changed or deleted by hand
    ROTATE = "Rotate"  # change a credential everywhere it is held
    PROBE = "Probe"  # ask the gate
    UNINSTALL = "Uninstall"
    GIVE_UP = "GiveUp"  # nothing: it failed too often
    REFUSE = "Refuse"  # nothing: the release is somebody else's


IDLE = frozenset({Action.SKIP, Action.WAIT, Action.GIVE_UP, Action.REFUSE})


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision about one component rests on."""

    node: str
    wanted: str | None  # digest that the spec asks for; None when the component is off or the node goes away
    release: Release | None
    gate: GateState = GateState.PENDING  # for the release's present revision
    requires_hold: bool = True  # every required component is settled
    dependants_remain: bool = False  # a release that requires this one is still there
    failures: int = 0  # in a row, for the digest now wanted
    exhausted: bool = False  # as many failures as are tried
    retry_due: bool = True
    probe_due: bool = True
    drifted: bool = False  # objects are suspected to have been changed by hand, and drift is looked after
    rotating: bool = False  # a credential has a next value, and its turn has come
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    when: Callable[[Case], bool]
    action: Action
    reason: str  # of the component's status
    because: str  # for people


def _owner(case: Case) -> str:
    return case.release.node if case.release else ""


def _in_status(case: Case, *statuses: ReleaseStatus) -> bool:
    return case.release is not None and case.release.status in statuses


def _current(case: Case) -> bool:
    return case.release is not None and case.release.digest == case.wanted


def _done(case: Case) -> bool:
    """Nothing is left to install, so what it requires need not be waited for."""
    return case.wanted is not None and _current(case) and _in_status(case, ReleaseStatus.DEPLOYED)


def _fallback(case: Case) -> bool:
    return case.release is not None and case.release.fallback > 0


ROWS: tuple[Row, ...] = (
    Row("off, nothing there", lambda c: c.wanted is None and c.release is None, Action.SKIP, "Settled", "it is off"),
    Row(
        "foreign, wanted",
        lambda c: c.wanted is not None and _owner(c) not in ("", c.node),
        Action.REFUSE,
        "OwnedByOther",
        "a release of this name belongs to another node in this namespace",
    ),
    Row(
        "off, not ours",
        lambda c: c.wanted is None and _owner(c) != c.node,
        Action.SKIP,
        "Settled",
        "it is off, and the release is not ours",
    ),
    Row(
        "suspended, not done",
        lambda c: c.suspended and (not _done(c) or _owner(c) != c.node),  # taking over what was made by hand is an action
        Action.SKIP,
        "Suspended",
        "spec.suspend is on",
    ),
    Row(
        "off, still needed",
        lambda c: c.wanted is None and c.dependants_remain,
        Action.WAIT,
        "Dependency",
        "components that require it are removed first",
    ),
    Row(
        "removal failed, not due",
        lambda c: c.wanted is None and c.failures > 0 and not c.retry_due,
        Action.WAIT,
        "Failed",
        "its removal failed and is tried again after a while",
    ),
    # Helm removes a locked release as well; unlocking it first would lose the list of what a broken first install made.
    Row("off", lambda c: c.wanted is None, Action.UNINSTALL, "Removing", "it is off"),
    Row("locked", lambda c: _in_status(c, *LOCKED), Action.UNLOCK, "Locked", "an interrupted Helm command holds it"),
    Row(
        "half removed",
        lambda c: _in_status(c, ReleaseStatus.UNINSTALLING),
        Action.UNINSTALL,
        "Removing",
        "an interrupted removal is finished first",
    ),
    Row(
        "requirements do not hold",
        lambda c: not c.requires_hold and not _done(c),
        Action.WAIT,
        "Dependency",
        "the components it requires come first",
    ),
    Row(
        "failed too often, something to go back to",
        lambda c: c.exhausted and _current(c) and _fallback(c) and c.retry_due and not c.suspended,
        Action.ROLLBACK,
        "RolledBack",
        "it failed too often; the last revision that worked is put back",
    ),
    Row(
        "failed too often, installed",
        lambda c: c.exhausted and _done(c) and c.probe_due,
        Action.PROBE,
        "RetriesExceeded",
        "it failed too often; whether it came right by itself is asked",
    ),
    Row(
        "failed too often, went back",
        lambda c: c.exhausted and not _current(c) and _in_status(c, ReleaseStatus.DEPLOYED),
        Action.GIVE_UP,
        "RolledBack",
        "the new inputs failed too often; the last revision that worked runs",
    ),
    Row("failed too often", lambda c: c.exhausted, Action.GIVE_UP, "RetriesExceeded", "it failed too often"),
    Row(
        "failed, installed, not due",
        lambda c: c.failures > 0 and _done(c) and not c.retry_due and c.probe_due,
        Action.PROBE,
        "Failed",
        "its gate did not hold in time; whether it does now is asked",
    ),
    Row(
        "failed, not due",
        lambda c: c.failures > 0 and not c.retry_due,
        Action.WAIT,
        "Failed",
        "it is tried again after a while",
    ),
    Row("failed, due", lambda c: c.failures > 0, Action.RETRY, "Progressing", "it failed and is tried again"),
    Row(
        "absent",
        lambda c: c.release is None or _in_status(c, ReleaseStatus.UNINSTALLED),
        Action.INSTALL,
        "Progressing",
        "there is no release",
    ),
    Row("made by hand", lambda c: _owner(c) == "", Action.ADOPT, "Progressing", "the release was made by hand"),
    Row("other inputs", lambda c: not _current(c), Action.UPGRADE, "Progressing", "its inputs changed"),
    Row(
        "failed in an earlier life",
        lambda c: not _in_status(c, ReleaseStatus.DEPLOYED),
        Action.RETRY,
        "Progressing",
        "its last revision failed",
    ),
    Row(
        "changed by hand",
        lambda c: c.drifted and not c.suspended,
        Action.CORRECT_DRIFT,
        "Drifted",
        "objects of it were changed or deleted by hand",
    ),
    Row(
        "a credential has a next value",
        lambda c: c.rotating and not c.suspended,
        Action.ROTATE,
        "Rotating",
        "a credential of it is being changed",
    ),
    Row(
        "gate open question, due",
        lambda c: c.gate is GateState.PENDING and c.probe_due,
        Action.PROBE,
        "GatePending",
        "its gate has to be asked",
    ),
    Row(
        "gate open question",
        lambda c: c.gate is GateState.PENDING,
        Action.WAIT,
        "GatePending",
        "its gate does not hold yet",
    ),
    Row(
        "gate held, asked again",
        lambda c: c.gate is GateState.HELD and c.probe_due,
        Action.PROBE,
        "GateHeld",
        "its gate held and is asked again",
    ),
    Row(
        "gate simulated, asked again",
        lambda c: c.gate is GateState.SIMULATED and c.probe_due,
        Action.PROBE,
        "Simulated",
        "its pods are simulated, and are looked at again",
    ),
    Row("gate simulated", lambda c: c.gate is GateState.SIMULATED, Action.SKIP, "Simulated", "its pods are simulated"),
    Row("settled", lambda _: True, Action.SKIP, "GateHeld", "its gate holds"),
)


def decide(case: Case) -> Row:
    """The row of the table that holds for this case."""
    return next(row for row in ROWS if row.when(case))

"""What the engine remembers of a node between two looks. All of it can be lost: the next look starts from the cluster."""

import asyncio
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mininode.api.status import Attempt, Gate, NodeStatus
from mininode.components.base import NOTHING_SEEN, PODS_NOT_READY, Facts, GateResult, GateState
from mininode.engine.pace import USUAL, Pace
from mininode.planning.plan import Plan
from mininode.planning.release import Release

ATTEMPTS_KEPT = 5


@dataclass(slots=True)
class GateMemory:
    """The last answer of a gate, and which release it was about."""

    digest: str
    revision: int
    result: GateResult
    since: float = 0.0  # when the gate gave the first of these answers, on the loop's clock
    asked: int = 0  # questions in a row that were answered with no
    due: float = 0.0  # when to ask again, on the loop's clock
    proven: bool = True  # this revision's gate held once: whatever is wrong now, the installation was not


@dataclass(slots=True)
class Failure:
    """Attempts that failed in a row for one digest."""

    digest: str
    count: int
    message: str
    due: float  # when to try again, on the loop's clock; never, while the latest attempt waits for its gate

    @property
    def on_trial(self) -> bool:
        """Whether Helm has done the latest attempt, and the gate has yet to tell whether it worked."""
        return self.due == math.inf


@dataclass(slots=True)
class NodeMemory:
    """Gates and failures by component, and the status as it was last written."""

    pace: Pace = USUAL
    gates: dict[str, GateMemory] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    attempts: dict[str, tuple[Attempt, ...]] = field(default_factory=dict)  # newest first
    # component -> kind and name of what is not as its chart says and is left so, with a sentence
    drift: dict[str, dict[tuple[str, str], str]] = field(default_factory=dict)
    stirs: dict[str, int] = field(default_factory=dict)  # how often a component's pods changed
    checked: dict[str, float] = field(default_factory=dict)  # when all objects of a component were last compared
    rotation_due: dict[str, float] = field(default_factory=dict)  # when a change of a credential is tried again
    kept: tuple[str, ...] = ()  # what stayed when components were removed
    requested: str = ""  # the wish for a new start that was heard last
    written: NodeStatus = field(default_factory=NodeStatus)  # the status as the API server has it
    facts: Facts = NOTHING_SEEN  # what gates told of the node, as it was seen last
    planned: tuple[tuple[Any, ...], Plan] | None = None  # the plan, and which spec it is of: checking a spec takes a millisecond
    # A version that shows all that we know was done to the releases: as they were last seen, or of what we wrote since; empty
    # when a deed of ours ended and nobody knows at which version.
    releases_known: str = ""
    realm_alone: asyncio.Lock = field(default_factory=asyncio.Lock)  # one at a time works on the realm's clients
    refused: int = 0  # looks in a row that the API server did not let us finish

    def heard(self, requested: str) -> None:
        """A wish for a new start, if it is a new one: failures are forgotten, every gate is asked again."""
        if requested != self.requested:
            self.requested = requested
            self.failures.clear()
            for known in self.gates.values():
                known.due = 0.0

    def handled(self, settled: Iterable[str]) -> str:
        """The last wish that was carried out: whatever is said to hold (`settled`) has answered since it was heard."""
        if any((known := self.gates.get(name)) is not None and known.due == 0.0 for name in settled):
            return self.written.last_handled_reconcile_at
        return self.requested

    def wrote(self, version: str = "") -> None:
        """A deed of ours that may have changed releases ended; its last word is this version, empty when that is not known."""
        both = (self.releases_known, version)
        # Versions of one API server are numbers that grow (KEP-5504).
        self.releases_known = max(both, key=int) if all(one.isdigit() for one in both) else ""

    def seen(self, asked: str, version: str) -> None:
        """The releases were seen at this version, when they were asked for at or after another."""
        if self.releases_known == asked:  # else a deed of ours ended while the answer was on its way
            self.releases_known = version

    def gate(self, name: str, release: Release | None) -> GateState:
        """What is known of the gate of this very revision."""
        known = self.gates.get(name)
        return known.result.state if known is not None and self._about(known, release) else GateState.PENDING

    def pending(self, name: str) -> bool:
        """Whether the component's gate did not hold when it was asked last."""
        known = self.gates.get(name)
        return known is None or known.result.state is GateState.PENDING

    def evidence(self, name: str, release: Release | None) -> str:
        """What the gate of this very revision answered, in a sentence; empty when it was not asked."""
        known = self.gates.get(name)
        return known.result.evidence if known is not None and self._about(known, release) else ""

    def gate_due(self, name: str, release: Release | None) -> float:
        """When the gate of this very revision is to be asked (again), on the loop's clock; 0 for one never asked."""
        known = self.gates.get(name)
        return known.due if known is not None and self._about(known, release) else 0.0

    def proven(self, name: str, release: Release) -> bool:
        """Whether the gate of this very revision held once, as far as is remembered or written on Helm's Secret."""
        known = self.gates.get(name)
        return release.proven or (known is not None and self._about(known, release) and known.proven)

    @staticmethod
    def _about(known: GateMemory, release: Release | None) -> bool:
        return release is not None and (known.digest, known.revision) == (release.digest, release.revision)

    def answered(self, name: str, release: Release, result: GateResult, now: float) -> None:
        """Remember a gate's answer and when to ask again."""
        known = self.gates.get(name)
        proven = result.state is not GateState.PENDING or self.proven(name, release)
        if known is not None and not (self._about(known, release) and known.result.state is result.state is GateState.PENDING):
            known = None  # the first no after a yes starts to count anew
        asked, since = (known.asked + 1, known.since) if known is not None else (0, now)
        if known is not None and known.result.reason == PODS_NOT_READY != result.reason:
            asked = 0  # the pods are ready now, and what says no is another thing: it may say yes at any moment
        pause = self.pace.probe_again
        if result.state is GateState.PENDING:
            pause = min(self.pace.probe_first * 2.0 ** min(asked, 30), self.pace.probe_last)
        self.gates[name] = GateMemory(release.digest, release.revision, result, since, asked, now + pause, proven)

    def doubted(self, name: str, stirs: int, now: float) -> None:
        """The pods changed while the gate was asked (`stirs` is from before): what it said may be old, so ask again soon."""
        if self.stirs.get(name, 0) != stirs and (known := self.gates.get(name)) is not None:
            known.due = min(known.due, now + self.pace.probe_first)

    def overdue(self, name: str, release: Release, now: float) -> bool:
        """Whether the gate of this very revision never held, for longer than an installation may take.

        One that held and is lost is the pods' trouble, not the installation's: nothing is installed again or put back for it.
        """
        known = self.gates.get(name)
        if known is None or not self._about(known, release) or known.proven:
            return False
        return known.asked > 0 and now - known.since > self.pace.gate_deadline

    def keeps(self, name: str, left: tuple[str, ...]) -> None:
        """What stayed of a component that was removed; nothing for one that is there again."""
        others = tuple(one for one in self.kept if not one.startswith(f"{name}: "))
        self.kept = tuple(sorted((*others, *left)))

    def check_due(self, name: str, now: float) -> bool:
        """Whether all objects of the component are to be compared with its chart; afterwards they are not for a while."""
        if name in self.checked and now - self.checked[name] < self.pace.check_again:
            return False
        self.checked[name] = now
        return True

    def stirred(self, name: str, due: float = 0.0) -> None:
        """The component's pods changed: ask its gate again at once, or then at the latest."""
        self.stirs[name] = self.stirs.get(name, 0) + 1
        if (known := self.gates.get(name)) is not None:
            known.due = min(known.due, due)

    def attempted(self, name: str, attempt: Attempt) -> None:
        """Put an attempt in front of the others; the oldest falls off."""
        self.attempts[name] = (attempt, *self.attempts.get(name, ()))[:ATTEMPTS_KEPT]

    def failed(self, name: str, digest: str, message: str, now: float) -> int:
        """Count a failed attempt and return how many there were in a row; the pause doubles, and jitter keeps nodes apart."""
        known = self.failures.get(name)
        count = known.count + 1 if known is not None and known.digest == digest else 1
        pause = min(self.pace.retry_first * 2.0 ** min(count - 1, 30), self.pace.retry_last)
        pause *= random.uniform(0.75, 1.25)  # noqa: S311 - jitter
        if count == self.pace.retry_limit:
            pause = 0.0  # this was the last one: what comes now is going back, and that need not wait
        self.failures[name] = Failure(digest, count, message, now + pause)
        return count

    def tried(self, name: str) -> None:
        """Helm has done what failed before; the failures count on until the gate has told whether it worked."""
        if (known := self.failures.get(name)) is not None:
            known.due = math.inf

    def failure(self, name: str, digest: str | None) -> Failure | None:
        """The failures of the digest that is wanted now; those of another are history."""
        known = self.failures.get(name)
        return known if known is not None and known.digest == digest else None


def remembered(status: NodeStatus, now: float, pace: Pace = USUAL) -> NodeMemory:
    """What a former operator wrote into the status: gates need not be asked again at once, failures keep their count."""
    memory = NodeMemory(pace, kept=status.kept, requested=status.last_handled_reconcile_at, written=status)
    memory.attempts = {component.name: component.attempts for component in status.components}
    for component in status.components:
        if component.failures:
            memory.failures[component.name] = Failure(component.wanted, component.failures, component.message, now)
        if component.gate is not Gate.PENDING and component.digest:
            memory.gates[component.name] = GateMemory(
                component.digest,
                component.revision,
                GateResult(GateState(component.gate.value), component.message),
                due=now + pace.probe_again * random.uniform(0.05, 0.25),  # noqa: S311 - spreads the questions after a restart
            )
    return memory

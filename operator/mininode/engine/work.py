"""Doing one thing for one component, and remembering how it went: failures, attempts, drift, events, metrics."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mininode.api.scrub import scrubbed
from mininode.api.spec import DriftCorrection
from mininode.api.status import Attempt
from mininode.components.base import Component, GateResult, GateState, pending
from mininode.engine.act import Actor, kept
from mininode.engine.drift import Drift
from mininode.engine.engine import Engine, now
from mininode.engine.look import REMOVAL, View
from mininode.engine.record import record_name, write_facts
from mininode.engine.report import Finding
from mininode.engine.state import NodeMemory
from mininode.engine.tend import tend
from mininode.errors import HelmError, KubeError, MininodeError
from mininode.kube.resources import SECRETS
from mininode.planning.decide import Action
from mininode.planning.release import Release, secret_name

_CLASH_PAUSE = 2.0  # s until a release that another Helm holds is looked at again
_ROTATE_AGAIN = 15.0  # s until a change of a credential that something stood in the way of is tried again
_SUCCEEDED = "Succeeded"
# After these the newest revision of a release may be another.
_WRITING = frozenset(
    {Action.INSTALL, Action.UPGRADE, Action.RETRY, Action.ADOPT, Action.ROLLBACK, Action.UNLOCK, Action.UNINSTALL}
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What an action came to: the release's revision and the version that shows it, as far as they are known."""

    revision: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What is done for the components of one node after one look."""

    engine: Engine
    actor: Actor
    memory: NodeMemory
    view: View
    resource: Mapping[str, Any]

    async def do(self, finding: Finding) -> None:
        """Carry out the finding's action. Raises only cancellation: what goes wrong is remembered, and tried again."""
        action, started, done = finding.row.action, self.engine.clock(), Done()
        try:
            done = await self._act(finding)
        except HelmError as error:
            if error.retry_soon:
                log.info("%s: %s", finding.name, error.message, extra=self._context(finding))
                await asyncio.sleep(_CLASH_PAUSE)
                return
            await self._failed(finding, error.reason, str(error))
        except MininodeError as error:
            await self._failed(finding, error.reason, str(error))
        except Exception as error:
            log.exception("%s of %s stopped at a fault of mininode", action, finding.name, extra=self._context(finding))
            await self._failed(finding, "Fault", f"{type(error).__name__}: {error}")
        else:
            if action not in (Action.PROBE, Action.CORRECT_DRIFT, Action.ROTATE):
                await self._succeeded(finding, self.engine.clock() - started, done.revision)
        finally:
            if action in _WRITING:
                self.memory.wrote(done.version)

    async def _act(self, finding: Finding) -> Done:
        """Do it; returns the release's revision afterwards, where there is one and it is known."""
        planned, release = self.view.plan.release(finding.name), finding.release
        match finding.row.action:
            case Action.INSTALL | Action.UPGRADE | Action.RETRY | Action.ADOPT if planned is not None:
                self._forget_suspects(finding.name)
                if release is not None:
                    await self._prove(finding.name, release)  # what a former operator saw may not be written there yet
                self.memory.keeps(finding.name, ())
                chart = self.engine.charts[finding.name].path if planned.component.chart else None
                revision = await self.actor.apply(planned, chart, self.resource["metadata"]["generation"], release)
                if chart is not None and revision > 1:
                    await self._tidy(finding, revision)
                return Done(revision, await self._version(finding.name, revision))
            case Action.ROLLBACK if release is not None:
                await self.actor.rollback(release)
                return Done(release.revision + 1)
            case Action.UNLOCK if release is not None:
                await self.actor.unlock(release)
            case Action.UNINSTALL:
                component = self.engine.components.get(finding.name)
                await self.actor.uninstall(finding.name, chart=component is None or component.chart)
                left = await kept(self.engine.kube, self.actor.node.name, self.actor.node.namespace, finding.name)
                self.memory.keeps(finding.name, left)
            case Action.CORRECT_DRIFT if release is not None:
                await self._correct(finding, release, self._suspects(finding.name))
            case Action.ROTATE if planned is not None:
                await self._rotate(finding)
            case Action.PROBE if planned is not None and release is not None:
                await self._probe(finding, release)
            case other:
                raise AssertionError(f"the table decided {other} for {finding.name}, which can't be carried out")
        return Done()

    async def _version(self, name: str, revision: int) -> str:
        """The version of a revision that was just made. With it the next look need not wait for all that others write."""
        secret = secret_name(name, revision) if name in self.engine.charts else record_name(name)
        try:
            found = await self.engine.kube.get_metadata(SECRETS, secret, self.actor.node.namespace)
        except KubeError:
            return ""
        return str(found["metadata"]["resourceVersion"]) if found else ""

    async def _prove(self, name: str, release: Release) -> None:
        """Make what is known of the revision's gate outlive this process."""
        if name in self.engine.charts and not release.proven and self.memory.proven(name, release):
            self.memory.wrote(await self.actor.prove(release))

    async def _probe(self, finding: Finding, release: Release) -> None:
        """Ask the gate; one that does not hold for too long after an install or upgrade counts as a failed attempt."""
        component = self.engine.components[finding.name]
        if finding.settled and self.memory.check_due(finding.name, self.engine.clock()):
            await self._correct(finding, release, None)  # what changed while nobody watched
        stirs = self.memory.stirs.get(finding.name, 0)
        try:
            result = await self._asked(component, finding)
            await self._tell_facts(result.facts)
        except KubeError as error:
            reason = "Forbidden" if error.forbidden else "KubernetesUnreachable"
            result = pending(f"its state can't be read: {error.message}", reason)
        before, clock = self.memory.gate(finding.name, release), self.engine.clock()
        self.memory.answered(finding.name, release, result, clock)
        self.memory.doubted(finding.name, stirs, clock)
        if result.state is not GateState.PENDING:
            self.memory.failures.pop(finding.name, None)
            await self._prove(finding.name, release)
            if before is GateState.PENDING:
                reason = "GateHeld" if result.state is GateState.HELD else "Simulated"
                await self._tell(reason, finding, f"{finding.name}: {result.evidence}")
        elif before is not GateState.PENDING:
            await self._tell("GateLost", finding, f"{finding.name}: {result.evidence}", warning=True)
        elif self.memory.overdue(finding.name, release, clock) and self._awaits_verdict(finding):
            seconds = self.memory.pace.gate_deadline
            await self._failed(
                finding, "GateTimeout", f"its gate did not hold within {seconds:.0f} s: {result.evidence}"
            )

    async def _asked(self, component: Component, finding: Finding) -> GateResult:
        """The gate's answer. One without pods of its own is simulated as what it requires is."""
        simulated = self._simulated(component)
        if not component.chart and simulated:
            return GateResult(GateState.SIMULATED, f"{', '.join(simulated)} is simulated, so there is nothing to work on")
        if component.chart:
            return await self.actor.probe(component, finding.gate)
        return await self.actor.probe(component, finding.gate, lambda: self._tend(finding))

    async def _tend(self, finding: Finding) -> GateResult:
        """Bring the realm to what is declared, and tell of what somebody had changed."""
        async with self.memory.realm_alone:
            tended = await tend(self.engine.kube, self.actor.node, finding.wanted)
        for drift in tended.drift:
            await self._drift(finding, drift)
        self.memory.drift[finding.name] = {(one.kind, one.name): one.sentence for one in tended.drift if not one.corrected}
        return tended.result

    def _simulated(self, component: Component) -> list[str]:
        releases = self.view.releases
        return [name for name in component.requires if self.memory.gate(name, releases.get(name)) is GateState.SIMULATED]

    async def _tell_facts(self, told: Mapping[str, str]) -> None:
        """Keep what the gate saw, before anybody hears that it holds: what waits for the gate is planned by it."""
        facts = replace(self.memory.facts, **told)
        if facts != self.memory.facts:
            self.memory.wrote(
                await write_facts(self.engine.kube, self.actor.node, facts, self.resource["metadata"].get("uid", ""))
            )
            self.memory.facts = facts

    def _awaits_verdict(self, finding: Finding) -> bool:
        """Whether the gate's silence is not counted as a failure of this revision yet."""
        failure = self.memory.failure(finding.name, finding.wanted)
        return failure is None or failure.on_trial

    async def _rotate(self, finding: Finding) -> None:
        """Change the component's credentials that have a next value. What stands in the way is told, and tried again soon."""
        component = self.engine.components[finding.name]
        releases = self.view.releases
        simulated = [name for name, one in releases.items() if self.memory.gate(name, one) is GateState.SIMULATED]
        wished = self.actor.owned.next_values() if self.actor.owned is not None else {}
        for name in [one for one, owner in wished.items() if owner == finding.name]:
            try:
                await self.actor.rotate(component, name, simulated, self.memory.realm_alone)
            except MininodeError as error:
                self.memory.rotation_due[finding.name] = self.engine.clock() + _ROTATE_AGAIN
                await self._tell("RotateFailed", finding, f"credential {name}: {error}", warning=True)
                return
            self.memory.stirred(finding.name)
            await self._tell("RotateSucceeded", finding, f"credential {name} was changed everywhere it is held")

    async def _correct(self, finding: Finding, release: Release, suspects: set[tuple[str, str]] | None) -> None:
        """Put right what was changed by hand, or only tell of it; None for `suspects` looks at every object."""
        spec = self.actor.node.spec
        if spec.drift_correction is DriftCorrection.OFF or (spec.suspend and suspects is None):
            return
        enforce = spec.drift_correction is DriftCorrection.ENFORCE
        try:
            found: tuple[Drift, ...] = ()
            if self.engine.components[finding.name].chart:
                found = await self.actor.correct(release, suspects, enforce=enforce)
            if suspects is None or any(kind in ("Secret", "ConfigMap") for kind, _ in suspects):
                found += await self.actor.credentials(self.engine.components[finding.name], make=enforce)
        except MininodeError:
            if self.actor.owned is not None and suspects:
                self.actor.owned.suspects.setdefault(finding.name, set()).update(suspects)
            raise
        for drift in found:
            await self._drift(finding, drift)
        self.memory.failures.pop(finding.name, None)
        known = self.memory.drift.setdefault(finding.name, {})
        for which in suspects if suspects is not None else tuple(known):
            known.pop(which, None)
        known.update({(drift.kind, drift.name): drift.sentence for drift in found if not drift.corrected})
        if found:
            self.memory.stirred(finding.name)

    async def _tidy(self, finding: Finding, revision: int) -> None:
        """Remove what Helm left behind; where that can't be done now, the next look at all objects does it."""
        try:
            for drift in await self.actor.tidy(finding.name, revision):
                await self._drift(finding, drift)
        except KubeError as error:
            log.warning("whether Helm left something behind is not known: %s", error.message, extra=self._context(finding))
            self.memory.checked.pop(finding.name, None)

    async def _drift(self, finding: Finding, drift: Drift) -> None:
        """Tell of one object that was not as it should be."""
        meta = self.resource["metadata"]
        corrected = str(drift.corrected).lower()
        self.engine.metrics.drift.labels(meta["namespace"], meta["name"], finding.name, corrected).inc()
        log.info("%s: %s", finding.name, drift.sentence, extra=self._context(finding))
        reason = "DriftCorrected" if drift.corrected else "Drifted"
        await self._tell(reason, finding, drift.sentence, warning=not drift.corrected)

    def _suspects(self, name: str) -> set[tuple[str, str]]:
        """Take what was seen to change by hand, and what was known to be so."""
        seen = self.actor.owned.suspects.pop(name, set()) if self.actor.owned is not None else set()
        return seen | set(self.memory.drift.get(name, ()))

    def _forget_suspects(self, name: str) -> None:
        """What Helm is about to apply anyway need not be corrected."""
        self._suspects(name)
        self.memory.drift.pop(name, None)
        self.memory.checked[name] = self.engine.clock()

    async def _succeeded(self, finding: Finding, seconds: float, revision: int) -> None:
        action = finding.row.action
        if action is Action.UNINSTALL:
            self.memory.failures.pop(finding.name, None)
        elif action not in (Action.ROLLBACK, Action.UNLOCK):
            self.memory.tried(finding.name)
        log.info(
            "%s of %s done in %.1f s",
            action,
            finding.name,
            seconds,
            extra={**self._context(finding), "duration": round(seconds, 3)},
        )
        self.engine.metrics.action_seconds.labels(action.value).observe(seconds)
        self._remember(finding, _SUCCEEDED, revision)
        await self._tell(
            f"{action.value}Succeeded", finding, f"{finding.name}: {finding.row.because}; done in {seconds:.1f} s"
        )

    async def _failed(self, finding: Finding, reason: str, message: str) -> None:
        context, message = self._context(finding), scrubbed(message)
        log.warning("%s of %s failed: %s", finding.row.action, finding.name, message, extra=context)
        self.memory.failed(finding.name, self.view.wanted.get(finding.name, REMOVAL), message, self.engine.clock())
        self._remember(finding, reason, finding.release.revision if finding.release else 0)
        await self._tell(f"{finding.row.action.value}Failed", finding, f"{finding.name}: {message}", warning=True)

    def _remember(self, finding: Finding, outcome: str, revision: int) -> None:
        meta, action = self.resource["metadata"], finding.row.action.value
        self.engine.metrics.actions.labels(meta["namespace"], meta["name"], finding.name, action, outcome).inc()
        chart = self.engine.charts.get(finding.name)
        attempt = Attempt(
            time=now(),
            action=action,
            outcome=outcome,
            digest=finding.wanted,
            revision=revision,
            chart_version=chart.version if chart else "",
        )
        self.memory.attempted(finding.name, attempt)

    async def _tell(self, reason: str, finding: Finding, note: str, *, warning: bool = False) -> None:
        await self.engine.events.tell(self.resource, reason, finding.row.action.value, note, warning=warning)

    def _context(self, finding: Finding) -> dict[str, str]:
        return {"node": self.actor.node.name, "component": finding.name, "action": finding.row.action.value}

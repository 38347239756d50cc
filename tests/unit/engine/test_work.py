"""What is remembered of an action: failures that count until the gate has spoken, attempts, drift that is left."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mininode.components.base import GateResult, GateState, held, pending
from mininode.engine.drift import LEFT_BEHIND, Drift
from mininode.engine.engine import Engine
from mininode.engine.look import View, findings
from mininode.engine.metrics import Metrics
from mininode.engine.pace import Pace
from mininode.engine.report import Finding
from mininode.engine.state import NodeMemory
from mininode.engine.work import Work
from mininode.errors import HelmError, KubeError
from mininode.helm.charts import Chart
from mininode.planning.decide import Action
from mininode.planning.release import Release, ReleaseStatus

Make = Callable[..., View]
PACE = Pace(retry_limit=3, gate_deadline=60)
CHART = Chart(Path("charts/any"), "1.0.0", "chart")


class Clock:
    now = 10_000.0

    def __call__(self) -> float:
        return self.now


class Cluster:
    """Helm, the gates and the API server as the actor meets them: they do what the test says."""

    def __init__(self, view: Make, **spec: Any) -> None:
        self.make, self.spec = view, spec
        self.clock = Clock()
        self.memory = NodeMemory(PACE)
        self.releases: dict[str, list[Release]] = {}
        self.gates: dict[str, GateResult] = {}
        self.errors: list[Exception] = []
        self.drifts: tuple[Drift, ...] = ()
        self.left: tuple[Drift, ...] = ()  # behind, by Helm
        self.unread = False  # and nobody can tell
        self.version: str | None = "30"  # of a revision that was just made
        self.told: list[str] = []
        self.done: list[tuple[str, Action]] = []
        self.owned = None
        self.kube = self
        self.node = view(**spec).plan.node

    # What the actor does
    def _maybe(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    async def apply(self, planned: Any, *_: Any) -> int:
        self._maybe()
        found = self.releases.setdefault(planned.name, [])
        revision = len(found) + 1
        fallback = next((one.revision for one in reversed(found) if one.proven and one.digest != planned.digest), 0)
        found.append(Release(planned.name, revision, ReleaseStatus.DEPLOYED, "demo", planned.digest, fallback))
        return revision

    async def get_metadata(self, _: Any, name: str, __: str) -> Any:
        assert re.fullmatch(r"sh\.helm\.release\.v1\.\w+\.v\d+", name)
        if self.version is None:
            raise KubeError("the connection broke")
        return {"metadata": {"resourceVersion": self.version}}

    async def prove(self, release: Release) -> str:
        found = self.releases[release.name]
        found[release.revision - 1] = replace(found[release.revision - 1], proven=True)
        return "40"

    async def rollback(self, release: Release) -> None:
        self._maybe()
        found = self.releases[release.name]
        found.append(replace(found[release.fallback - 1], revision=len(found) + 1, proven=False))

    async def probe(self, component: Any, _: GateState) -> GateResult:
        self._maybe()
        return self.gates.get(component.name, held("it does"))

    async def correct(self, *_: Any, enforce: bool) -> tuple[Drift, ...]:
        self._maybe()
        return tuple(replace(one, corrected=enforce) for one in self.drifts)

    async def tidy(self, *_: Any) -> tuple[Drift, ...]:
        if self.unread:
            raise KubeError("the connection broke")
        return self.left

    async def credentials(self, *_: Any, make: bool) -> tuple[Drift, ...]:
        del make
        return ()

    # What the work tells
    async def tell(self, _: Any, reason: str, __: str, note: str, *, warning: bool) -> None:
        del warning
        self.told.append(f"{reason}: {note}")

    def view(self, **spec: Any) -> View:
        there = [found[-1] for found in self.releases.values()]
        return replace(self.make(*there, **(self.spec | spec)), now=self.clock.now)

    def engine(self) -> Engine:
        return Engine(
            kube=self,  # type: ignore[arg-type]
            helm=None,  # type: ignore[arg-type]
            components=self.make().components, charts=dict.fromkeys(self.make().components, CHART), images=None,  # type: ignore[arg-type]
            events=self,  # type: ignore[arg-type]
            pace=PACE, metrics=Metrics(), clock=self.clock,
        )  # fmt: skip

    async def step(self, name: str, seconds: float = 0, **spec: Any) -> Finding:
        """Let time pass, look, and do what is decided for one component."""
        self.clock.now += seconds
        view = self.view(**spec)
        (finding,) = [one for one in findings(view, self.memory) if one.name == name]
        resource = {"metadata": {"name": "demo", "namespace": "eucaim", "generation": 1}}
        work = Work(self.engine(), self, self.memory, view, resource)  # type: ignore[arg-type]
        if finding.row.action not in {Action.SKIP, Action.WAIT, Action.GIVE_UP}:
            self.done.append((name, finding.row.action))
            await work.do(finding)
        return finding

    def count(self, name: str) -> int:
        known = self.memory.failures.get(name)
        return known.count if known else 0


@pytest.fixture
def cluster(view: Make) -> Cluster:
    return Cluster(view)


async def test_what_helm_refuses_counts_and_a_success_counts_when_the_gate_holds(cluster: Cluster) -> None:
    cluster.errors = [HelmError("quota"), HelmError("quota")]
    await cluster.step("base")
    await cluster.step("base", 400)
    assert cluster.count("base") == 2
    await cluster.step("base", 400)
    assert cluster.count("base") == 2, "Helm is content; whether it works the gate tells"
    finding = await cluster.step("base")
    assert finding.row.action is Action.PROBE
    assert cluster.count("base") == 0
    assert [action for _, action in cluster.done] == [Action.INSTALL, Action.RETRY, Action.RETRY, Action.PROBE]


async def test_a_gate_that_never_holds_is_tried_as_often_as_anything_and_then_given_up(cluster: Cluster) -> None:
    """Helm's success between two attempts must not wipe out the count, or it would go on for ever."""
    cluster.gates["base"] = pending("no login")
    for _ in range(200):
        await cluster.step("base", 20)
    applied = [action for _, action in cluster.done if action in {Action.INSTALL, Action.RETRY}]
    assert applied == [Action.INSTALL, Action.RETRY, Action.RETRY]
    finding = await cluster.step("base")
    assert finding.row.reason == "RetriesExceeded"
    assert finding.stuck
    assert "no login" in finding.evidence
    cluster.gates["base"] = held("login works")
    await cluster.step("base", 400)
    assert (await cluster.step("base")).settled, "and comes right by itself"


async def test_a_look_after_a_deed_of_ours_sees_it(cluster: Cluster) -> None:
    """With the version of what was written where it is known, else with all that was ever written."""
    cluster.memory.seen("", "20")
    await cluster.step("base")
    assert cluster.memory.releases_known == "30"
    await cluster.step("base")
    assert cluster.memory.releases_known == "40", "the gate held, and that was written down"
    await cluster.step("base", 400)
    assert cluster.memory.releases_known == "40", "a question writes nothing"
    cluster.version = None
    await cluster.step("base", components={"base": {"values": {"x": 1}}})
    assert cluster.memory.releases_known == ""
    cluster.memory.seen("", "50")
    cluster.errors = [HelmError("quota")]
    await cluster.step("base", components={"base": {"values": {"x": 2}}})
    assert cluster.memory.releases_known == "", "what a Helm that failed wrote is not known"


async def test_what_helm_left_behind_is_told_and_is_looked_for_later_where_that_fails(cluster: Cluster) -> None:
    await cluster.step("base")
    await cluster.step("base")
    cluster.left = (Drift("Job", "trial-1", LEFT_BEHIND, corrected=True),)
    await cluster.step("base", components={"base": {"values": {"x": 1}}})
    assert "DriftCorrected: Job trial-1 was left behind by an earlier revision and was removed" in cluster.told
    assert cluster.memory.checked
    cluster.unread = True
    await cluster.step("base", components={"base": {"values": {"x": 2}}})
    assert [action for _, action in cluster.done][-2:] == [Action.UPGRADE, Action.UPGRADE]
    assert "base" not in cluster.memory.checked, "all objects are looked at with the next question"


async def test_an_upgrade_whose_gate_never_holds_goes_back_at_once_after_the_last_attempt(cluster: Cluster) -> None:
    await cluster.step("base")
    await cluster.step("base")
    good = cluster.releases["base"][0].digest
    cluster.gates["base"] = pending("no login")
    other = {"components": {"base": {"values": {"x": 1}}}}
    for _ in range(200):
        await cluster.step("base", 20, **other)
        if cluster.done[-1][1] is Action.ROLLBACK:
            break
    actions = [action for _, action in cluster.done if action is not Action.PROBE]
    assert actions == [Action.INSTALL, Action.UPGRADE, Action.RETRY, Action.RETRY, Action.ROLLBACK]
    finding = await cluster.step("base", **other)
    assert (finding.row.reason, finding.release and finding.release.digest) == ("RolledBack", good)
    assert not (await cluster.step("base", 5000, **other)).settled
    assert cluster.done[-1][1] is Action.ROLLBACK, "it stays where it went back to"


async def test_a_retry_on_trial_is_not_retried_before_its_gate_was_late(cluster: Cluster) -> None:
    cluster.errors = [HelmError("quota")]
    cluster.gates["base"] = pending("starting")
    await cluster.step("base")
    await cluster.step("base", 400)
    for _ in range(5):
        finding = await cluster.step("base", 10)
        assert finding.row.action in {Action.PROBE, Action.WAIT}
        assert finding.failures == 1, "the status goes on telling that it failed"
    assert finding.evidence == "starting"


async def test_another_helm_at_work_is_no_failure(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("mininode.engine.work.asyncio.sleep", sleep)
    cluster.errors = [HelmError("another Helm process is at work", retry_soon=True)]
    await cluster.step("base")
    assert cluster.count("base") == 0
    assert slept
    assert all(pause >= 1 for pause in slept)
    assert "base" not in cluster.memory.attempts


async def test_a_fault_of_ours_is_a_failure_with_a_reason_and_not_the_end(cluster: Cluster) -> None:
    cluster.errors = [ZeroDivisionError("division by zero")]
    await cluster.step("base")
    assert cluster.count("base") == 1
    assert cluster.memory.attempts["base"][0].outcome == "Fault"


async def test_attempts_tell_the_revision_that_was_made(cluster: Cluster) -> None:
    await cluster.step("base")
    await cluster.step("base")
    await cluster.step("base", components={"base": {"values": {"x": 1}}})
    assert [(one.action, one.revision) for one in cluster.memory.attempts["base"]] == [("Upgrade", 2), ("Install", 1)]


async def test_a_lost_and_a_found_gate_are_told_once_each(cluster: Cluster) -> None:
    await cluster.step("base")
    await cluster.step("base")
    cluster.gates["base"] = pending("pod web is gone")
    cluster.memory.stirred("base")
    for _ in range(4):
        await cluster.step("base", 20)
    cluster.gates["base"] = held("it does again")
    await cluster.step("base", 20)
    assert [one.split(":")[0] for one in cluster.told] == ["InstallSucceeded", "GateHeld", "GateLost", "GateHeld"]


async def test_a_gate_that_can_not_be_asked_is_open(cluster: Cluster) -> None:
    await cluster.step("base")
    cluster.errors = [KubeError("forbidden", code=403)]
    await cluster.step("base")
    finding = await cluster.step("base")
    assert finding.gate is GateState.PENDING
    assert "forbidden" in finding.evidence


async def test_pods_that_change_while_a_gate_is_asked_are_asked_about_again(cluster: Cluster) -> None:
    """The Deployment's controller is a moment behind its pods: an answer from in between is old when it comes."""
    await cluster.step("base")
    await cluster.step("base")
    asked, real = [], cluster.probe

    async def probe(component: Any, *rest: Any) -> GateResult:
        result = await real(component, *rest)
        if not asked:
            cluster.memory.stirred(component.name)
            cluster.gates["base"] = pending("pod web is gone")
        asked.append(result.state)
        return result

    cluster.probe = probe  # type: ignore[method-assign]
    cluster.memory.stirred("base")
    await cluster.step("base")
    await cluster.step("base", 1)
    assert asked == [GateState.HELD, GateState.PENDING]

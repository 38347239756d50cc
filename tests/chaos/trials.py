"""Trials: one piece of the operator's work, disturbed in one way, then left in peace; what came of it is counted.

A trial is converged when the node says so *and* its end state is the one that undisturbed work came to.
"""

import contextlib
import random
import signal
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
from proxy import Asked, Decide, Fault
from world import LIMIT, State, World, differences

COMPONENTS = ("storage", "postgresql", "keycloak", "dataset-service", "guacamole")
Spec = dict[str, Any]
Say = Callable[[str], object]


def spec(cpu: str) -> Spec:
    """A node whose every component asks for this much."""
    return {"components": {name: {"resources": {"requests": {"cpu": cpu}}} for name in COMPONENTS}}


FIRST, SECOND = spec("110m"), spec("120m")


@dataclass
class Counts:
    """What happened so far."""

    injected: int = 0  # faults, kills of the operator, kills of Helm
    kills: int = 0  # of them: SIGKILL of the operator, SIGKILL or SIGTERM of Helm
    trials: int = 0
    converged: int = 0
    stuck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # converged, as it said, but to something else
    secrets_changed: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)  # exit codes of operators that ended by themselves

    def line(self) -> str:
        return (
            f"injected {self.injected} (kills {self.kills}), trials {self.trials}, converged {self.converged}, "
            f"stuck {len(self.stuck)}, wrong {len(self.wrong)}, secrets changed {len(self.secrets_changed)}, "
            f"orphans {len(self.orphans)}, operator ended by itself {len(self.ended)}"
        )

    @staticmethod
    def sum(several: Collection["Counts"]) -> "Counts":
        """What happened in several lanes of one operator."""
        whole = Counts()
        for name in ("injected", "kills", "trials", "converged"):
            setattr(whole, name, sum(getattr(one, name) for one in several))
        for name in ("stuck", "wrong", "secrets_changed", "orphans"):
            setattr(whole, name, [each for one in several for each in getattr(one, name)])
        whole.ended = max((one.ended for one in several), key=len, default=[])
        return whole

    def faults(self) -> list[str]:
        """What must not be."""
        return [*self.stuck, *self.wrong, *self.secrets_changed, *self.orphans]


@dataclass
class Disturbance:
    """What goes wrong: a decision for the proxy, and what is done from outside while the node works."""

    name: str
    decide: Decide
    meanwhile: Callable[[], None] = lambda: None
    kills: Callable[[], int] = lambda: 0  # so far


@dataclass
class Trials:
    """The work that is disturbed, and what undisturbed work came to."""

    world: World
    counts: Counts
    say: Say
    wanted: dict[str, State] = field(default_factory=dict)  # end state by the spec's cpu
    requests: dict[str, int] = field(default_factory=dict)  # of undisturbed work, by its name

    def reference(self) -> None:
        """Install, upgrade and remove once without any disturbance; leaves nothing."""
        for name, wish in (("install", FIRST), ("upgrade", SECOND)):
            self.world.lane.arm(lambda _: None)
            self.world.declare(wish).raise_for_status()
            assert self.world.until(self.world.converged), f"undisturbed, the {name} does not end: {self.world.conditions()}"
            self.requests[name] = self.world.lane.disarm()
            self.wanted[_cpu(wish)] = self.world.end_state()
        self.world.lane.arm(lambda _: None)
        assert self.world.remove(), "undisturbed, the removal does not end"
        self.requests["remove"] = self.world.lane.disarm()
        assert not differences(self._kept(), {}), f"undisturbed, a removal leaves {sorted(self._kept())}"
        self.world.purge()

    def install(self, disturbance: Disturbance) -> bool:
        """A node from nothing. Leaves it there."""
        return self._work("install", FIRST, disturbance)

    def flip(self, disturbance: Disturbance) -> bool:
        """Upgrade all components of the node that is there, or back again: B, A, B must change nothing."""
        before = (self.world.resource() or {})["spec"]
        return self._work("upgrade", FIRST if _cpu(before) == _cpu(SECOND) else SECOND, disturbance)

    def remove(self, disturbance: Disturbance) -> bool:
        """Delete the node; afterwards only what is kept on purpose is there. Leaves nothing."""
        secrets = self.world.credentials()
        self._begin(disturbance)
        self.world.api.delete(self.world.path)
        gone = self._until(lambda: self.world.resource() is None, disturbance)
        self._end(disturbance)
        gone = gone or self.world.until(lambda: self.world.resource() is None)
        if not gone:
            return self._stuck("removal", disturbance)
        self._same_secrets(secrets, f"removal, {disturbance.name}")
        if left := self._kept():
            self.counts.orphans.append(f"removal, {disturbance.name}: {sorted(left)}")
        self.counts.converged += 1
        self.world.purge()
        return True

    def _work(self, name: str, wish: Spec, disturbance: Disturbance) -> bool:
        secrets = self.world.credentials()
        self._begin(disturbance)
        self.world.declare(wish).raise_for_status()
        done = self._until(self.world.converged, disturbance)
        secrets |= {one: value for one, value in self.world.credentials().items() if one not in secrets}
        self._end(disturbance)
        if not (done or self.world.until(self.world.converged)):
            return self._stuck(name, disturbance)
        self._same_secrets(secrets, f"{name}, {disturbance.name}")
        wanted = self.wanted[_cpu(wish)]
        if not self.world.until(lambda: not differences(self.world.end_state(), wanted), 10):
            found = differences(self.world.end_state(), wanted)
            self.counts.wrong.append(f"{name}, {disturbance.name}: {found}")
            self.counts.orphans += [one for one in found if one.endswith("too much")]
            return False
        self.counts.converged += 1
        return True

    def _begin(self, disturbance: Disturbance) -> None:
        self.counts.trials += 1
        self.world.lane.injected.clear()
        self.world.until(lambda: True)
        self.world.revive()
        self.world.lane.arm(disturbance.decide)

    def _until(self, what: Callable[[], bool], disturbance: Disturbance) -> bool:
        """Like the world's, with what is done from outside in between."""

        def look() -> bool:
            disturbance.meanwhile()
            return what()

        return self.world.until(look, LIMIT / 2)

    def _end(self, disturbance: Disturbance) -> None:
        self.world.lane.disarm()
        kills = disturbance.kills()
        self.counts.kills += kills
        self.counts.injected += kills + self.world.lane.injected.total()
        self.counts.ended = list(self.world.operator.ended)

    def _stuck(self, name: str, disturbance: Disturbance) -> bool:
        conditions = {kind: (one["status"], one["message"][:160]) for kind, one in self.world.conditions().items()}
        text = f"{name}, {disturbance.name}: {conditions or 'no fresh status'}; releases {self.world.revisions()}"
        self.counts.stuck.append(text)
        self.say(f"STUCK {text}")
        return False

    def _same_secrets(self, before: dict[str, dict[str, str]], where: str) -> None:
        now = self.world.credentials()
        self.counts.secrets_changed += [f"{where}: {name}" for name, value in before.items() if now.get(name) != value]

    def _kept(self) -> State:
        """What is there of charts but for the claims, which stay on purpose."""
        return {name: one for name, one in self.world.end_state().items() if not name.startswith("persistentvolumeclaims ")}


def _cpu(wish: Spec) -> str:
    return str(wish["components"]["postgresql"]["resources"]["requests"]["cpu"])


# ── Disturbances ───────────────────────────────────────────────────────────────────────────────────────────────────────


def together(*several: Disturbance) -> Disturbance:
    """All of them in one trial; of two faults at one request the first counts."""

    def decide(asked: Asked) -> Fault | None:
        found = [fault for one in several if (fault := one.decide(asked)) is not None]
        return found[0] if found else None

    def meanwhile() -> None:
        for one in several:
            one.meanwhile()

    return Disturbance(
        ", ".join(one.name for one in several), decide, meanwhile, lambda: sum(one.kills() for one in several)
    )


def kth(number: int, fault: Fault) -> Disturbance:
    """The k-th request goes wrong, and no other."""
    return Disturbance(f"{fault.name} at request {number}", lambda asked: fault if asked.number == number else None)


def at_random(rng: random.Random, rate: float) -> Disturbance:
    """Any request, those about the Lease and watches too, goes wrong with this probability."""
    kinds = list(Fault)
    return Disturbance(
        f"{rate:.1%} of all requests at random", lambda _: rng.choice(kinds) if rng.random() < rate else None
    )


def storm(fault: Fault, requests: int) -> Disturbance:
    """The first so many requests all go wrong: the API server is down, or drowns. The Lease is spared: its loss ends us."""
    return Disturbance(
        f"{fault.name} at {requests} requests in a row", lambda asked: fault if 0 < asked.number <= requests else None
    )


def operator_kills(world: World, gaps: Iterator[int], rng: random.Random, most: int) -> Disturbance:
    """SIGKILL of the operator at its next k-th request, and again, `most` times; every other time its Helm dies, too."""
    done, target = 0, next(gaps)

    def decide(asked: Asked) -> Fault | None:
        nonlocal done, target
        if done < most and asked.number >= target and world.kill(helm_too=rng.random() < 0.5):
            done += 1
            target = asked.number + next(gaps)
            return rng.choice((None, Fault.CUT))  # the deadly request itself was sent, or was not any more
        return None

    return Disturbance(f"up to {most} kills of the operator", decide, kills=lambda: done)


@dataclass
class Sweep:
    """The operator is killed at each of these requests, and each of those goes wrong in some way; what was hit is taken out."""

    world: World
    rng: random.Random
    kills: set[int]
    faults: set[int]
    killed: int = 0

    def disturbance(self) -> Disturbance:
        name = f"kills of the operator at requests {sorted(self.kills)}, faults at {sorted(self.faults)}"
        return Disturbance(name, self._decide, kills=lambda: self.killed)

    def _decide(self, asked: Asked) -> Fault | None:
        # An operator that another lane has just killed can't be killed: the request stays to be tried again.
        if asked.number in self.kills and self.world.kill(helm_too=self.rng.random() < 0.5):
            self.kills.remove(asked.number)
            self.killed += 1
            return self.rng.choice((None, Fault.CUT))  # the deadly request itself was sent, or was not any more
        if asked.number in self.faults:
            self.faults.remove(asked.number)
            return self.rng.choice(list(Fault))
        return None


def helm_kills(world: World, rng: random.Random, most: int) -> Disturbance:
    """SIGKILL of Helm at random moments, while the operator lives."""
    done = 0

    def meanwhile() -> None:
        nonlocal done
        helms = world.operator.helms(world.namespace)
        if helms and done < most and rng.random() < 0.4:
            done += 1
            with contextlib.suppress(psutil.NoSuchProcess):
                rng.choice(helms).send_signal(rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)))

    return Disturbance(f"up to {most} ends of Helm", lambda _: None, meanwhile, lambda: done)

"""The long chaos run, for `make chaos`: every k-th request of an installation and of an upgrade, kills, faults at random.

usage: long.py [--kills 500] [--seconds 2700] [--lanes 4] [--seed N]

Several nodes are worked on beside each other by one operator, each in a lane of its own: a kill of the operator hits them all,
a fault only its lane's node. A trial kills the operator at the k-th request about its node, at the one a stride later, and so
on to the end of the work, and lets requests between them go wrong in some way; the next trial begins one further. In the end
both happened at every k, and what was missed because the operator was dead already is tried again.

It ends by itself when everything was done or the time is over, prints its counts as it goes, and fails when anything got
stuck, ended up different, changed a credential or left an orphan, or when not everything could be done in the time.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import edits
from trials import Counts, Disturbance, Sweep, Trials, at_random, helm_kills, operator_kills, together
from world import World, world

from mininode.toolbox.toolbox import Toolbox

_SAY_EVERY = 30.0  # s
_STRIDE = 60  # requests from one kill of the operator to the next one in the same trial: a life long enough to get on
CALM = Disturbance("no disturbance", lambda _: None)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass
class Lane:
    """One node, and what comes of it."""

    trials: Trials
    rng: random.Random

    @property
    def world(self) -> World:
        return self.trials.world

    @property
    def counts(self) -> Counts:
        return self.trials.counts

    def sweep(self, kills: set[int], faults: set[int]) -> tuple[Sweep, Disturbance]:
        """The operator dies at some requests, others go wrong, and Helm may die, too."""
        sweep = Sweep(self.world, self.rng, kills, faults)
        return sweep, together(sweep.disturbance(), helm_kills(self.world, self.rng, 1))

    def anything(self) -> tuple[str, Disturbance]:
        """Trouble of any kind, for as long as there is time."""
        gaps = iter(lambda: self.rng.randint(1, 60), 0)
        disturbance = self.rng.choice((
            operator_kills(self.world, gaps, self.rng, 6),
            helm_kills(self.world, self.rng, 4),
            at_random(self.rng, self.rng.choice((0.005, 0.01, 0.02))),
        ))  # fmt: skip
        return self.rng.choice(("upgrade", "upgrade", "install", "remove", "edits")), disturbance

    def step(self, work: str, disturbance: Disturbance) -> bool:
        """Bring about what the work starts from, without disturbance of this lane's own, then do it."""
        if work == "edits":
            try:
                edits.run(self.world, self.counts, examples=1, steps=12, repeat=False)
            except AssertionError as error:
                self.counts.wrong.append(f"edits: {error}")
                return False
            return self.trials.remove(CALM)  # the next trial knows nothing of this one's wishes
        there = self.world.resource() is not None
        if work == "install":
            return (self.trials.remove(CALM) if there else True) and self.trials.install(disturbance)
        if not there and not self.trials.install(CALM):
            return False
        return self.trials.flip(disturbance) if work == "upgrade" else self.trials.remove(disturbance)


@dataclass
class Left:
    """The requests of one kind of work at which something has not happened yet."""

    requests: int  # of undisturbed work
    kills: set[int] = field(init=False)
    faults: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.kills, self.faults = set(range(1, self.requests + 1)), set(range(1, self.requests + 1))

    def __len__(self) -> int:
        return len(self.kills) + len(self.faults)

    def take(self) -> tuple[set[int], set[int]]:
        """Out of what is left, kills and faults for one trial, each a stride from the next."""
        return self._strides(self.kills), self._strides(self.faults, away=_STRIDE // 2)

    @staticmethod
    def _strides(left: set[int], away: int = 0) -> set[int]:
        taken: list[int] = []
        start = min(left, default=0) + (away if len(left) > _STRIDE else 0)
        for number in sorted(left):
            if number >= (taken[-1] + _STRIDE if taken else start):
                taken.append(number)
        left.difference_update(taken)
        return set(taken)


@dataclass
class Run:
    """All lanes, and what is left to be done."""

    lanes: list[Lane]
    kills: int
    deadline: float
    left: dict[str, Left] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    one_game: threading.Lock = field(default_factory=threading.Lock)  # hypothesis is for one thread

    def fill(self) -> None:
        """Every request of an upgrade and of an installation: the fewest of any lane, for all of those come every time."""
        self.left = {
            work: Left(min(lane.trials.requests[work] for lane in self.lanes)) for work in ("upgrade", "install")
        }

    def enough(self) -> bool:
        """Everything was done, or the time is over."""
        return time.monotonic() > self.deadline or (not any(self.left.values()) and self.counts().kills >= self.kills)

    def counts(self) -> Counts:
        return Counts.sum([lane.counts for lane in self.lanes])

    def work(self, lane: Lane) -> None:
        """One lane's trials, one after the other, until there was enough."""
        while not self.enough():
            begun = time.monotonic()
            with self.lock:
                work = max(self.left, key=lambda one: len(self.left[one]))
                kills, faults = self.left[work].take()
            if kills or faults:
                sweep, disturbance = lane.sweep(kills, faults)
            else:
                sweep, (work, disturbance) = None, lane.anything()
            if work == "edits":
                with self.one_game:
                    fine = lane.step(work, disturbance)
            else:
                fine = lane.step(work, disturbance)
            if sweep is not None:
                with self.lock:
                    self.left[work].kills |= sweep.kills
                    self.left[work].faults |= sweep.faults
            what = f"{work}: {disturbance.name}{'' if fine else ': NOT WELL'}"
            say(f"{time.monotonic() - begun:6.1f} s  {lane.world.namespace}  {what}")
            if not fine:
                lane.world.move()
                lane.trials.reference()

    def line(self) -> str:
        every = sum(one.requests for one in self.left.values())
        killed, faulted = (every - sum(len(getattr(one, what)) for one in self.left.values()) for what in ("kills", "faults"))
        return f"killed at {killed} and fault at {faulted} of {every} requests; {self.counts().line()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=2700.0)
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - to be repeated, not to be secret
    say(f"seed {options.seed}, {options.kills} kills, {options.seconds:.0f} s at most, {options.lanes} lanes")
    box = Toolbox.from_environment(say=say)
    with (
        tempfile.TemporaryDirectory(prefix="mininode-chaos-", ignore_cleanup_errors=True) as folder,
        world(Path(folder), cache(lambda name: box.get(name).path), say) as one,
    ):
        worlds = [one, *(one.beside(f"chaos-{number}") for number in range(2, options.lanes + 1))]
        lanes = [Lane(Trials(each, Counts(), say), random.Random(rng.random())) for each in worlds]  # noqa: S311
        run = Run(lanes, options.kills, time.monotonic() + options.seconds)
        with ThreadPoolExecutor(len(lanes)) as pool:
            list(pool.map(lambda lane: lane.trials.reference(), lanes))
            run.fill()
            say(f"requests of undisturbed work, the fewest of any lane: { {work: one.requests for work, one in run.left.items()} }")
            working = [pool.submit(run.work, lane) for lane in lanes]
            while not all(each.done() for each in working):
                time.sleep(_SAY_EVERY)
                say(run.line())
            for each in working:
                each.result()
        counts = run.counts()
        if counts.faults():
            kept = Path(tempfile.gettempdir()) / f"mininode-chaos-operator-{options.seed}.log"
            kept.write_bytes(one.operator.log.read_bytes())
            say(f"the operator's log: {kept}")
    say(run.line())
    for fault in counts.faults():
        say(f"  {fault}")
    whole = not any(run.left.values()) and counts.kills >= options.kills
    if not whole:
        say("not everything could be done in the time")
    return 1 if counts.faults() or not whole else 0


if __name__ == "__main__":
    sys.exit(main())

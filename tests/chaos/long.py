"""The long chaos run, for `make chaos`: every k-th request of an installation and of an upgrade, kills, faults at random.

usage: long.py [--kills 500] [--seconds 1800] [--lanes 4] [--seed N]

Several nodes are worked on beside each other by one operator, each in a lane of its own: a kill of the operator hits them all,
a fault only its lane's node. For every k there is a trial in which the operator is killed at the k-th request about its node
(and again some requests later), and some other request goes wrong in some way, so that in the end both happened at every k.

It ends by itself when everything was done or the time is over, prints its counts as it goes, and fails when anything got
stuck, ended up different, changed a credential or left an orphan, or when not everything could be done in the time.
"""

import argparse
import queue
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
from proxy import Fault
from trials import Counts, Disturbance, Trials, at_random, helm_kills, kth, operator_kills, together
from world import World, world

from mininode.toolbox.toolbox import Toolbox

_SAY_EVERY = 30.0  # s
_NEXT = 40  # requests from one kill of the operator to the next one in the same trial
_PER_TRIAL = 3  # kills of the operator in one trial, at most
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

    def at(self, kill: int, fault: int) -> Disturbance:
        """The operator dies at one request and some later, another one goes wrong, and so may Helm."""
        gaps = iter((kill, *[_NEXT] * (_PER_TRIAL - 1), 1 << 30))
        ends = helm_kills(self.world, self.rng, 1)
        return together(
            operator_kills(self.world, gaps, self.rng, _PER_TRIAL), kth(fault, self.rng.choice(list(Fault))), ends
        )

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
class Run:
    """All lanes, and what is left to be done."""

    lanes: list[Lane]
    kills: int
    deadline: float
    todo: "queue.SimpleQueue[tuple[str, int, int]]" = field(default_factory=queue.SimpleQueue)
    done: list[tuple[str, int]] = field(default_factory=list)
    every: int = 0
    one_game: threading.Lock = field(default_factory=threading.Lock)  # hypothesis is for one thread

    def fill(self, rng: random.Random) -> None:
        """A trial for each k of an upgrade and of an installation, in a random order."""
        whole = []
        for work in ("upgrade", "install"):
            numbers = range(1, max(lane.trials.requests[work] for lane in self.lanes) + 1)
            whole += [(work, kill, fault) for kill, fault in zip(numbers, rng.sample(numbers, len(numbers)), strict=True)]
        self.every = len(whole)
        for one in rng.sample(whole, len(whole)):
            self.todo.put(one)

    def enough(self) -> bool:
        """Everything was done, or the time is over."""
        return time.monotonic() > self.deadline or (self.todo.empty() and self.counts().kills >= self.kills)

    def counts(self) -> Counts:
        return Counts.sum([lane.counts for lane in self.lanes])

    def work(self, lane: Lane) -> None:
        """One lane's trials, one after the other, until there was enough."""
        while not self.enough():
            begun, k = time.monotonic(), 0
            try:
                work, k, fault = self.todo.get_nowait()
                disturbance = lane.at(k, fault)
            except queue.Empty:
                work, disturbance = lane.anything()
            if work == "edits":
                with self.one_game:
                    fine = lane.step(work, disturbance)
            else:
                fine = lane.step(work, disturbance)
            if k:
                self.done.append((work, k))
            what = f"{work}{f', k = {k}' if k else ''}: {disturbance.name}{'' if fine else ': NOT WELL'}"
            say(f"{time.monotonic() - begun:6.1f} s  {lane.world.namespace}  {what}")
            if not fine:
                lane.world.move()
                lane.trials.reference()

    def line(self) -> str:
        return f"every k: {len(self.done)} of {self.every}; {self.counts().line()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=1800.0)
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
            run.fill(rng)
            say(f"requests of undisturbed work, the most of any lane: {run.every} of an upgrade and an installation together")
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
    whole = len(run.done) == run.every and counts.kills >= options.kills
    if not whole:
        say("not everything could be done in the time")
    return 1 if counts.faults() or not whole else 0


if __name__ == "__main__":
    sys.exit(main())

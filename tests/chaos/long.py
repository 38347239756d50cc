"""The long chaos run, for `make chaos`: every k-th request of an installation and of an upgrade, kills, faults at random.

usage: long.py [--kills 500] [--seconds 1800] [--seed N]

It ends by itself when the time is over or everything was done, prints its counts as it goes, and fails when anything
got stuck, ended up different, changed a credential or left an orphan.
"""

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import edits
from proxy import Fault
from trials import Counts, Disturbance, Trials, at_random, helm_kills, kth, operator_kills
from world import World, world

from mininode.toolbox.toolbox import Toolbox

_SAY_EVERY = 30.0  # s


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def every_kth(trials: Trials, rng: random.Random) -> Iterator[tuple[str, Disturbance]]:
    """Each request of an upgrade and of an installation, in a random order, with one fault each."""
    todo = [("upgrade", k) for k in range(1, trials.requests["upgrade"] + 1)]
    todo += [("install", k) for k in range(1, trials.requests["install"] + 1)]
    rng.shuffle(todo)
    for work, k in todo:
        yield work, kth(k, rng.choice(list(Fault)))


def killing(one: World, trials: Trials, rng: random.Random, wanted: int) -> Iterator[tuple[str, Disturbance]]:
    """Kills of the operator and of Helm until there were enough."""
    for turn in itertools.count():
        if trials.counts.kills >= wanted:
            return
        gaps = iter(lambda: rng.randint(1, 60), 0)
        yield rng.choice(("upgrade", "upgrade", "install", "remove")), (
            operator_kills(one, gaps, rng, 8) if turn % 3 else helm_kills(one, rng, 4)
        )


def noise(rng: random.Random) -> Iterator[tuple[str, Disturbance]]:
    """Faults everywhere, the Lease and the watches too."""
    while True:
        yield rng.choice(("upgrade", "install", "remove")), at_random(rng, rng.choice((0.005, 0.01, 0.02)))


def games() -> Iterator[tuple[str, Disturbance]]:
    """Random edits; what goes wrong is in the game itself."""
    while True:
        yield "edits", Disturbance("a game of random edits", lambda _: None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - to be repeated, not to be secret
    say(f"seed {options.seed}, {options.kills} kills, {options.seconds:.0f} s at most")
    box = Toolbox.from_environment(say=say)
    counts = Counts()
    with (
        tempfile.TemporaryDirectory(prefix="mininode-chaos-", ignore_cleanup_errors=True) as folder,
        world(Path(folder), cache(lambda name: box.get(name).path), say) as one,
    ):
        trials = Trials(one, counts, say)
        trials.reference()
        say(f"requests of undisturbed work: {trials.requests}")
        run(one, trials, rng, options.kills, time.monotonic() + options.seconds)
        if counts.faults():
            kept = Path(tempfile.gettempdir()) / f"mininode-chaos-operator-{options.seed}.log"
            kept.write_bytes(one.operator.log.read_bytes())
            say(f"the operator's log: {kept}")
    say(counts.line())
    for fault in counts.faults():
        say(f"  {fault}")
    return 1 if counts.faults() or not counts.converged else 0


def run(one: World, trials: Trials, rng: random.Random, kills: int, deadline: float) -> None:
    """One source of trouble after the other, in turn, until the time is over; kills go on until there were enough."""
    sources = [killing(one, trials, rng, kills), every_kth(trials, rng), killing(one, trials, rng, kills), noise(rng), games()]
    said = time.monotonic()
    for source in itertools.cycle(list(sources)):
        if time.monotonic() > deadline:
            return
        if source not in sources:
            continue
        try:
            work, disturbance = next(source)
        except StopIteration:
            sources.remove(source)
            continue
        begun = time.monotonic()
        fine = step(one, trials, work, disturbance)
        say(f"{time.monotonic() - begun:6.1f} s  {work}: {disturbance.name}{'' if fine else ': NOT WELL'}")
        if not fine:
            one.move()
            trials.reference()
        if time.monotonic() - said > _SAY_EVERY:
            said = time.monotonic()
            say(trials.counts.line())


def step(one: World, trials: Trials, work: str, disturbance: Disturbance) -> bool:
    """Bring about what the work starts from, without disturbance, then do it."""
    calm = Disturbance("no disturbance", lambda _: None)
    if work == "edits":
        try:
            edits.run(one, trials.counts, examples=1, steps=12, repeat=False)
        except AssertionError as error:
            trials.counts.wrong.append(f"edits: {error}")
            return False
        return trials.remove(calm)  # the next trial knows nothing of this one's wishes
    there = one.resource() is not None
    if work == "install":
        return (trials.remove(calm) if there else True) and trials.install(disturbance)
    if not there and not trials.install(calm):
        return False
    return trials.flip(disturbance) if work == "upgrade" else trials.remove(disturbance)


if __name__ == "__main__":
    sys.exit(main())

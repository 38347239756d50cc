"""One world for the session's chaos: its own rehearsal, since its operator must die often and belongs to nobody else."""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # helpers of this folder, which is no package

from trials import Counts, Trials
from world import World
from world import world as started

from mininode.toolbox.toolbox import Toolbox


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    box = Toolbox.from_environment(say=print)
    with started(tmp_path_factory.mktemp("chaos"), cache(lambda name: box.get(name).path), print) as one:
        yield one


@pytest.fixture(scope="session")
def trials(world: World) -> Trials:
    """Undisturbed work was done once; nothing is left of it."""
    one = Trials(world, Counts(), print)
    one.reference()
    return one


@pytest.fixture
def counts(trials: Trials, capsys: pytest.CaptureFixture[str]) -> Iterator[Counts]:
    """What this test's trials came to; printed, and any fault fails the test."""
    trials.counts = Counts()
    yield trials.counts
    with capsys.disabled():
        sys.stdout.write(f"\n  {trials.counts.line()}\n")

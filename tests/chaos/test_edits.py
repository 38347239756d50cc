"""A few games of random edits; `make chaos` plays more and longer ones."""

import edits
import pytest
from trials import Counts
from world import World

pytestmark = pytest.mark.chaos


def test_after_any_edits_the_node_is_as_from_scratch(world: World, counts: Counts) -> None:
    edits.run(world, counts, examples=2, steps=7, repeat=True)
    assert counts.faults() == []
    assert counts.converged == counts.trials >= 2

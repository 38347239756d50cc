"""The order of components: dependencies first, the alphabet among equals, the same on every machine."""

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter


def ordered(requires: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Names with everything they require before them. Edges to names outside are ignored.

    Raises ValueError when components require each other in a circle.
    """
    sorter = TopologicalSorter(
        {name: [other for other in needs if other in requires] for name, needs in requires.items()}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(f"components require each other in a circle: {' → '.join(error.args[1])}") from error
    result: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        result += ready
        sorter.done(*ready)
    return tuple(result)


def dependants(name: str, requires: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Every component that requires `name`, directly or through others."""
    found: set[str] = set()
    frontier = {name}
    while frontier:
        frontier = {other for other, needs in requires.items() if frontier & set(needs)} - found
        found |= frontier
    return frozenset(found)

"""The order of components, for any graph."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.planning.graph import dependants, ordered

Graph = Mapping[str, tuple[str, ...]]


@st.composite
def acyclic(draw: st.DrawFn) -> Graph:
    """A random graph without circles: each name may require names that were drawn before it."""
    names = draw(st.lists(st.text("abcdefgh", min_size=1, max_size=4), unique=True, max_size=10))
    edges = {name: draw(st.sets(st.sampled_from(names[:i]))) if i else set[str]() for i, name in enumerate(names)}
    shuffled = draw(st.permutations(names))
    return {name: tuple(sorted(edges[name])) for name in shuffled}


def reaches(graph: Graph, start: str, goal: str) -> bool:
    """Whether `start` requires `goal`, by walking every path."""
    return any(other == goal or reaches(graph, other, goal) for other in graph[start])


@given(acyclic())
def test_everything_comes_after_what_it_requires(graph: Graph) -> None:
    order = ordered(graph)
    assert sorted(order) == sorted(graph)
    assert all(order.index(other) < order.index(name) for name, needs in graph.items() for other in needs)


@given(acyclic(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_input(graph: Graph, random: "object") -> None:
    names = sorted(graph)
    random.shuffle(names)  # type: ignore[attr-defined] # hypothesis' Random
    assert ordered({name: tuple(reversed(graph[name])) for name in names}) == ordered(graph)


@given(acyclic())
def test_dependants_are_those_that_reach_it(graph: Graph) -> None:
    for name in graph:
        assert dependants(name, graph) == {other for other in graph if reaches(graph, other, name)}


def test_names_outside_are_ignored() -> None:
    assert ordered({"a": ("elsewhere",), "b": ("a",)}) == ("a", "b")


def test_a_circle_is_named() -> None:
    with pytest.raises(ValueError, match="circle") as caught:
        ordered({"a": ("b",), "b": ("c",), "c": ("a",), "lonely": ()})
    said = str(caught.value)
    assert all(name in said for name in ("a →", "b", "c"))
    assert "lonely" not in said


def test_what_requires_itself_is_a_circle() -> None:
    with pytest.raises(ValueError, match="a → a"):
        ordered({"a": ("a",)})

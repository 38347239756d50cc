"""The digest of a component's inputs: equal exactly when the inputs are."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mininode.planning.digest import digest

TREE = Path(__file__).parents[3]

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
inputs = st.dictionaries(st.text(max_size=6), values, min_size=1, max_size=5)


def reordered(value: Any) -> Any:
    """The same value with every map's keys the other way round."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(one) for one in value] if isinstance(value, list) else value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all leaves; an empty map or list is one."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    return [path] if not pairs else [found for key, inner in pairs for found in places(inner, (*path, key))]


def with_leaf(value: Any, path: tuple[Any, ...], leaf: Any) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = leaf
    return changed


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


@given(inputs)
def test_the_order_of_keys_means_nothing(one: dict[str, Any]) -> None:
    assert digest(reordered(one)) == digest(one)


@given(st.data())
def test_any_changed_leaf_shows(data: st.DataObject) -> None:
    one = data.draw(inputs)
    path = data.draw(st.sampled_from(places(one)))
    leaf = data.draw(leaves)
    # JSON's own view of equal: Python takes 1, 1.0 and True for the same.
    assume(json.dumps(at(one, path)) != json.dumps(leaf))
    assert digest(with_leaf(one, path, leaf)) != digest(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": 0}, {"a": False}),
        ({"a": None}, {}),
        ({"a": None}, {"a": "null"}),
        ({"a": {}}, {"a": []}),
        ({"a": {"b": 1}}, {"a": {}, "b": 1}),
        ({"a": "x", "b": "y"}, {"a": "y", "b": "x"}),
        ({"a": "1", "b": ""}, {"a": "", "b": "1"}),
    ],
)
def test_what_differs_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert digest(one) != digest(other)


def test_it_is_fit_for_a_label() -> None:
    # apimachinery: at most 63 of these, letters or digits at both ends
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", digest({"a": 1}))


def test_the_recipe_is_part_of_it() -> None:
    """A recipe that changes without a new version would upgrade every component of every node. The figure is sha256sum's."""
    assert digest({"chart": "abc", "values": {"b": [1, "ü", None], "a": True}}) == (
        "v1-304f3f026dbfeecd134d1600c81b1f731f964847"
    )


def test_other_processes_come_to_the_same() -> None:
    program = (
        "from mininode.planning.digest import digest\n"
        "names = {'keycloak', 'guacamole', 'postgresql', 'dataset-service'}\n"
        "print(digest({name: {key: 1 for key in names} for name in names}))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(TREE / "operator")},
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout
        for seed in ("0", "1", "4242")
    }  # fmt: skip
    assert len(answers) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest({"a": value})


def test_a_value_that_json_lacks_is_refused() -> None:
    with pytest.raises(TypeError):
        digest({"a": {1, 2}})

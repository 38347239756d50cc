"""Merging values as Helm does. tests/control_plane/test_values_oracle.py asks Helm itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.planning.values import merged, put

keys = st.sampled_from("abc")
trees = st.dictionaries(
    keys, st.recursive(st.none() | st.integers() | st.lists(st.integers(), max_size=2), lambda t: st.dictionaries(keys, t))
)


@pytest.mark.parametrize(
    ("base", "over", "both"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, {"a": {"b": None}}, {"a": {"b": None}}),
    ],
)
def test_maps_by_key_all_else_replaced(base: dict[str, Any], over: dict[str, Any], both: dict[str, Any]) -> None:
    assert merged(base, over) == both


@given(trees, trees)
def test_a_second_time_changes_nothing(base: dict[str, Any], over: dict[str, Any]) -> None:
    once = merged(base, over)
    assert merged(once, over) == once
    assert merged(base, {}) == base


@given(trees, trees)
def test_everything_on_top_is_there_and_everything_else_stays(base: dict[str, Any], over: dict[str, Any]) -> None:
    both = merged(base, over)
    assert {key: both[key] for key in base.keys() - over.keys()} == {key: base[key] for key in base.keys() - over.keys()}
    assert {key: both[key] for key in over if not isinstance(over[key], dict)} == {
        key: value for key, value in over.items() if not isinstance(value, dict)
    }


@given(trees, trees)
def test_nothing_given_is_changed(base: dict[str, Any], over: dict[str, Any]) -> None:
    before = repr((base, over))
    merged(base, over)
    assert repr((base, over)) == before


def test_put_keeps_what_lies_beside() -> None:
    assert put({"a": {"b": 1}, "d": 2}, "a.c.e", 3) == {"a": {"b": 1, "c": {"e": 3}}, "d": 2}
    assert put({}, "image", "x:1") == {"image": "x:1"}

"""The comparison: only what is declared, and no difference that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.keycloak.diff import Difference, lacking, same, show, unequal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_value_is_the_same_as_itself(value: object) -> None:
    assert same(value, value)


@given(st.dictionaries(st.text(), st.integers()), st.dictionaries(st.text(), st.integers()))
def test_what_is_not_declared_makes_no_difference(declared: dict[str, int], others: dict[str, int]) -> None:
    assert unequal({**others, **declared}, declared) == {}


@given(st.dictionaries(st.text(), st.integers(min_value=1), min_size=1), st.data())
def test_each_changed_field_is_found(declared: dict[str, int], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(declared)))
    assert unequal(declared | {name: declared[name] + 1}, declared) == {name: declared[name]}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [(None, ""), ("", None), (None, False), ("false", False), ("true", True), (None, []), (["b", "a"], ["a", "b"])],
)
def test_same_under_another_form(found: object, wanted: object) -> None:
    assert same(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [("true", False), (None, True), (["a"], ["a", "b"]), (["a", "b"], ["a"]), ("5", 5), ({"a": 1}, {"a": 2}), (None, {"a": 1})],
)
def test_different(found: object, wanted: object) -> None:
    assert not same(found, wanted)


def test_lacking_keeps_the_order_of_the_wanted() -> None:
    assert lacking(["b"], ["c", "b", "a"]) == ("c", "a")


def test_difference_reads_as_a_sentence() -> None:
    assert str(Difference("client", "x", "", "not there", "there")) == "client x is not there"
    assert str(Difference("client", "x", "enabled", "False", "True")) == "client x: enabled is False, wanted True"


def test_long_values_are_cut() -> None:
    assert len(show("x" * 1000)) == 120
    assert show([]) == "empty"

"""Which version is newer, and what a node without a version counts as."""

import pytest

from mininode.cli.version_guard import INSTALLED_BY, installed_by, is_newer


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        ("0.2.0", "0.1.0", True),
        ("0.10.0", "0.9.9", True),
        ("1", "0.9", True),
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.2.0", False),
        ("0.2.0.dev1", "0.2.0", False),
        ("", "0.1.0", False),
        ("unknown", "0.1.0", False),
    ],
)
def test_newer(one: str, other: str, newer: bool) -> None:
    assert is_newer(one, other) is newer


def test_the_version_on_a_node() -> None:
    assert installed_by({"metadata": {"annotations": {INSTALLED_BY: "0.3.0"}}}) == "0.3.0"
    assert installed_by({"metadata": {}}) == ""
    assert installed_by(None) == ""

"""One cluster for all tests of this folder, without a node that is Ready in it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))  # helpers, in a folder that is no package

from person import Person, somebody

NODE = {"domain": "node.mininode.internal", "siteName": "Lane", "tls": {"mode": "ownCA"}}


@pytest.fixture(scope="session")
def person() -> Iterator[Person]:
    """One person for all tests; what they made is gone afterwards."""
    with somebody("mininode-lane", (29180, 29443), "5000Mi", NODE) as one:
        yield one

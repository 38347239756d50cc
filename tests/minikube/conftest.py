"""One cluster for all tests of this folder, without a node that is Ready in it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "lab")]  # helpers, in folders that are no packages

from deeds import NODE, install, sentinel  # noqa: E402 - found by the path above
from person import Person, somebody  # noqa: E402


@pytest.fixture(scope="session")
def person() -> Iterator[Person]:
    """One person for all tests; what they made is gone afterwards."""
    with somebody("mininode-lane", (29180, 29443), "5000Mi", NODE) as one:
        one.operator = {}
        yield one


@pytest.fixture(scope="session")
def first(person: Person) -> subprocess.CompletedProcess[str]:
    """The first install: a cluster, and the operator's releases in it."""
    done = install(person)
    assert "4/8 folders" in done.stdout, done.stdout + done.stderr
    assert person.state_now() == "Running", done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def made(person: Person, first: object) -> Person:  # noqa: ARG001 - made by it
    """The person with a cluster."""
    return person


@pytest.fixture
def identity(made: Person) -> Iterator[str]:
    """What tells this cluster from one that was reset: the same before and after the test, in the cluster and beside the data."""
    marker = json.loads((made.data / ".mininode/node.json").read_text())["identity"]
    yield marker
    assert json.loads((made.data / ".mininode/node.json").read_text())["identity"] == marker
    assert sentinel(made) == marker

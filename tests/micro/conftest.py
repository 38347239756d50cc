"""One node for the session: `python3 install.py micro --cluster minikube` into a cluster of its own, whose pods are all real.

The data lie on a disk of their own, as small as one that a test can fill. From before the first pod on, every flow of the
node's network is written down.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab"), str(HERE.parent / "services")]  # helpers, in folders that are no packages

from browser import Page, chromium  # noqa: E402 - after the path to it
from disk import Disk, a_disk  # noqa: E402
from flows import Watch, watched  # noqa: E402
from micro_node import DOMAIN, HTTP, HTTPS, MEMORY, NODE, PROFILE, install  # noqa: E402
from person import Person, somebody  # noqa: E402
from visitors import Program  # noqa: E402


@pytest.fixture(scope="session")
def somebody_new() -> Iterator[Person]:
    """Somebody who has not installed yet."""
    with somebody(PROFILE, (HTTP, HTTPS), MEMORY, NODE) as one:
        yield one


@pytest.fixture(scope="session")
def disk(somebody_new: Person) -> Iterator[Disk]:
    """The disk below the data."""
    with a_disk(somebody_new.data) as one:
        yield one


@pytest.fixture(scope="session")
def watch(somebody_new: Person, disk: Disk) -> Iterator[Watch]:  # noqa: ARG001 - the disk is there before anything runs on it
    """Every flow of the session."""
    with watched(somebody_new) as one:
        yield one


@pytest.fixture(scope="session")
def person(somebody_new: Person, watch: Watch) -> Person:  # noqa: ARG001 - from before the first pod on
    """Somebody whose node came up."""
    install(somebody_new)
    return somebody_new


@pytest.fixture
def program(person: Person) -> Iterator[Program]:
    one = Program(person)
    yield one
    one.http.close()


@pytest.fixture
def page(person: Person, tmp_path: Path) -> Iterator[Page]:  # noqa: ARG001 - of whose node it is
    with chromium(tmp_path, DOMAIN, HTTPS) as found:
        yield found


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """With PICTURES set to a folder, the pictures of the documents are renewed there."""
    return Path(os.environ.get("PICTURES") or tmp_path)

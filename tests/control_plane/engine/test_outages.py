"""What happens to a machine while a node is worked on: the database of the cluster dies, everything sleeps, Helm is told to end."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.control_plane

NAP = 20.0  # s, longer than the Lease lasts
DEBUG = {"guacamole": {"values": {"logLevel": "debug"}}}


@pytest.fixture
def under_way(operator: Any, settled: Any, until: Any) -> Iterator[tuple[Any, int]]:
    """An upgrade in which Helm is at work, slowly; its node and the revision before."""
    revision = settled.revisions()["guacamole"][0]
    operator.slow.touch()
    settled.declare(components=DEBUG)
    until(lambda: settled.revisions()["guacamole"] == (revision + 1, "pending-upgrade"), 60)
    yield settled, revision
    operator.slow.unlink(missing_ok=True)


def helms(operator: Any) -> list[psutil.Process]:
    return [one for one in operator.process().children(recursive=True) if "upgrade" in one.cmdline()]


def ended_well(node: Any, revision: int, secrets: Any) -> None:
    """The upgrade is done, with one revision that counts, and no credential is another one."""
    node.until("Rehearsed", seconds=150)
    assert node.revisions()["guacamole"][1] == "deployed"
    assert node.revisions()["guacamole"][0] > revision
    assert node.components()["guacamole"]["digest"] == node.components()["guacamole"]["wanted"]
    assert node.credentials() == secrets


@contextmanager
def asleep(processes: list[psutil.Process]) -> Iterator[None]:
    """Nothing of this runs, and its clocks go on, as on a machine whose lid is closed."""
    for one in processes:
        one.suspend()
    try:
        yield
    finally:
        for one in processes:
            one.resume()


def test_etcd_dies_in_the_middle_of_an_upgrade_and_comes_back(operator: Any, under_way: Any, rehearsal: Any) -> None:
    node, revision = under_way
    secrets = node.credentials()
    (etcd,) = (psutil.Process(one.pid) for one in rehearsal.status().processes if one.name == "etcd")
    etcd.kill()
    etcd.wait(20)
    operator.slow.unlink()
    rehearsal.start(print)
    operator.start()  # as a kubelet would, if the outage outlived it
    ended_well(node, revision, secrets)


def test_a_machine_that_slept_in_the_middle_of_an_upgrade_goes_on(operator: Any, under_way: Any, rehearsal: Any) -> None:
    node, revision = under_way
    secrets = node.credentials()
    # The API server sleeps first and wakes last, as it happens: whoever wakes before it finds nobody.
    processes = [psutil.Process(one.pid) for one in rehearsal.status().processes if one.pid is not None]
    with asleep([*processes, *helms(operator)]):
        time.sleep(NAP)
    operator.slow.unlink()
    operator.start()  # a Lease that was lost is waited for anew; a process that ended is started again
    ended_well(node, revision, secrets)


def test_a_helm_that_is_told_to_end_is_followed_by_another(operator: Any, under_way: Any) -> None:
    node, revision = under_way
    secrets = node.credentials()
    operator.slow.unlink()
    (helm,) = helms(operator)
    helm.terminate()
    ended_well(node, revision, secrets)
    outcomes = [(one["action"], one["outcome"]) for one in node.components()["guacamole"]["attempts"]]
    assert outcomes[0][1] == "Succeeded"
    assert outcomes[1][1] in ("HelmFailed", "HelmKilled"), "Helm's end was seen and counted"
    assert node.components()["guacamole"]["failures"] == 0


def test_what_a_killed_operator_left_in_the_temporary_folder_goes_at_the_next_start(operator: Any, settled: Any) -> None:
    shared = Path(os.environ.get("TMPDIR", "/tmp")) / f"mininode-{os.getuid()}"  # noqa: S108 - as Python's tempfile has it

    def opened() -> set[Path]:
        return {folder for one in operator.process().open_files() if (folder := Path(one.path).parent).parent == shared}

    (left,) = opened()
    assert any(left.iterdir())
    operator.kill(helm_too=True)
    assert left.exists()
    operator.start()
    operator.ready()
    assert not left.exists()
    assert opened() != {left}
    settled.declare()
    settled.until("Rehearsed")

"""Two operators at once: one acts, the other waits and says so, and takes over soon."""

import signal
import time
from typing import Any

import pytest

pytestmark = pytest.mark.control_plane

AFTER_KILL, AFTER_STOP = 20.0, 3.0  # s


@pytest.fixture
def second(operator: Any, new_operator: Any, kubectl: Any) -> Any:
    assert operator.process().is_running()
    one = new_operator()
    one.name = "operator-2"
    one.start()
    kubectl.until(lambda: one.rehearsal.log(one.name).exists() and "waiting for the Lease" in one.log())
    yield one
    one.stop()


def test_the_second_waits_says_so_and_takes_over_after_a_clean_stop(
    operator: Any, second: Any, settled: Any, until: Any, figure: Any
) -> None:
    code, text = second.ask("/readyz")
    assert code == 200  # standing by is its work: a Deployment of two is whole
    assert "waits for the Lease" in text
    assert second.ask("/livez")[0] == 200
    runs = len(second.helm_runs())
    process = operator.process()
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    until(lambda: second.ask("/readyz") == (200, "ok\n"), 30)
    took = time.monotonic() - began
    figure(f"clean stop: the second leads after {took:.2f} s")
    assert took <= AFTER_STOP
    settled.declare(components={"guacamole": {"values": {"logLevel": "debug"}}})
    settled.until("Rehearsed")
    assert second.helm_runs()[runs:] == ["upgrade guacamole"]
    settled.declare()
    settled.until("Rehearsed")


def test_after_a_kill_the_second_takes_over_and_no_release_is_touched(
    operator: Any, second: Any, settled: Any, until: Any, figure: Any
) -> None:
    revisions = settled.revisions()
    operator.kill()
    began = time.monotonic()
    until(lambda: second.ask("/readyz") == (200, "ok\n"), 40)
    took = time.monotonic() - began
    figure(f"kill: the second leads after {took:.1f} s")
    assert took <= AFTER_KILL
    settled.declare(deletionPolicy="Orphan")
    settled.until("Rehearsed")
    assert settled.revisions() == revisions

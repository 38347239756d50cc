"""A sample of the chaos that `make chaos` goes through in full: a few of each kind, in a few minutes."""

import random

import pytest
from proxy import Asked, Fault
from trials import Counts, Disturbance, Trials, at_random, helm_kills, kth, operator_kills, storm
from world import World

pytestmark = pytest.mark.chaos

CALM = Disturbance("no disturbance", lambda _: None)


@pytest.fixture
def installed(trials: Trials, world: World, counts: Counts) -> Counts:
    """There is a node, whatever the test before left."""
    if world.resource() is None:
        assert trials.install(CALM)
    return counts


def well(counts: Counts) -> bool:
    assert counts.faults() == []
    return counts.injected > 0 and counts.converged == counts.trials


def spread(requests: int, faults: list[Fault]) -> list[tuple[int, Fault]]:
    """Requests at even distances, each with a fault of its own."""
    return [(1 + (2 * n + 1) * requests // (2 * len(faults)), fault) for n, fault in enumerate(faults)]


def test_an_installation_bears_a_fault_at_any_request(trials: Trials, world: World, counts: Counts) -> None:
    for number, fault in spread(trials.requests["install"], [Fault.REFUSE_500, Fault.LOSE, Fault.CUT]):
        if world.resource() is not None:
            assert trials.remove(CALM)
        trials.install(kth(number, fault))
    assert well(counts)


def test_an_upgrade_bears_a_fault_at_any_request(trials: Trials, installed: Counts) -> None:
    faults = [Fault.REFUSE_409, Fault.REFUSE_410, Fault.REFUSE_429, Fault.CUT, Fault.LOSE, Fault.REFUSE_500]
    for number, fault in spread(trials.requests["upgrade"], faults):
        trials.flip(kth(number, fault))
    assert well(installed)


def test_an_api_server_that_drowns_is_waited_for(trials: Trials, installed: Counts) -> None:
    trials.flip(storm(Fault.REFUSE_429, 30))
    assert well(installed)


def test_faults_at_random_requests_of_everything(trials: Trials, installed: Counts) -> None:
    rng = random.Random(4)  # noqa: S311 - to be repeated, not to be secret
    trials.flip(at_random(rng, 0.02))
    trials.remove(at_random(rng, 0.02))
    assert well(installed)


def test_the_operator_is_killed_again_and_again(trials: Trials, world: World, counts: Counts) -> None:
    rng = random.Random(5)  # noqa: S311 - to be repeated, not to be secret
    gaps = iter(lambda: rng.randint(10, 60), 0)
    if world.resource() is not None:
        assert trials.remove(CALM)
    trials.install(operator_kills(world, gaps, rng, 6))
    trials.flip(operator_kills(world, gaps, rng, 4))
    trials.remove(operator_kills(world, gaps, rng, 2))
    assert counts.kills >= 8
    assert well(counts)


def test_helm_is_killed_again_and_again(trials: Trials, world: World, installed: Counts) -> None:
    trials.flip(helm_kills(world, random.Random(6), 4))  # noqa: S311 - to be repeated, not to be secret
    assert well(installed)


def test_what_helm_could_not_delete_is_not_left_behind(trials: Trials, world: World, installed: Counts) -> None:
    """Helm asks for each Job that the new revision has no more, and leaves it without a word when the API server fails once."""
    jobs = f"/apis/batch/v1/namespaces/{world.namespace}/jobs"
    old = {f"{jobs}/{one['metadata']['name']}" for one in world.api.get(jobs).json()["items"]}

    def decide(asked: Asked) -> Fault | None:
        if asked.method == "GET" and asked.path in old:
            old.remove(asked.path)
            return Fault.REFUSE_500
        return None

    before = len(old)
    trials.flip(Disturbance("no old Job can be read at first", decide))
    assert before > len(old)
    assert well(installed)


def test_what_helm_could_not_read_is_not_left_behind(trials: Trials, world: World, installed: Counts) -> None:
    """An uninstall passes over what Helm can't read, without an error, and then forgets the release."""
    services = f"/api/v1/namespaces/{world.namespace}/services"
    unread = {f"{services}/{one['metadata']['name']}" for one in world.api.get(services).json()["items"]}

    def decide(asked: Asked) -> Fault | None:
        if asked.method == "GET" and asked.path in unread and asked.agent.startswith("Helm"):
            return Fault.REFUSE_500
        return None

    trials.remove(Disturbance("Helm can read no Service", decide))
    assert well(installed)

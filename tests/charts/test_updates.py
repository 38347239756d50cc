"""What happens to pods when something changes or a machine is slow: never two on the same files, time to stop, time to start."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mininode.api.spec import NodeSpec, Size

Render = Callable[..., list[dict[str, Any]]]
GIB = 2**30
UNITS = {"Mi": 2**20, "Gi": GIB}

# Two at once are no harm here: Caddy locks what it stores, and the two share their certificates through it.
TWO_ARE_FINE = {"edge"}
# An empty database, a cold image, a machine's disk under load: what a first start may take before it counts as dead.
SLOW_START = {"postgresql": 600, "keycloak": 600, "guacamole": 300, "dataset-service-backend": 300}
OTHERS_START = 120
# What the federation asks of a machine, by the sizes that are made for it (docs/spec.md, spec.size).
MACHINE = {Size.SMALL: (2, 8), Size.MEDIUM: (4, 32), Size.LARGE: (16, 64)}
CHARTS = ("postgresql", "keycloak", "dataset-service", "guacamole", "edge")


def workloads(documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (one for one in documents if one["kind"] in ("Deployment", "StatefulSet"))


def containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    pod = workload["spec"]["template"]["spec"]
    return [*pod["containers"], *pod.get("initContainers", [])]


def memory(amount: str) -> int:
    return int(amount[:-2]) * UNITS[amount[-2:]]


def cores(amount: str) -> float:
    return int(amount[:-1]) / 1000 if amount.endswith("m") else float(amount)


def set_aside(workload: dict[str, Any], kind: str, read: Callable[[str], float]) -> float:
    """What its pod asks for: its containers together, or its greediest init container."""
    pod = workload["spec"]["template"]["spec"]

    def asked(name: str) -> list[float]:
        return [read(one["resources"]["requests"][kind]) for one in pod.get(name, [])]

    return max([sum(asked("containers")), *asked("initContainers")])


def test_never_are_two_pods_at_the_same_files(component: str, render: Render) -> None:
    for one in workloads(render(component)):
        volumes = one["spec"]["template"]["spec"]["volumes"]
        keeps = any("persistentVolumeClaim" in volume for volume in volumes)
        assert one["spec"]["replicas"] == 1
        if keeps and one["metadata"]["name"] not in TWO_ARE_FINE:
            # A StatefulSet's pod goes before the next one of its name comes.
            assert one["kind"] == "StatefulSet" or one["spec"]["strategy"] == {"type": "Recreate"}


def test_the_database_s_next_server_waits_longer_than_the_one_before_may_take_to_stop(render: Render) -> None:
    """Where a pod was deleted by force the two do overlap; files/serve.sh then waits for the lock."""
    (server,) = workloads(render("postgresql"))
    pod = server["spec"]["template"]["spec"]
    (scripts,) = (one for one in render("postgresql") if one["kind"] == "ConfigMap")
    wait = scripts["data"]["serve.sh"].partition("MININODE_LOCK_SECONDS:-")[2].partition("}")[0]
    probe = pod["containers"][0]["startupProbe"]
    assert pod["terminationGracePeriodSeconds"] < int(wait) < probe["periodSeconds"] * probe["failureThreshold"]


def test_who_serves_people_has_time_to_end_what_is_under_way(component: str, render: Render) -> None:
    for one in workloads(render(component)):
        pod = one["spec"]["template"]["spec"]
        for container in pod["containers"]:
            pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            # At least 20 s remain once the door has stopped sending.
            assert pod.get("terminationGracePeriodSeconds", 30) >= pause + 20, container["name"]


def test_a_slow_machine_is_given_time_to_start(component: str, render: Render) -> None:
    for one in workloads(render(component)):
        name = one["metadata"]["name"]
        for container in one["spec"]["template"]["spec"]["containers"]:
            probe = container["startupProbe"]
            seconds = probe["periodSeconds"] * probe["failureThreshold"]
            assert seconds >= SLOW_START.get(name, OTHERS_START), name
            assert {"readinessProbe", "livenessProbe"} <= set(container), name


@pytest.mark.parametrize("size", list(Size))
def test_everything_together_fits_the_machine_that_a_size_is_made_for(size: Size, render: Render) -> None:
    """By what is set aside: a node that asks for more than the machine has would leave pods waiting for ever."""
    spec = NodeSpec(domain="node.hospital.example", size=size)
    processor = room = 0.0
    for chart in CHARTS:
        for workload in workloads(render(chart, spec)):
            for one in containers(workload):
                asked, most = one["resources"]["requests"], one["resources"]["limits"]
                assert memory(asked["memory"]) <= memory(most["memory"])
                assert "cpu" not in most
            processor += set_aside(workload, "cpu", cores)
            room += set_aside(workload, "memory", memory)
    most_cores, most_gib = MACHINE[size]
    # A quarter stays for Kubernetes, the operator, and jobs.
    assert processor <= most_cores * 0.75, f"{processor} of {most_cores} cores"
    assert room <= most_gib * GIB * 0.75, f"{room / GIB:.1f} of {most_gib} GiB"


def test_a_bigger_size_never_gets_less(render: Render) -> None:
    specs = [NodeSpec(domain="node.hospital.example", size=size) for size in Size]
    for chart in CHARTS:
        amounts = [
            [memory(one["resources"][kind]["memory"]) for workload in workloads(render(chart, spec)) for one in containers(workload)
             for kind in ("requests", "limits")]
            for spec in specs
        ]  # fmt: skip
        for smaller, bigger in itertools.pairwise(amounts):
            assert all(a <= b for a, b in zip(smaller, bigger, strict=True)), chart

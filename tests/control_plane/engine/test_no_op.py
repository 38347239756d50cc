"""Where nothing is to be done nothing is done; and in no failure is anybody asked without end."""

import datetime
import time
from collections import Counter
from typing import Any

import pytest

pytestmark = pytest.mark.control_plane

MOST = 5.0  # requests a second a node, in any failure


def rate(entries: list[dict[str, Any]], window: float = 10.0) -> float:
    """The most requests a second over any ten seconds."""
    moments = sorted(
        datetime.datetime.fromisoformat(one["requestReceivedTimestamp"]).timestamp() for one in entries
    )
    return max((sum(start <= one < start + window for one in moments) / window for start in moments), default=0.0)


def writes(entries: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((one["verb"], one["objectRef"]["resource"]) for one in entries if one["verb"] not in {"get", "list", "watch"})


def quiet(seconds: float) -> None:
    time.sleep(seconds)  # nothing to wait for: that nothing happens is what is measured


def silent(asked: Any, namespace: str) -> bool:
    """Whether a second passes without a request: a fresh start, or a wish for one, has every gate asked once more."""
    seen = asked()
    quiet(1)
    return seen.about(namespace) == []


def test_an_echo_of_our_own_status_costs_nothing(settled: Any, asked: Any, api: Any, until: Any) -> None:
    until(lambda: silent(asked, settled.namespace), 60)
    seen = asked()
    path = f"/apis/mininode.cancerimage.eu/v1alpha1/namespaces/{settled.namespace}/eucaimnodes/{settled.name}/status"
    for number in range(5):  # somebody else's word in the status: an event of the watch, as our own is
        api.send("PATCH", path, {"status": {"version": f"0.0.{number}"}})
    quiet(3)
    entries = seen.about(settled.namespace)
    assert entries == []


def test_an_idle_node_asks_for_nothing(operator: Any, settled: Any, asked: Any, figure: Any) -> None:
    quiet(2)
    seen, process = asked(), operator.process()
    before = sum(process.cpu_times()[:2])
    quiet(10)
    entries, used = seen.about(settled.namespace), sum(process.cpu_times()[:2]) - before
    figure(f"idle: {len(entries) / 10:.2f} requests/s, {used * 10:.2f} % of a core, {process.memory_info().rss / 2**20:.0f} MiB")
    assert writes(entries) == Counter()
    assert len(entries) / 10 <= 0.2
    assert used / 10 <= 0.05


def versions(node: Any) -> dict[str, str]:
    """The resourceVersion of every object of the node: it moves with any write that changes something."""
    kinds = "deployments,statefulsets,services,configmaps,secrets,serviceaccounts,persistentvolumeclaims,roles,rolebindings"
    items = node.kubectl.json("get", kinds, "-n", node.namespace)["items"]
    return {f"{one['kind']} {one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in items}


def test_an_operator_that_starts_anew_changes_nothing(operator: Any, settled: Any, asked: Any, figure: Any) -> None:
    runs, objects, before = operator.helm_runs(), versions(settled), settled.resource()
    operator.stop()
    seen = asked()
    operator.start()
    operator.ready()
    quiet(5)
    assert operator.helm_runs() == runs
    assert settled.resource()["status"] == before["status"]
    assert settled.resource()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    entries = seen.about(settled.namespace)
    figure(f"start with nothing to do: {len(entries)} requests, of which {writes(entries).total()} compare (apply, no change)")
    assert versions(settled) == objects
    assert {verb for verb, _ in writes(entries)} <= {"patch"}
    assert ("patch", "eucaimnodes") not in writes(entries)


def test_without_rights_it_says_so_asks_seldom_and_goes_on_when_it_has_them(
    operator: Any, settled: Any, asked: Any, kubectl: Any, figure: Any
) -> None:
    binding = kubectl.json("get", "rolebinding", "mininode-operator", "-n", settled.namespace)
    kubectl("delete", "rolebinding", "mininode-operator", "-n", settled.namespace)
    seen = asked()
    operator.stop()  # open watches would live on: what is denied is the next one
    operator.start()
    operator.ready()
    settled.declare(deletionPolicy="Orphan")
    stalled = settled.until("Stalled", seconds=30)
    assert stalled["reason"] == "Forbidden"
    assert "secrets" in stalled["message"]
    quiet(20)
    found = rate(seen.about(settled.namespace))
    figure(f"without rights: {found:.1f} requests/s at most over ten seconds")
    assert found <= MOST
    meta = {"name": binding["metadata"]["name"], "namespace": settled.namespace}
    kubectl.apply({**binding, "metadata": meta}, namespace=settled.namespace)
    settled.until("Rehearsed", seconds=60)
    assert settled.fresh()["Stalled"]["status"] == "False"


def test_a_component_that_fails_and_one_whose_pods_crash_ask_seldom(operator: Any, node: Any, asked: Any, figure: Any) -> None:
    operator.fail("guacamole", 99, "Error: no")
    seen = asked()
    node.declare(components={"dataset-service": {"resources": {"requests": {"memory": "64Ti"}}}})
    node.until("Stalled", seconds=60)
    mark = asked()
    quiet(12)
    busy, later = rate(seen.about(node.namespace)), rate(mark.about(node.namespace))
    figure(f"a node with two failures: {busy:.1f} requests/s at most while it is installed, {later:.1f} later")
    assert later <= MOST


def test_when_the_api_server_is_back_so_is_the_operator(
    operator: Any, settled: Any, rehearsal: Any, asked: Any, until: Any, figure: Any
) -> None:
    runs, revisions = operator.helm_runs(), settled.revisions()
    pid = next(one.pid for one in rehearsal.status().processes if one.name == "kube-apiserver")
    import psutil  # noqa: PLC0415

    server, process = psutil.Process(pid), operator.process()
    server.kill()
    server.wait(20)
    quiet(20)  # longer than the Lease lasts
    assert process.is_running()
    rehearsal.start(print)
    seen = asked()
    settled.kubectl.until(lambda: settled.kubectl.run("get", "ns").returncode == 0)
    operator.ready()
    settled.declare(deletionPolicy="Orphan")
    settled.until("Rehearsed")
    assert operator.process().pid == process.pid, "it went on, and was not started anew"
    assert operator.helm_runs() == runs
    assert settled.revisions() == revisions
    found = rate(seen.about(settled.namespace))
    figure(f"after an outage: {found:.1f} requests/s at most over ten seconds")
    assert found <= MOST
    service = ("service", "guacd", "-n", settled.namespace)
    settled.kubectl("delete", *service)  # and it watches again
    until(lambda: settled.kubectl.run("get", *service).returncode == 0, 40)
    # KWOK, scheduler and controllers find the API server again when their own pauses are over: the tests after this need pods.
    settled.kubectl("create", "deployment", "after-the-outage", "-n", "default", "--image=example.org/any:1")
    about = ("get", "deployment", "after-the-outage", "-n", "default")
    until(lambda: settled.kubectl.json(*about)["status"].get("readyReplicas"), 180)
    settled.kubectl("delete", "deployment", "after-the-outage", "-n", "default")
    settled.declare()
    settled.until("Rehearsed")

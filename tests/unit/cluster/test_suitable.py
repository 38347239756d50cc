"""What is said of a cluster that is there already, by table: each judgement is a pure function of what the API server answered."""

from typing import Any

import pytest

from mininode.api.spec import NodeSpec
from mininode.cluster import suitable
from mininode.cluster.operator_pod import KWOK_ANNOTATION, PodState, judge
from mininode.preflight.findings import Level

DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
DEFAULT_INGRESS = {"ingressclass.kubernetes.io/is-default-class": "true"}


def spec(**more: Any) -> NodeSpec:
    return NodeSpec.model_validate({"domain": "node.hospital.example"} | more)


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name} | more.pop("meta", {})} | more


def machine(*, ready: bool = True, cordoned: bool = False, simulated: bool = False) -> dict[str, Any]:
    return {
        "metadata": {"name": "m", "annotations": {KWOK_ANNOTATION: "fake"} if simulated else {}},
        "spec": {"unschedulable": cordoned},
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("v1.29.9", Level.FAIL), ("v1.30.0", Level.WARN), ("v1.33.1", Level.OK), ("v1.35.1+k3s1", Level.OK), ("v1.37.0", Level.OK),
        ("v1.38.0", Level.WARN), ("", Level.WARN), ("OpenShift", Level.WARN),
    ],
)  # fmt: skip
def test_versions(version: str, level: Level) -> None:
    assert suitable.judge_version(version).level is level


@pytest.mark.parametrize(
    ("machines", "level", "part"),
    [
        ([], Level.FAIL, "none of 0 is ready"),
        ([machine(ready=False), machine(cordoned=True)], Level.FAIL, "none of 2 is ready"),
        ([machine(), machine(simulated=True)], Level.WARN, "1 of 2 are simulated"),
        ([machine(), machine(ready=False)], Level.OK, "1 ready for pods"),
    ],
)
def test_machines(machines: list[dict[str, Any]], level: Level, part: str) -> None:
    found = suitable.judge_machines(machines)
    assert found.level is level
    assert part in f"{found.problem}. {found.fix}"


@pytest.mark.parametrize(
    ("storage", "classes", "level", "part"),
    [
        ({}, [], Level.FAIL, "There is none"),
        ({}, [named("slow")], Level.FAIL, "There are slow"),
        ({}, [named("fast", meta={"annotations": DEFAULT}, reclaimPolicy="Retain")], Level.OK, "StorageClass fast"),
        ({}, [named("fast", meta={"annotations": DEFAULT})], Level.WARN, "deletes a volume together with its claim"),
        ({"className": "own"}, [named("own", reclaimPolicy="Retain")], Level.OK, "StorageClass own"),
        ({"className": "own"}, [named("other")], Level.FAIL, "there is no StorageClass own"),
        ({"hostPath": "/srv/eucaim"}, [], Level.WARN, "of one machine"),
    ],
)
def test_storage(storage: dict[str, Any], classes: list[dict[str, Any]], level: Level, part: str) -> None:
    found = suitable.judge_storage(spec(storage=storage), classes)
    assert found.level is level
    assert part in f"{found.problem}. {found.fix}"


@pytest.mark.parametrize(
    ("class_name", "classes", "level", "part"),
    [
        (None, [], Level.FAIL, "no ingress controller is installed"),
        (None, [named("nginx")], Level.FAIL, "Set node.exposure.className"),
        (None, [named("traefik", meta={"annotations": DEFAULT_INGRESS})], Level.OK, "traefik"),
        ("nginx", [named("nginx")], Level.OK, "nginx"),
        ("nginx", [named("traefik")], Level.FAIL, "There are traefik"),
    ],
)
def test_ingress(class_name: str | None, classes: list[dict[str, Any]], level: Level, part: str) -> None:
    exposure = {"mode": "ingress"} | ({"className": class_name} if class_name else {})
    found = suitable.judge_ingress(spec(exposure=exposure), classes)
    assert found.level is level
    assert part in f"{found.problem}. {found.fix}"


@pytest.mark.parametrize(
    ("classes", "level"),
    [
        ([], Level.FAIL),
        ([named("ours")], Level.FAIL),
        ([named("ours", status={"conditions": [{"type": "Accepted", "status": "False"}]})], Level.FAIL),
        ([named("ours", status={"conditions": [{"type": "Accepted", "status": "True"}]})], Level.OK),
    ],
)
def test_gateway(classes: list[dict[str, Any]], level: Level) -> None:
    assert suitable.judge_gateway(spec(exposure={"mode": "gateway", "className": "ours"}), classes).level is level


@pytest.mark.parametrize(
    ("namespace", "level", "part"),
    [
        (None, Level.OK, "will be made with level restricted"),
        (named("n", meta={"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}), Level.OK, "enforces restricted"),
        (named("n"), Level.WARN, "no level of its own"),
        (named("n", meta={"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}), Level.WARN, "privileged"),
        (named("n", status={"phase": "Terminating"}), Level.FAIL, "being deleted"),
    ],
)
def test_pod_security(namespace: dict[str, Any] | None, level: Level, part: str) -> None:
    found = suitable.judge_security("n", namespace)
    assert found.level is level
    assert part in f"{found.problem}. {found.fix}"


def pod(*, on: str = "m", phase: str = "", waiting: dict[str, str] | None = None, **conditions: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "operator-1"},
        "spec": {"nodeName": on, "containers": [{"image": "registry.example/operator:1.0"}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": kind, "status": status, "message": "0/1 machines"} for kind, status in conditions.items()],
            "containerStatuses": [{"state": {"waiting": waiting} if waiting else {"running": {}}}],
        },
    }


REFUSED = {"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: tiny"}]}}


@pytest.mark.parametrize(
    ("deployment", "pods", "machines", "state", "part"),
    [
        (None, [], {}, PodState.STUCK, "there is no Deployment"),
        ({}, [], {}, PodState.STARTING, "not there yet"),
        (REFUSED, [], {}, PodState.STUCK, "exceeded quota: tiny"),
        ({}, [pod(Ready="True")], {"m": machine()}, PodState.RUNS, "runs"),
        ({}, [pod(Ready="True")], {"m": None}, PodState.RUNS, "runs"),  # this account may not read machines
        ({}, [pod(Ready="True")], {"m": machine(simulated=True)}, PodState.SIMULATED, "nothing runs in it"),
        ({}, [pod(Ready="False")], {}, PodState.STARTING, "is starting"),
        ({}, [pod(on="", PodScheduled="False")], {}, PodState.STUCK, "no machine takes its pod"),
        ({}, [pod(waiting={"reason": "ImagePullBackOff", "message": "Back-off"})], {}, PodState.STUCK, "can't be pulled"),
        ({}, [pod(waiting={"reason": "CrashLoopBackOff"})], {}, PodState.STUCK, "ends as soon as it starts"),
        ({}, [pod(waiting={"reason": "ContainerCreating"})], {}, PodState.STARTING, "is starting"),
        ({}, [pod(Ready="False"), pod(Ready="True")], {}, PodState.RUNS, "runs"),  # one of two is enough
    ],
)
def test_the_operators_pod(deployment: Any, pods: Any, machines: Any, state: PodState, part: str) -> None:
    found = judge(deployment, pods, machines)
    assert found.state is state
    assert part in found.message


def event(reason: str, note: str, name: str = "operator-1") -> dict[str, Any]:
    return {"reason": reason, "note": note, "regarding": {"kind": "Pod", "name": name}}


NO_FOLDER = (
    'MountVolume.SetUp failed for volume "mininode-credentials" : '
    "hostPath type check failed: /srv/eucaim/node/credentials is not a directory"
)


@pytest.mark.parametrize(
    ("events", "state", "part"),
    [
        ([event("FailedMount", NO_FOLDER)], PodState.STUCK, "Make the folders on the machine m: `mininode storage folders`"),
        ([event("FailedMount", NO_FOLDER)], PodState.STUCK, "/srv/eucaim/node/credentials is not a directory"),
        ([event("FailedMount", 'configmap "x" not found')], PodState.STUCK, 'configmap "x" not found'),
        ([event("FailedMount", NO_FOLDER, "somebody-else")], PodState.STARTING, "is starting"),
        ([event("Scheduled", "assigned to m")], PodState.STARTING, "is starting"),
        ([], PodState.STARTING, "is starting"),
    ],
)
def test_a_volume_that_can_not_be_mounted_is_told_by_events_alone(events: Any, state: PodState, part: str) -> None:
    found = judge({}, [pod(waiting={"reason": "ContainerCreating"})], {}, events)
    assert found.state is state
    assert part in found.message
    assert ("storage folders" in found.message) is (part != 'configmap "x" not found' and state is PodState.STUCK)


def test_an_old_event_says_nothing_of_a_pod_that_runs() -> None:
    assert judge({}, [pod(Ready="True")], {}, [event("FailedMount", NO_FOLDER)]).state is PodState.RUNS

"""Whether workloads are as they should be, and the sentence that says why not."""

from typing import Any

import pytest

from mininode.engine.health import not_ready, pod_problem

SELECTOR = {"matchLabels": {"app": "db"}}


def workload(kind: str, *, generation: int = 2, wanted: int = 1, **status: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": "db", "generation": generation},
        "spec": {"replicas": wanted, "selector": SELECTOR},
        "status": {"observedGeneration": 2, **status},
    }


def pod(*, ready: str = "False", phase: str = "Running", **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    return {"metadata": {"name": "db-0", "labels": {"app": "db"}}, "status": {"phase": phase, "conditions": conditions, **status}}


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "main", "state": state}]}


UP = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
# What the status says, and a word of the sentence; None: it is as it should be.
WORKLOADS: dict[str, tuple[dict[str, Any], str | None]] = {
    "deployment ready": (workload("Deployment", **UP), None),
    "deployment not looked at": (workload("Deployment", generation=3, **UP), "not looked at"),
    "deployment without a status": ({**workload("Deployment"), "status": None}, "not looked at"),
    "deployment without pods": (workload("Deployment"), "0 of 1 pods"),
    "deployment with an unready pod": (workload("Deployment", **UP | {"readyReplicas": 0}), "0 of 1 pods ready"),
    "deployment with an old pod": (workload("Deployment", **UP | {"replicas": 2}), "waits for old pods"),
    "deployment half way": (
        workload("Deployment", wanted=3, **UP | {"replicas": 3, "readyReplicas": 3}),
        "being renewed (1 of 3 pods)",
    ),
    "deployment switched off": (workload("Deployment", wanted=0), None),
    "stateful set ready": (workload("StatefulSet", **UP), None),
    "stateful set with an unready pod": (workload("StatefulSet", **UP | {"readyReplicas": 0}), "0 of 1 pods ready"),
    "stateful set being renewed": (workload("StatefulSet", **UP | {"updatedReplicas": 0}), "being renewed"),
    "stateful set switched off": (workload("StatefulSet", wanted=0), None),
    "job complete": (workload("Job", conditions=[{"type": "Complete", "status": "True"}]), None),
    "job at work": (workload("Job", active=1), "at work"),
    "job without a status": ({**workload("Job"), "status": None}, "at work"),
    "job that once was suspended": (
        workload("Job", conditions=[{"type": "Suspended", "status": "False"}, {"type": "Complete", "status": "True"}]),
        None,
    ),
    "job failed": (
        workload("Job", conditions=[{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]),
        "failed: BackoffLimitExceeded",
    ),
}


@pytest.mark.parametrize(("found", "words"), WORKLOADS.values(), ids=WORKLOADS.keys())
def test_a_workload(found: dict[str, Any], words: str | None) -> None:
    said = not_ready([found], [])
    if words is None:
        assert said is None
    else:
        assert said is not None
        assert words in said
        assert said.startswith(f"{found['kind']} db")


PODS: dict[str, tuple[dict[str, Any], str | None]] = {
    "ready": (pod(ready="True"), None),
    "no place for it": (
        pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient memory"}]),
        "can't be placed: 0/1 nodes: Insufficient memory",
    ),
    "image not there": (
        pod(phase="Pending", **container(waiting={"reason": "ImagePullBackOff", "message": "no such host"})),
        "container main of pod db-0 waits: ImagePullBackOff no such host",
    ),
    "crashing": (pod(**container(waiting={"reason": "CrashLoopBackOff"})), "CrashLoopBackOff"),
    "crashing, with its last words": (
        pod(
            **container(waiting={"reason": "CrashLoopBackOff"})
            | {
                "containerStatuses": [
                    {
                        "name": "main",
                        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "a\nb\n\nc\nno disk\n"}},
                    }
                ]
            }
        ),
        "waits: CrashLoopBackOff; it ended with 1 (Error), and said: b | c | no disk",
    ),
    "ended badly, with its last words": (
        pod(**container(terminated={"exitCode": 1, "reason": "Error", "message": "no such database\n"})),
        "ended with 1 (Error), and said: no such database",
    ),
    "ended badly": (pod(**container(terminated={"exitCode": 137, "reason": "OOMKilled"})), "ended with 137 (OOMKilled)"),
    "ended well": (pod(phase="Succeeded", **container(terminated={"exitCode": 0, "reason": "Completed"})), None),
    "an init container ended badly": (
        pod(phase="Pending", initContainerStatuses=[{"name": "roles", "state": {"terminated": {"exitCode": 2}}}]),
        "container roles of pod db-0 ended with 2",
    ),
    "runs, not ready": (pod(**container(running={"startedAt": "x"})), "readiness probe says no"),
    "just made": ({"metadata": {"name": "db-0", "labels": {"app": "db"}}}, None),
}


@pytest.mark.parametrize(("found", "words"), PODS.values(), ids=PODS.keys())
def test_a_pod(found: dict[str, Any], words: str | None) -> None:
    said = pod_problem(found)
    assert said is None if words is None else words in (said or "")


def test_the_pod_of_the_workload_explains_it() -> None:
    stranger = pod(**container(waiting={"reason": "ErrImagePull"}))
    stranger["metadata"] = {"name": "web-0", "labels": {"app": "web"}}
    own = pod(**container(waiting={"reason": "CrashLoopBackOff"}))
    said = not_ready([workload("StatefulSet")], [stranger, own]) or ""
    assert "pod db-0 waits: CrashLoopBackOff" in said
    assert "ErrImagePull" not in said


ENDED_WELL, ENDED_BADLY = {"terminated": {"exitCode": 0}}, {"terminated": {"exitCode": 1}}


@pytest.mark.parametrize(
    ("states", "done"),
    [
        ([ENDED_WELL], True),
        ([ENDED_WELL, ENDED_WELL], True),
        ([ENDED_WELL, ENDED_BADLY], False),
        ([ENDED_WELL, {"running": {"startedAt": "x"}}], False),
        ([{"waiting": {"reason": "PodInitializing"}}], False),
    ],
)
def test_a_job_is_done_when_the_containers_of_its_pod_have_ended_well(states: list[dict[str, Any]], done: bool) -> None:
    """Before the kubelet calls the pod Succeeded, for it clears the sandbox away first."""
    running = pod(containerStatuses=[{"name": str(i), "state": state} for i, state in enumerate(states)])
    assert (not_ready([workload("Job", active=1)], [running]) is None) is done


@pytest.mark.parametrize(
    ("phases", "done"), [(["Succeeded"], True), (["Failed", "Succeeded"], True), (["Running"], False), ([], False)]
)
def test_a_job_is_done_when_its_pods_say_so(phases: list[str], done: bool) -> None:
    pods = [pod(phase=phase) for phase in phases]
    assert (not_ready([workload("Job", active=1)], pods) is None) is done
    stranger = {**pod(phase="Succeeded"), "metadata": {"name": "web-0", "labels": {"app": "web"}}}
    assert not_ready([workload("Job", active=1)], [stranger]) is not None
    two = workload("Job", active=1)
    two["spec"]["completions"] = 2
    assert not_ready([two], [pod(phase="Succeeded")]) is not None


def test_one_that_is_not_ready_is_enough() -> None:
    assert not_ready([workload("Deployment", **UP), workload("StatefulSet")], []) is not None
    assert not_ready([workload("Deployment", **UP), workload("StatefulSet", **UP)], []) is None

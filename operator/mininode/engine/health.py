"""Whether a component's workloads are as they should be, read as kstatus reads them, and why not, in a sentence.

Source of the rules: sigs.k8s.io/cli-utils pkg/kstatus (Deployment, StatefulSet, Job), with one shortcut: a Job is done when the
containers of its pods have ended well. The pod's phase comes some two seconds later, when its sandbox is cleared away (kubernetes
since 1.27), and the Job's condition a second after that, for its controller gathers what it hears (kubernetes/pkg/controller/job,
syncJobBatchPeriod). Pure functions over plain objects.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

Object = Mapping[str, Any]

_LAST_LINES, _SAID_LIMIT = 3, 300  # of what a container said before it ended; the limit in characters


def not_ready(workloads: Iterable[Object], pods: Collection[Object]) -> str | None:
    """None when every workload is Current; else why the first one that is not isn't, with what its pods say."""
    for workload in workloads:
        if (problem := _workload(workload, pods)) is not None:
            return _explained(problem, workload, pods)
    return None


def _workload(workload: Object, pods: Collection[Object]) -> str | None:
    kind, name = workload["kind"], workload["metadata"]["name"]
    status, spec = workload.get("status") or {}, workload.get("spec") or {}
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0) and kind != "Job":
        return f"{kind} {name} was not looked at by Kubernetes yet"
    if kind == "Job":
        return _job(workload, pods)
    wanted = spec.get("replicas", 1)
    ready = status.get("readyReplicas", 0)
    updated = status.get("updatedReplicas", 0)
    if kind == "StatefulSet" and wanted == 0:
        return None
    if updated < wanted:
        return f"{kind} {name} is being renewed ({updated} of {wanted} pods){_pods_refused(status)}"
    if kind == "Deployment" and status.get("replicas", 0) > updated:
        return f"Deployment {name} waits for old pods to end"
    if ready < wanted:
        return f"{kind} {name} has {ready} of {wanted} pods ready{_pods_refused(status)}"
    return None


def _pods_refused(status: Object) -> str:
    """Why the pods were not even made: a quota, a security rule (condition ReplicaFailure of apps/v1 Deployment)."""
    conditions = {one["type"]: one for one in status.get("conditions") or [] if one["status"] == "True"}
    message = conditions.get("ReplicaFailure", {}).get("message", "")
    return f": its pods are refused: {message}" if message else ""


def _job(job: Object, pods: Collection[Object]) -> str | None:
    name, status = job["metadata"]["name"], job.get("status") or {}
    conditions = {
        condition["type"]: condition for condition in status.get("conditions") or [] if condition["status"] == "True"
    }
    if "Complete" in conditions:
        return None
    if "Failed" in conditions:
        return f"Job {name} failed: {conditions['Failed'].get('message', '')}"
    succeeded = [one for one in _pods_of(job, pods) if _ended_well(one)]
    if len(succeeded) >= (job.get("spec") or {}).get("completions", 1):
        return None
    return f"Job {name} is at work"


def _ended_well(pod: Object) -> bool:
    """Whether a Job's pod is through with its work: none of its containers is started again after a success."""
    status = pod.get("status") or {}
    ended = [(one.get("state") or {}).get("terminated") for one in status.get("containerStatuses") or []]
    return status.get("phase") == "Succeeded" or bool(ended and all(one and one["exitCode"] == 0 for one in ended))


def _explained(problem: str, workload: Object, pods: Collection[Object]) -> str:
    for pod in _pods_of(workload, pods):
        if reason := pod_problem(pod):
            return f"{problem}: {reason}"
    return problem


def _pods_of(workload: Object, pods: Collection[Object]) -> list[Object]:
    selector = ((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return [one for one in pods if selector and selector.items() <= (one["metadata"].get("labels") or {}).items()]


def pod_problem(pod: Object) -> str | None:
    """Why a pod is not ready, as far as its status tells."""
    status, name = pod.get("status") or {}, pod["metadata"]["name"]
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"pod {name} can't be placed: {scheduled.get('message', scheduled.get('reason', ''))}"
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state = container.get("state") or {}
        if waiting := state.get("waiting"):
            text = f"{waiting.get('reason', 'Waiting')} {waiting.get('message', '')}".strip()
            last = (container.get("lastState") or {}).get("terminated")
            return f"container {container['name']} of pod {name} waits: {text}{f'; it {_ended(last)}' if last else ''}"
        if (ended := state.get("terminated")) and ended.get("exitCode", 0) != 0:
            return f"container {container['name']} of pod {name} {_ended(ended)}"
    if conditions.get("Ready", {}).get("status") != "True" and status.get("phase") == "Running":
        return f"pod {name} runs, but its readiness probe says no"
    return None


def _ended(ended: Object) -> str:
    """How a container ended, and the end of its log, which the kubelet puts there (charts/common: terminationMessagePolicy)."""
    lines = [line.strip() for line in str(ended.get("message") or "").splitlines() if line.strip()]
    said = f", and said: {' | '.join(lines[-_LAST_LINES:])[-_SAID_LIMIT:]}" if lines else ""
    return f"ended with {ended.get('exitCode')} ({ended.get('reason', '')}){said}"

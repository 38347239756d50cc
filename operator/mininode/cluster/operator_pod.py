"""How the operator's pod is, for people who wait for it. Reads only; the judgement is a pure function of what was read."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mininode.errors import KubeError
from mininode.kube.client import Kube, Object, Objects
from mininode.kube.resources import DEPLOYMENTS, EVENTS, NODES, PODS
from mininode.manifests.objects import OPERATOR_DEPLOYMENT, OPERATOR_NAMESPACE

KWOK_ANNOTATION = "kwok.x-k8s.io/node"
FOLDERS = "`mininode storage folders` prints the script for root"
_STUCK = {
    "ImagePullBackOff": "its image can't be pulled",
    "ErrImagePull": "its image can't be pulled",
    "InvalidImageName": "its image's name is wrong",
    "CreateContainerConfigError": "something that its container names is not there",
    "CreateContainerError": "its container can't be made",
    "CrashLoopBackOff": "it ends as soon as it starts",
}


class PodState(enum.StrEnum):
    """What can be said of the operator's pod."""

    RUNS = "runs"
    STARTING = "starting"
    STUCK = "stuck"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class OperatorPodStatus:
    """The state and a sentence about it."""

    state: PodState
    message: str


async def look(kube: Kube) -> OperatorPodStatus:
    """The operator's pod now."""
    deployment = await kube.get(DEPLOYMENTS, OPERATOR_DEPLOYMENT, OPERATOR_NAMESPACE)
    pods = await kube.list(PODS, OPERATOR_NAMESPACE, labels=f"app.kubernetes.io/name={OPERATOR_DEPLOYMENT}")
    machines = {name: await _machine(kube, name) for name in {pod["spec"].get("nodeName", "") for pod in pods} - {""}}
    events = await _events(kube) if any(_creating(pod) for pod in pods) else []
    return judge(deployment, pods, machines, events)


async def _events(kube: Kube) -> Objects:
    """What Kubernetes tells of the operator's namespace; nothing where this account may not read it."""
    try:
        return await kube.list(EVENTS, OPERATOR_NAMESPACE)
    except KubeError as error:
        if error.forbidden:
            return []
        raise


async def _machine(kube: Kube, name: str) -> Object | None:
    """The machine; None where this account may not read machines."""
    try:
        return await kube.get(NODES, name)
    except KubeError as error:
        if error.forbidden:
            return None
        raise


def judge(
    deployment: Object | None, pods: Objects, machines: Mapping[str, Object | None], events: Sequence[Object] = ()
) -> OperatorPodStatus:
    """What a Deployment, its pods, their machines and the events about them say together."""
    if deployment is None:
        return OperatorPodStatus(PodState.STUCK, f"there is no Deployment {OPERATOR_NAMESPACE}/{OPERATOR_DEPLOYMENT}")
    for condition in deployment.get("status", {}).get("conditions", []):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return OperatorPodStatus(PodState.STUCK, f"its pod is refused: {condition.get('message', '')}")
    live = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    if not live:
        return OperatorPodStatus(PodState.STARTING, "its pod is not there yet")
    found = [_pod(pod, machines.get(pod["spec"].get("nodeName", "")), events) for pod in live]
    order = (PodState.RUNS, PodState.SIMULATED, PodState.STUCK, PodState.STARTING)
    return min(found, key=lambda one: order.index(one.state))


def _pod(pod: Object, machine: Object | None, events: Sequence[Object]) -> OperatorPodStatus:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if machine and KWOK_ANNOTATION in (machine["metadata"].get("annotations") or {}):
        where = pod["spec"]["nodeName"]
        return OperatorPodStatus(PodState.SIMULATED, f"its pod {name} is on the simulated machine {where}: nothing runs in it")
    if reason := _unscheduled(status):
        return OperatorPodStatus(PodState.STUCK, f"no machine takes its pod {name}: {reason}")
    for container in status.get("containerStatuses", []):
        waiting: dict[str, Any] = container.get("state", {}).get("waiting") or {}
        if why := _STUCK.get(waiting.get("reason", "")):
            image = pod["spec"]["containers"][0]["image"]
            return OperatorPodStatus(PodState.STUCK, f"{why} ({image}): {waiting.get('message', '')}")
    if _creating(pod) and (said := _mount_failed(pod, events)):
        return OperatorPodStatus(PodState.STUCK, f"a volume of its pod {name} can't be mounted: {said}")
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
    return OperatorPodStatus(PodState.RUNS if ready else PodState.STARTING, f"its pod {name} {'runs' if ready else 'is starting'}")


def _creating(pod: Object) -> bool:
    """Whether no container was made yet; why not is told in events alone."""
    containers = pod.get("status", {}).get("containerStatuses", [])
    return any((one.get("state", {}).get("waiting") or {}).get("reason") == "ContainerCreating" for one in containers)


def _mount_failed(pod: Object, events: Sequence[Object]) -> str:
    """What the kubelet said last of a volume of this pod, with what to do where a folder of the machine is missing."""
    about = [one for one in events if one.get("reason") == "FailedMount" and _regards(one, pod)]
    if not about:
        return ""
    said = str(about[-1].get("note") or about[-1].get("message") or "")
    missing = "hostPath type check failed" in said  # kubelet, pkg/volume/hostpath: the folder is not there
    return said + (f". Make the folders on the machine {pod['spec'].get('nodeName', '')}: {FOLDERS}" if missing else "")


def _regards(event: Object, pod: Object) -> bool:
    return bool((event.get("regarding") or {}).get("name") == pod["metadata"]["name"])


def _unscheduled(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", ""))
    return ""

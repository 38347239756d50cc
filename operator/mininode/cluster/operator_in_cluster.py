"""The operator as a pod: waits until it works, and says truly when it can't."""

import asyncio
import time

from mininode.cluster.operator_pod import OperatorPodStatus, PodState, look
from mininode.cluster.way import IN_CLUSTER, OperatorAt, Progress
from mininode.errors import NotThereYet
from mininode.kube.client import Kube
from mininode.kube.lease import Lease
from mininode.manifests.objects import OPERATOR_NAMESPACE

_LOOK_AGAIN = 1.0  # s
_SAY_AGAIN = 10.0  # s between two lines about the same state
_PATIENCE = 90.0  # s that a pod may stay stuck: a registry that hiccups is asked again by the kubelet within that
_LEASE = "mininode-operator"


async def at_work(kube: Kube, progress: Progress) -> OperatorAt:
    """Return when the operator's pod runs, or will never: then the answer says so. Raises NotThereYet when it is stuck."""
    said, since_stuck, told = "", None, 0.0
    while True:
        seen = await look(kube)
        now = time.monotonic()
        if seen.message != said or now - told > _SAY_AGAIN:
            progress.say(f"the operator: {seen.message}")
            said, told = seen.message, now
        if seen.state is PodState.RUNS:
            return IN_CLUSTER
        if seen.state is PodState.SIMULATED:
            return await _simulated(kube, seen)
        since_stuck = (since_stuck or now) if seen.state is PodState.STUCK else None
        if (since_stuck and now - since_stuck > _PATIENCE) or now > progress.ends:
            raise NotThereYet(
                f"The operator does not start: {seen.message}",
                f"Put that right and run the same command again. See: kubectl describe pods --namespace {OPERATOR_NAMESPACE}",
                reason="OperatorNotStarted",
            )
        await asyncio.sleep(_LOOK_AGAIN)


async def _simulated(kube: Kube, seen: OperatorPodStatus) -> OperatorAt:
    """Nothing runs in a simulated pod; yet an operator may be at work beside the cluster, as in a rehearsal."""
    holder = await Lease(kube, OPERATOR_NAMESPACE, _LEASE, "").holder()
    return OperatorAt(
        where=f"process beside the cluster ({holder})" if holder else "nowhere",
        log="with whoever started it",
        runs=lambda: True,
        last_words=lambda: "",
        idle="" if holder else seen.message,
    )

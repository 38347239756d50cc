"""The dataset service's own Jobs, which make data sets: given what Pod Security `restricted` asks of a pod, and bounds.

The service copies its Deployment's image, volumes and mounts into such a Job, but no security context, resources, account or labels
(dataset-service 3.23.2, k8s.py). So the Job is there and its pod is refused, without a word to the person who waits for the data
set. A Job's template can't be changed: the operator makes it again, under the same name, with what is missing. It is not one
of the node's workloads (it has no label of ours), and whether it did its work stands in the service's database.
"""

import asyncio
import copy
import logging
from dataclasses import dataclass, field

from mininode.errors import KubeError
from mininode.kube.client import Kube, Object
from mininode.kube.reflector import Reflector
from mininode.kube.resources import JOBS

PREFIX = "crea-dataset-"
USER = 10001  # the service's own, to which the volumes belong
LABELS = {"app.kubernetes.io/name": "dataset-service", "app.kubernetes.io/component": "creation-job"}
_LABELS_OF_THE_CONTROLLER = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
_SECONDS, _LOOK = 60.0, 0.5  # s until the old one must be gone, and between two looks

log = logging.getLogger(__name__)


@dataclass(slots=True)
class CreationJobs:
    """Those of one node."""

    kube: Kube
    namespace: str
    _at_work: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def follow(self) -> None:
        """See to each Job that comes, until cancelled."""
        # Jobs of ours carry the label.
        watch = Reflector(self.kube, "Job", JOBS, self.namespace, "!mininode.cancerimage.eu/node", self._changed)
        try:
            await watch.run()
        finally:
            for task in self._at_work.values():
                task.cancel()
            await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    def _changed(self, _: Reflector, __: Object | None, job: Object | None) -> None:
        if job is None or not refused(job) or (name := job["metadata"]["name"]) in self._at_work:
            return
        task = asyncio.create_task(self._make_again(job))
        self._at_work[name] = task
        task.add_done_callback(lambda _: self._at_work.pop(name, None))

    async def _make_again(self, job: Object) -> None:
        """Put another of the same name in its place. Cut off between the two steps, the service's own restart makes a new one."""
        meta = job["metadata"]
        try:
            await self.kube.delete(JOBS, meta["name"], self.namespace, uid=meta["uid"])
            async with asyncio.timeout(_SECONDS):
                while await self.kube.create(JOBS, admitted(job), self.namespace) is None:  # noqa: ASYNC110 - the API server is asked
                    await asyncio.sleep(_LOOK)
            log.info("Job %s was made again with what Pod Security asks for", meta["name"])
        except (KubeError, TimeoutError) as error:
            log.warning("Job %s can't be made again: %s", meta["name"], error)


def refused(job: Object) -> bool:
    """Whether it is a Job of the service of which no pod will be admitted, and none was."""
    meta, status = job["metadata"], job.get("status") or {}
    pod = job["spec"]["template"]["spec"]
    began = any(status.get(key) for key in ("active", "succeeded", "failed"))
    return (
        meta["name"].startswith(PREFIX)
        and not meta.get("deletionTimestamp")
        and not began
        and not (pod.get("securityContext") or {}).get("runAsNonRoot")
    )


def admitted(job: Object) -> Object:
    """The same Job as one that is admitted: same name, image, command, environment, volumes and mounts."""
    spec = copy.deepcopy(job["spec"])
    for generated in ("selector", "manualSelector"):
        spec.pop(generated, None)
    template = spec["template"]
    found = template["metadata"].get("labels") or {}
    labels = {key: value for key, value in found.items() if key not in _LABELS_OF_THE_CONTROLLER}
    template["metadata"] = {"labels": {**labels, **LABELS}}
    template["spec"] |= {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
    }
    for container in template["spec"]["containers"]:
        container["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        }
        container["resources"] = container.get("resources") or {
            "requests": {"cpu": "100m", "memory": "320Mi"},
            "limits": {"memory": "2Gi"},
        }
        container["terminationMessagePolicy"] = "FallbackToLogsOnError"
    meta = job["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {**(meta.get("labels") or {}), **LABELS},
            "annotations": meta.get("annotations") or {},
        },
        "spec": spec,
    }

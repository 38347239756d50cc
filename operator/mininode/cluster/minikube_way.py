"""minikube as a way to install: a cluster of its own on this computer, the operator as a pod in it."""

import dataclasses
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import psutil

from mininode.awaiting import awaited
from mininode.cluster.minikube.act import MinikubeCluster, stopped
from mininode.cluster.minikube.decide import Action
from mininode.cluster.minikube.home import Home
from mininode.cluster.minikube.image_source import by_source, source_there
from mininode.cluster.minikube.operator_image import have_image
from mininode.cluster.minikube.program import Programs
from mininode.cluster.minikube.wish import Machine, Wish, wish
from mininode.cluster.operator_in_cluster import at_work
from mininode.cluster.rehearsal_way import prepared
from mininode.cluster.setup import apply
from mininode.cluster.way import OperatorAt, Progress
from mininode.components.base import Node
from mininode.kube.client import Kube, Object
from mininode.kube.resources import DEPLOYMENTS
from mininode.manifests import keep
from mininode.manifests.objects import OperatorPod, operator_deployment

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

_MIB = 2**20
_WILL = {
    Action.NOTHING: "use the cluster {profile}, which runs",
    Action.CREATE: "make a cluster {profile}: {cpus} processors, {memory} MiB, Kubernetes {kubernetes}, ports {ports}",
    Action.CREATE_ANEW: "take a half-made cluster {profile} away and make it anew: {cpus} processors, {memory} MiB, ports {ports}",
    Action.ATTACH: "make a cluster {profile} on the data that are there: {cpus} processors, {memory} MiB, ports {ports}",
    Action.START: "start the cluster {profile}, which is stopped",
    Action.UNPAUSE: "wake the cluster {profile}, which is paused",
    Action.REPAIR_ACCESS: "repair the access file of the cluster {profile}, then start it if it is stopped",
    Action.WAIT: "wait for the control plane of the cluster {profile}",
}


def this_machine() -> Machine:
    """What this computer has."""
    return Machine(
        system=platform.system().lower(),
        cpus=os.cpu_count() or 1,
        memory=psutil.virtual_memory().total // _MIB,
        home=platformdirs.user_data_path("mininode", appauthor=False) / "data",
    )


@dataclass(slots=True)
class MinikubeWay:
    """Installs into a cluster made by minikube. `tool` gives the path of a program by its name."""

    site: "SiteConfig"
    wish: Wish
    tool: Callable[[str], Path]
    tools: tuple[str, ...] = ("minikube", "kubectl", "helm")
    woken: bool = False  # the cluster did not run: what its statuses say is of the time before

    @classmethod
    def of(cls, site: "SiteConfig", tool: Callable[[str], Path]) -> "MinikubeWay":
        """As the configuration says, on this computer."""
        return cls(site, wish(site, this_machine()), tool)

    @property
    def title(self) -> str:
        """For people."""
        return "a cluster on this computer, made by minikube"

    @property
    def machine(self) -> str:
        """The container that the cluster runs in."""
        return self.wish.profile

    @property
    def engine(self) -> str:
        """Docker: the only engine whose folders we trust."""
        return self.wish.driver

    @property
    def cluster(self) -> MinikubeCluster:
        """The cluster as it is wished."""
        return MinikubeCluster(Programs.of(self.tool("minikube"), Home.of(self.wish.profile)), self.wish)

    def plan(self) -> tuple[str, ...]:
        """What is there and what will be done about it."""
        _, decision = self.cluster.look()
        if decision.action is Action.STOP:
            raise stopped(decision)
        one = self.wish
        will = _WILL[decision.action].format(
            profile=one.profile, cpus=one.cpus, memory=one.memory, kubernetes=one.kubernetes, ports=", ".join(one.ports)
        )
        return (will, f"keep all data of the node in {one.data}", "run the operator as a pod in it")

    def ensure(self, progress: Progress) -> Path:
        """Make the cluster run and prove that its data are this node's."""
        cluster = self.cluster
        self.woken = not cluster.ensure(progress)
        return cluster.programs.home.kubeconfig

    def prepare(self, kubeconfig: Path, namespace: str, progress: Progress) -> None:
        """Apply the manifests of the tree and the node's volumes."""
        awaited(prepared(kubeconfig, Node(self.site.name, namespace, self.site.node), progress.left))

    def operator(self, kubeconfig: Path, progress: Progress) -> OperatorAt:
        """The operator as a pod: its image first, then its Deployment, then the pod at work."""
        pod = OperatorPod.of(self.site)
        if not pod.has_registry:
            if self.site.operator.image is None and source_there():
                pod = dataclasses.replace(pod, image=by_source(pod.image))
            helm = self.tool("helm") if sys.platform == "linux" else None  # of another system it would not run in the image
            content = have_image(self.cluster.programs, pod.image, progress, build_it=source_there(), helm=helm)
            pod = dataclasses.replace(pod, content=content)
        node = Node(self.site.name, self.site.namespace, self.site.node)
        found = awaited(_at_work(kubeconfig, keep.mounted(operator_deployment(pod), node), progress))
        return dataclasses.replace(found, anew=found.anew or self.woken)

    def closing(self) -> tuple[tuple[str, str], ...]:
        """Name, version, data."""
        return (
            ("cluster", f"minikube profile {self.wish.profile}, Kubernetes {self.wish.kubernetes}"),
            ("data", self.wish.data),
        )

    def next_commands(self) -> tuple[str, ...]:
        """Commands for its life."""
        return ("mininode kubectl get pods -A", "mininode cluster status", "mininode cluster boot")


async def _at_work(kubeconfig: Path, deployment: Object, progress: Progress) -> OperatorAt:
    meta = deployment["metadata"]
    async with await Kube.connect(kubeconfig) as kube:
        before = await kube.get(DEPLOYMENTS, meta["name"], meta["namespace"])
        await apply(kube, [deployment])
        after = await kube.get(DEPLOYMENTS, meta["name"], meta["namespace"])
        found = await at_work(kube, progress)
    generations = [(one or {}).get("metadata", {}).get("generation") for one in (before, after)]
    return dataclasses.replace(found, anew=generations[0] != generations[1])

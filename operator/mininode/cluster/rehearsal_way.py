"""The rehearsal as a way to install: a throw-away API on this computer, the operator as a process beside it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mininode.awaiting import awaited
from mininode.cluster.loglines import last_useful_line
from mininode.cluster.operator_process import operator_spec
from mininode.cluster.processes import ProcessSpec
from mininode.cluster.rehearsal import Rehearsal
from mininode.cluster.setup import prepare
from mininode.cluster.volumes import place
from mininode.cluster.way import OperatorAt, Progress
from mininode.components.base import Node
from mininode.kube.client import Kube

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

_OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class RehearsalWay:
    """Installs `site` into `stage`. `tool` gives the path of a program by its name."""

    site: "SiteConfig"
    stage: Rehearsal
    tool: Callable[[str], Path]
    title: str = "a rehearsal on this computer"
    tools: tuple[str, ...] = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "helm")

    def plan(self) -> tuple[str, ...]:
        """Whether it runs already."""
        what = "use the rehearsal that runs" if self.stage.runs("kube-apiserver") else "start a rehearsal"
        return (
            f"{what}: a throw-away Kubernetes API with simulated pods, its files in {self.stage.home}",
            "run the operator as a process beside it",
        )

    def ensure(self, progress: Progress) -> Path:
        """Start it, or what is missing of it."""
        self.stage.start(progress.say)
        return self.stage.kubeconfig

    def prepare(self, kubeconfig: Path, namespace: str, progress: Progress) -> None:
        """Apply the manifests of the tree, and the node's volumes where it keeps its data in a folder."""
        awaited(prepared(kubeconfig, Node(self.site.name, namespace, self.site.node), progress.left))

    def operator(self, kubeconfig: Path, progress: Progress) -> OperatorAt:
        """Start the operator under its own service account, unless the very same program runs."""
        anew = self.stage.run_beside(awaited(self._spec(kubeconfig)))
        if anew:
            progress.say("the operator was started under its own service account")
        return beside(self.stage, anew=anew)

    def closing(self) -> tuple[tuple[str, str], ...]:
        """Version, address and memory."""
        about = self.stage.status()
        memory = f"{about.memory / 2**20:.0f} MiB with the operator"
        return (("cluster", f"Kubernetes {about.version} at {about.server}, {memory}"),)

    def next_commands(self) -> tuple[str, ...]:
        """How to end it."""
        return ("mininode rehearsal stop",)

    async def _spec(self, kubeconfig: Path) -> ProcessSpec:
        async with await Kube.connect(kubeconfig) as kube:
            return await operator_spec(kube, kubeconfig.parent, kubeconfig, self.tool("helm"))


def beside(stage: Rehearsal, *, anew: bool = False) -> OperatorAt:
    """The operator beside a rehearsal."""
    log = stage.log(_OPERATOR)
    return OperatorAt(
        where="process beside the cluster",
        log=str(log),
        runs=lambda: stage.runs(_OPERATOR),
        last_words=lambda: last_useful_line(log),
        anew=anew,
    )


async def prepared(kubeconfig: Path, node: Node, seconds: float) -> None:
    """What a machine of our own needs before it can have a node, put there with an administrator's rights."""
    async with asyncio.timeout(seconds), await Kube.connect(kubeconfig) as kube:
        await prepare(kube, node.namespace)
        await place(kube, node)

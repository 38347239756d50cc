"""kind as a way to install, for developers: the operator as a pod of an image that was built on this computer."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mininode.awaiting import awaited
from mininode.cluster.existing import install, survey
from mininode.cluster.kind import KindCluster
from mininode.cluster.kind_file import MACHINE, NAME, KindWish
from mininode.cluster.operator_in_cluster import at_work
from mininode.cluster.way import OperatorAt, Progress
from mininode.kube.client import Kube
from mininode.manifests.objects import OperatorPod

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig


def wish_of(site: "SiteConfig", folder: Path) -> KindWish:
    """The machine as the configuration wants it: the same folder and ports as minikube gets; `folder` where it names none."""
    computer = site.computer
    ports = ((computer.ports.http, 80), (computer.ports.https, 443))
    data = Path(computer.data_folder).expanduser() if computer.data_folder else folder
    return KindWish(data, computer.ports.address or KindWish.address, ports)


@dataclass(frozen=True, slots=True)
class KindWay:
    """Installs into the one kind cluster of this user."""

    site: "SiteConfig"
    cluster: KindCluster
    wish: KindWish
    title: str = "a kind cluster on this computer"
    tools: tuple[str, ...] = ("kind",)
    machine: str = MACHINE

    @property
    def engine(self) -> str:
        """The engine that kind uses."""
        return self.cluster.engine()

    def plan(self) -> tuple[str, ...]:
        """What is there, and what will be done about it. Raises Unavailable where something would have to be deleted first."""
        state, action = self.cluster.look(self.wish)
        ports = ", ".join(str(outside) for outside, _ in self.wish.ports)
        return (
            f"{action} the kind cluster {NAME} ({state}): folder {self.wish.data}, ports {ports} of {self.wish.address}",
            f"run the operator as a pod of the image {OperatorPod.of(self.site).image}",
        )

    def ensure(self, progress: Progress) -> Path:
        """Make it be there."""
        self.cluster.ensure(self.wish, progress.say)
        return self.cluster.kubeconfig

    def prepare(self, kubeconfig: Path, namespace: str, progress: Progress) -> None:  # noqa: ARG002 - it is the configuration's
        """Bring the operator's image, unless a registry has it, and apply the manifests of the tree."""
        pod = OperatorPod.of(self.site)
        if not pod.has_registry:
            self.cluster.load(pod.image, progress.say)
        awaited(self._apply(kubeconfig, progress))

    def operator(self, kubeconfig: Path, progress: Progress) -> OperatorAt:
        """Wait for the operator's pod."""
        return awaited(_at_work(kubeconfig, progress))

    def closing(self) -> tuple[tuple[str, str], ...]:
        """Which cluster it is."""
        return (("cluster", f"kind cluster {NAME}, its data in {self.wish.data}"),)

    def next_commands(self) -> tuple[str, ...]:
        """How to get rid of it: that is the person's to do."""
        return (f"kind delete cluster --name {NAME}",)

    async def _apply(self, kubeconfig: Path, progress: Progress) -> None:
        async with asyncio.timeout(progress.left), await Kube.connect(kubeconfig) as kube:
            await install(kube, self.site, await survey(kube, self.site), progress.say)


async def _at_work(kubeconfig: Path, progress: Progress) -> OperatorAt:
    async with await Kube.connect(kubeconfig) as kube:
        return await at_work(kube, progress)

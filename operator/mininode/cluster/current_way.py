"""A cluster that is there already, as a way to install: nothing is written before everything was looked at and named."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mininode.awaiting import awaited
from mininode.cluster.existing import Survey, install, survey
from mininode.cluster.files import write_private
from mininode.cluster.operator_in_cluster import at_work
from mininode.cluster.way import OperatorAt, Progress
from mininode.errors import Unavailable
from mininode.kube.client import Kube
from mininode.manifests.objects import OPERATOR_DEPLOYMENT, OPERATOR_NAMESPACE
from mininode.preflight.findings import Finding

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

RIGHTS_FILE = "mininode-rights.yaml"
_SECONDS = 60.0  # for all the questions of a survey; they take about one


@dataclass(slots=True)
class CurrentWay:
    """Installs into the cluster of one context, whose access file is `access`. It is looked at once: what was named is written."""

    site: "SiteConfig"
    access: Path
    context: str
    tools: tuple[str, ...] = ()
    seen: Survey | None = None

    @property
    def title(self) -> str:
        """Which cluster."""
        return f"the cluster of context {self.context}"

    def plan(self) -> tuple[str, ...]:
        """What was found, and every object that would be written. Raises Unavailable when it can't be done, before any write."""
        seen = awaited(self._survey())
        self._refuse(seen)
        lines = [f"{one.level}: {_told(one)}" for one in seen.found]
        if seen.cluster_wide:
            lines.append("write these, which concern the whole cluster:")
            lines += [f"    {one}" for one in seen.cluster_wide]
        if seen.others:
            lines.append(f"write these, in the namespaces {OPERATOR_NAMESPACE} and {self.site.namespace} only:")
            lines += [f"    {one}" for one in seen.others]
        if not seen.cluster_wide and not seen.others:
            lines.append("leave the definition, the rights and the operator alone: all is as it should be")
        return tuple(lines)

    def concerns_others(self) -> tuple[str, ...]:
        """The objects that concern the whole cluster."""
        return tuple(str(one) for one in awaited(self._survey()).cluster_wide)

    def ensure(self, progress: Progress) -> Path:
        """The cluster is there; its access file."""
        progress.say(f"context {self.context}, access file {self.access}")
        return self.access

    def prepare(self, kubeconfig: Path, namespace: str, progress: Progress) -> None:
        """Write what was named, and nothing else. Each object is applied, so it is no harm when somebody was quicker."""
        awaited(self._install(kubeconfig, namespace, progress))

    def operator(self, kubeconfig: Path, progress: Progress) -> OperatorAt:
        """Wait for the operator's pod."""
        return awaited(_at_work(kubeconfig, progress))

    def closing(self) -> tuple[tuple[str, str], ...]:
        """Which cluster it was."""
        return (("cluster", f"context {self.context}"),)

    def next_commands(self) -> tuple[str, ...]:
        """How to see the operator."""
        return (f"kubectl get deployment {OPERATOR_DEPLOYMENT} --namespace {OPERATOR_NAMESPACE}",)

    async def _survey(self) -> Survey:
        if self.seen is None:
            async with asyncio.timeout(_SECONDS), await Kube.connect(self.access) as kube:
                self.seen = await survey(kube, self.site)
        return self.seen

    def _refuse(self, seen: Survey) -> None:
        if seen.failing:
            raise Unavailable(
                "This cluster can't take the node as it is:\n" + "\n".join(f"  {_told(one)}" for one in seen.failing),
                "Nothing was changed.",
                reason="NotSuitable",
            )
        if seen.missing:
            file = self.access.parent / RIGHTS_FILE
            write_private(file, seen.rights_manifest(RIGHTS_FILE).encode())
            raise Unavailable(
                f"The account {seen.account.get('username')} lacks {len(seen.missing)} rights:\n"
                + "\n".join(f"  {one}" for one in seen.missing),
                f"Nothing was changed. Give {file} to whoever runs the cluster, then run the same command again.",
                reason="MissingRights",
            )

    async def _install(self, kubeconfig: Path, namespace: str, progress: Progress) -> None:
        if namespace != self.site.namespace:
            raise ValueError(f"surveyed for {self.site.namespace}, asked for {namespace}")
        seen = await self._survey()
        self._refuse(seen)
        async with asyncio.timeout(progress.left), await Kube.connect(kubeconfig) as kube:
            await install(kube, self.site, seen, progress.say)


def _told(one: Finding) -> str:
    return f"{one.check}: {one.problem}" + (f". {one.fix}" if one.fix else "")


async def _at_work(kubeconfig: Path, progress: Progress) -> OperatorAt:
    async with await Kube.connect(kubeconfig) as kube:
        return await at_work(kube, progress)

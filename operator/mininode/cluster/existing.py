"""A cluster that is there already and may be others', too: look at everything, name everything, then change only what is needed.

`survey` only reads. What it gives says whether the cluster is suitable, what would be written, and which rights are missing for
that, so a person can decide before the first write; `install` then writes exactly what was named.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mininode.cluster.changes import MAY_GRANT_ANYTHING, Change, State, changes, rights_to_grant, rights_to_write
from mininode.cluster.missing_rights import manifest
from mininode.cluster.setup import apply, established
from mininode.cluster.suitable import suitable
from mininode.cluster.volumes import place
from mininode.components import volumes
from mininode.components.base import Node
from mininode.kube.client import Kube
from mininode.kube.resources import DEPLOYMENTS, EUCAIM_NODES, PODS
from mininode.kube.reviews import Right, refused, who
from mininode.manifests import keep, objects
from mininode.manifests.objects import OPERATOR_DEPLOYMENT, OPERATOR_NAMESPACE, Object, OperatorPod, title
from mininode.preflight.findings import Finding, failing

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found, before anything was changed."""

    found: tuple[Finding, ...]
    changes: tuple[Change, ...]
    missing: tuple[Right, ...]
    account: Mapping[str, Any]

    @property
    def failing(self) -> tuple[Finding, ...]:
        """What stands in the way."""
        return failing(self.found)

    @property
    def cluster_wide(self) -> tuple[Change, ...]:
        """Changes that concern others in the cluster."""
        return tuple(one for one in self.changes if one.needed and one.cluster_wide)

    @property
    def others(self) -> tuple[Change, ...]:
        """Changes inside of our own two namespaces."""
        return tuple(one for one in self.changes if one.needed and not one.cluster_wide)

    def rights_manifest(self, file: str) -> str:
        """What is missing, ready for whoever runs the cluster. `file` is the name under which it will lie."""
        absent = [
            one.wanted["metadata"]["name"]
            for one in self.changes
            if one.wanted["kind"] == "Namespace" and one.state is not State.SAME
        ]
        return manifest(self.missing, self.account, absent, file)


def wanted(site: "SiteConfig") -> list[Object]:
    """Every object of an installation but the node itself, in the order in which they are made."""
    node = Node(site.name, site.namespace, site.node)
    return [
        objects.crd(),
        *objects.operator_namespace(),
        *objects.operator_rights(),
        *objects.node_namespace(site.namespace),
        *volumes.objects(node),
        *keep.objects(node),
        keep.mounted(objects.operator_deployment(OperatorPod.of(site)), node),
    ]


async def survey(kube: Kube, site: "SiteConfig") -> Survey:
    """Look at the cluster. Raises KubeError when it can't be asked."""
    found, changing, account = await suitable(kube, site), await changes(kube, wanted(site)), await who(kube)
    needed = rights_to_write(changing) | _following(site)
    if await refused(kube, MAY_GRANT_ANYTHING):
        needed |= rights_to_grant(changing)
    return Survey(found, changing, await refused(kube, needed), account)


def _following(site: "SiteConfig") -> set[Right]:
    """What declaring the node, and watching what becomes of it, needs."""
    node, deployment = EUCAIM_NODES, DEPLOYMENTS
    return {
        *(Right(site.namespace, node.group, node.plural, verb) for verb in ("get", "create", "patch", "watch")),
        Right(OPERATOR_NAMESPACE, PODS.group, PODS.plural, "list"),
        Right(OPERATOR_NAMESPACE, deployment.group, deployment.plural, "get", OPERATOR_DEPLOYMENT),
    }


async def install(kube: Kube, site: "SiteConfig", surveyed: Survey, say: Callable[[str], None]) -> None:
    """Write what the survey named, and nothing else; a volume whose claim is gone takes the next one of the same name."""
    todo = [one.wanted for one in surveyed.changes if one.needed]
    for one in todo:
        await apply(kube, [one])
        say(title(one))
    await established(kube)
    for name in await place(kube, Node(site.name, site.namespace, site.node)):
        say(f"volume {name} waits for its claim again")

"""Flux's part of a tree: a source and two Kustomizations, of which the node's waits for the operator's.

`wait: true` judges every object by kstatus, whose rules an EucaimNode's status follows: no health check is needed for it.
Sources: fluxcd/kustomize-controller docs/spec/v1/kustomizations.md, fluxcd/source-controller docs/spec/v1/gitrepositories.md.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mininode.manifests.objects import KEPT, Object

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

NAMESPACE = "flux-system"
SOURCE = "mininode"
OPERATOR = "mininode-operator"
_INTERVAL = "10m0s"  # durations as Flux's API stores them, so that nothing differs


def annotations(one: Object) -> Mapping[str, str]:
    """That data outlives the Kustomization: with the namespace all claims would go, with the CRD all nodes."""
    if one["kind"] in KEPT:
        return {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    if one["kind"] == "EucaimNode":
        # Values of charts may hold ${…}, which a substitution that a platform switches on must not touch.
        return {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}
    return {}


def files(site: "SiteConfig", repo: str, revision: str, path: str) -> dict[str, Object]:
    """Flux's own objects, by the name of their file."""
    base = "." if path == "." else f"./{path}"
    source = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": SOURCE, "namespace": NAMESPACE},
        "spec": {"interval": _INTERVAL, "timeout": "60s", "url": repo, "ref": {"branch": revision}},
    }
    return {
        "source.yaml": source,
        # Orphan: were the operator gone before the node, nobody would be left to take the node's software away.
        "operator.yaml": _kustomization(OPERATOR, f"{base}/operator", timeout="5m0s", deletionPolicy="Orphan"),
        "node.yaml": _kustomization(
            f"mininode-{site.name}", f"{base}/node", timeout="30m0s", deletionPolicy="WaitForTermination",
            dependsOn=[{"name": OPERATOR}],
        ),
    }  # fmt: skip


def _kustomization(name: str, path: str, **more: Any) -> Object:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "interval": _INTERVAL,
            "retryInterval": "2m0s",
            "path": path,
            "prune": True,
            "wait": True,
            "force": False,
            "sourceRef": {"kind": "GitRepository", "name": SOURCE},
            **more,
        },
    }

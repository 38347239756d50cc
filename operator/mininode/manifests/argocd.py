"""Argo CD's part of a tree: one Application in a project of its own, sync waves, and the health of a node.

A wave starts when everything of the one before is healthy. So the operator is at work before the node is declared, and the
Application is healthy when the node is Ready, which Argo CD learns from the Lua script in manifests/gitops.
Sources: argo-cd docs, operator-manual/declarative-setup.md, user-guide/sync-waves.md, user-guide/sync-options.md.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mininode.assets import asset
from mininode.manifests.objects import CLUSTER_WIDE, KEPT, OPERATOR_NAMESPACE, Object

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

NAMESPACE = "argocd"
_NAME = "mininode"
_WAVES = {"CustomResourceDefinition": -3, "Namespace": -3, "Deployment": 0, "EucaimNode": 1}
_RIGHTS_WAVE = -2
_GROUPS = {
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "Namespace": "",
    "ClusterRole": "rbac.authorization.k8s.io",
    "ClusterRoleBinding": "rbac.authorization.k8s.io",
    "PriorityClass": "scheduling.k8s.io",
    "PersistentVolume": "",
    "StorageClass": "storage.k8s.io",
}


def annotations(one: Object) -> Mapping[str, str]:
    """When an object's turn is, and that data outlives the Application."""
    found = {"argocd.argoproj.io/sync-wave": str(_WAVES.get(one["kind"], _RIGHTS_WAVE))}
    if one["kind"] in KEPT:
        # With namespace or CRD all volumes' claims, or all nodes, would go.
        found["argocd.argoproj.io/sync-options"] = "Prune=false,Delete=false"
    if one["kind"] == "EucaimNode":
        # On the first day the kind is not there yet when Argo CD looks at the whole tree.
        found["argocd.argoproj.io/sync-options"] = "SkipDryRunOnMissingResource=true"
    return found


def files(site: "SiteConfig", repo: str, revision: str, path: str) -> dict[str, Object]:
    """Argo CD's own objects, by the name of their file."""
    server = "https://kubernetes.default.svc"
    meta = {"name": _NAME, "namespace": NAMESPACE}
    project = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": meta,
        "spec": {
            "description": "EUCAIM node: the operator and the node, and nothing else",
            "sourceRepos": [repo],
            "destinations": [{"server": server, "namespace": name} for name in (OPERATOR_NAMESPACE, site.namespace)],
            "clusterResourceWhitelist": [{"group": _GROUPS[kind], "kind": kind} for kind in sorted(CLUSTER_WIDE)],
        },
    }
    application = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": meta,
        "spec": {
            "project": _NAME,
            "source": {"repoURL": repo, "targetRevision": revision, "path": path},
            "destination": {"server": server, "namespace": site.namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["ServerSideApply=true", "CreateNamespace=false"],
                "retry": {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}},
            },
        },
    }
    return {"project.yaml": project, "application.yaml": application}


def texts() -> dict[str, str]:
    """The patch of Argo CD's own ConfigMap, as its administrator applies it: without it a node counts for nothing."""
    return {"argocd-cm.yaml": (asset("manifests") / "gitops/argocd-cm.yaml").read_text("utf-8")}

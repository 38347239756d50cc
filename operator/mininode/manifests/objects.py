"""The objects of an installation, from the manifests in the tree: CRD, operator with its rights, the node's namespace, the node.

Each holds every field as the API server stores it, defaults written out. So applying one twice changes nothing, no GitOps tool
sees a difference, and whether one is in a cluster already is a plain comparison (`holds`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mininode import __version__
from mininode.api import API_VERSION, GROUP, KIND, PLURAL
from mininode.assets import asset
from mininode.documents import yaml_documents

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

Object = dict[str, Any]

OPERATOR_NAMESPACE = "mininode-system"
OPERATOR_ACCOUNT = "mininode-operator"
OPERATOR_DEPLOYMENT = "mininode-operator"
OPERATOR_REPOSITORY = "mininode-operator"
CRD_NAME = f"{PLURAL}.{GROUP}"
CLUSTER_WIDE = frozenset(
    {
        "CustomResourceDefinition",
        "Namespace",
        "ClusterRole",
        "ClusterRoleBinding",
        "PriorityClass",
        "PersistentVolume",
        "StorageClass",
    }
)
# No GitOps tool may delete these: data would go with them, or the way to it.
KEPT = frozenset({"CustomResourceDefinition", "Namespace", "PersistentVolume", "PersistentVolumeClaim"})


@dataclass(frozen=True, slots=True)
class OperatorPod:
    """What a site decides about the operator's own pod."""

    image: str
    pull_secret: str | None = None
    content: str = ""  # the image's id, where it is known: another content under the same name is another pod

    @classmethod
    def of(cls, site: "SiteConfig") -> "OperatorPod":
        """As the configuration says: its image, else this version's in the site's mirror, else this version's plain name."""
        mirror = f"{site.node.image_mirror}/" if site.node.image_mirror else ""
        return cls(site.operator.image or f"{mirror}{OPERATOR_REPOSITORY}:{__version__}", site.operator.pull_secret)

    @property
    def has_registry(self) -> bool:
        """Whether the image's name says where it is pulled from; a plain name works only where the image was loaded by hand."""
        host, slash, _ = self.image.partition("/")
        return bool(slash) and ("." in host or ":" in host or host == "localhost")


def crd() -> Object:
    """The definition of the resource EucaimNode."""
    (one,) = _manifest(f"crd/{CRD_NAME}.yaml")
    return one


def operator_namespace() -> list[Object]:
    """The operator's namespace and who may speak in it."""
    return [*_manifest("operator/namespace.yaml"), *_manifest("operator/network-policy.yaml")]


def operator_rights() -> list[Object]:
    """The operator's account and what it may do."""
    return _manifest("operator/rbac.yaml")


def operator_deployment(pod: OperatorPod) -> Object:
    """The operator itself, as a pod of the cluster."""
    (one,) = _manifest("operator/deployment.yaml")
    inside = one["spec"]["template"]["spec"]
    inside["containers"][0]["image"] = pod.image
    if pod.content:
        one["spec"]["template"]["metadata"]["annotations"] = {f"{GROUP}/operator-image": pod.content}
    if pod.pull_secret:
        inside["imagePullSecrets"] = [{"name": pod.pull_secret}]
    return one


def node_namespace(namespace: str) -> list[Object]:
    """The node's namespace and the operator's rights in it."""
    return [_moved(one, namespace) for one in _manifest("operator/node-namespace.yaml")]


def node(site: "SiteConfig") -> Object:
    """The EucaimNode with every default written out, as the API server stores it."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": site.name, "namespace": site.namespace},
        "spec": site.node.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def title(one: Object) -> str:
    """How people are told of an object: `ClusterRole mininode-node`, `Deployment mininode-system/mininode-operator`."""
    meta = one["metadata"]
    place = f"{meta['namespace']}/" if "namespace" in meta else ""
    return f"{one['kind']} {place}{meta['name']}"


def holds(live: Any, wanted: Any) -> bool:
    """Whether `live`, as read from a cluster, already says all that `wanted` says. What others added to it does not count."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(key in live and holds(live[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and len(live) == len(wanted) and all(map(holds, live, wanted))
    return bool(live == wanted)


def _moved(one: Object, namespace: str) -> Object:
    meta = dict(one["metadata"])
    if one["kind"] != "Namespace":
        return {**one, "metadata": {**meta, "namespace": namespace}}
    labels = {**meta["labels"], "kubernetes.io/metadata.name": namespace}
    return {**one, "metadata": {**meta, "name": namespace, "labels": labels}}


def _manifest(file: str) -> list[Object]:
    return [one for one in yaml_documents((asset("manifests") / file).read_text("utf-8")) if one]

"""Where a node's data lies: which volumes it has, and with `storage.hostPath` the class, volumes and folders behind them.

Everything about a volume on a folder follows from the node's names: the claim names its volume, the volume names its claim
and its folder. So a new cluster, made over the folders of an old one, finds the same data under the same claims.

Volumes and class are made by whoever installs, never by the operator: who may make a volume may name any folder of the
machine in it, which is the machine.
"""

import re
from typing import Any

from mininode.api import COMPONENT_LABEL, NODE_LABEL
from mininode.components.base import Node, Volume

FOLDER_CLAIM = "1Gi"  # a folder has no size of its own, and a claim on one can't be changed: any number, always the same
_UNITS = {"M": 10**6, "G": 10**9, "T": 10**12, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}

Object = dict[str, Any]


def volumes(node: Node) -> dict[str, tuple[str, Volume]]:
    """The volumes of every component that is on, by name, each with its component's name."""
    from mininode.components.registry import all_components  # noqa: PLC0415 - the registry reads the file that calls this

    overrides = node.spec.components
    on = (
        (name, component)
        for name, component in all_components().items()
        if _on(overrides.get(name), default=node.spec.profile in component.profiles and not component.elsewhere(node.spec))
    )
    return {volume.name: (name, volume) for name, component in on for volume in component.volumes}


def _on(override: Any, *, default: bool) -> bool:
    return default if override is None or override.enabled is None else bool(override.enabled)


def size(node: Node, volume: Volume) -> str:
    """How big the spec wants a volume."""
    return volume.size(node.spec.storage.sizes)


def in_bytes(text: str) -> int:
    """A size such as `20Gi` as a number."""
    number, unit = re.fullmatch(r"([0-9]+)([A-Za-z]+)", text).groups()  # type: ignore[union-attr]  # the spec's own pattern
    return int(number) * _UNITS[unit]


def class_name(node: Node) -> str:
    """The StorageClass of every claim: the node's own with `hostPath`, else the spec's; empty is the cluster's default."""
    storage = node.spec.storage
    return f"mininode-{node.namespace}" if storage.host_path else storage.class_name or ""


def volume_name(node: Node, volume: Volume) -> str:
    """The PersistentVolume of a volume on a folder."""
    return f"{node.namespace}-{volume.name}"


def root(node: Node) -> str:
    """The folder of the machine that holds this node's data. Only for a node with `storage.hostPath`."""
    return f"{node.spec.storage.host_path}/{node.name}"


def folder(node: Node, volume: Volume) -> str:
    """The folder behind one volume."""
    return f"{root(node)}/{volume.name}"


KEEP = "credentials"  # the operator's folder beside the volumes (engine/keep.py)
KEEP_USER = 10001  # the operator's user


def objects(node: Node) -> list[Object]:
    """StorageClass and PersistentVolumes of a node with `storage.hostPath`; nothing for one on a class of the cluster."""
    if not node.spec.storage.host_path:
        return []
    return [_class(node), *(_volume(node, component, volume) for component, volume in volumes(node).values())]


def _class(node: Node) -> Object:
    """A class of the node's own: no provisioner serves it, so no claim of it ever gets an empty volume by surprise."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": class_name(node), "labels": {"app.kubernetes.io/part-of": "mininode"}},
        "provisioner": "kubernetes.io/no-provisioner",
        "reclaimPolicy": "Retain",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": False,
    }


def _volume(node: Node, component: str, volume: Volume) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name(node, volume),
            "labels": {
                NODE_LABEL: node.name,
                COMPONENT_LABEL: component,
                "app.kubernetes.io/part-of": "mininode",
            },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "volumeMode": "Filesystem",
            "storageClassName": class_name(node),
            "persistentVolumeReclaimPolicy": "Retain",
            "capacity": {"storage": FOLDER_CLAIM},
            # By name and without a uid: any later claim of this name is this claim.
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": node.namespace,
                "name": volume.name,
            },
            # The folder must be there with its owner: one that the kubelet makes belongs to root, and nobody could write to it.
            "hostPath": {"path": folder(node, volume), "type": "Directory"},
        },
    }

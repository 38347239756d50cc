"""The operator's folder on the machine, in which a copy of the credentials lies beside the data (engine/keep.py).

Only for a node with `storage.hostPath`: elsewhere nothing is mounted. The pod gets a claim, not the folder itself: the
operator's namespace stays under Pod Security `restricted`.
"""

import copy

from mininode.components.base import Node
from mininode.components.volumes import FOLDER_CLAIM, KEEP, root
from mininode.manifests.objects import OPERATOR_NAMESPACE, Object

NAME = "mininode-credentials"
MOUNT = "/var/lib/mininode/credentials"


def objects(node: Node) -> list[Object]:
    """Volume and claim; each names the other, so a new cluster finds the old folder."""
    if not node.spec.storage.host_path:
        return []
    labels = {"app.kubernetes.io/part-of": "mininode"}
    shared = {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "storageClassName": ""}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME, "labels": labels},
        "spec": {
            **shared,
            "persistentVolumeReclaimPolicy": "Retain",
            "capacity": {"storage": FOLDER_CLAIM},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": OPERATOR_NAMESPACE, "name": NAME},
            "hostPath": {"path": f"{root(node)}/{KEEP}", "type": "Directory"},
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": NAME, "namespace": OPERATOR_NAMESPACE, "labels": labels},
        "spec": {**shared, "volumeName": NAME, "resources": {"requests": {"storage": FOLDER_CLAIM}}},
    }
    return [volume, claim]


def mounted(deployment: Object, node: Node) -> Object:
    """The operator's Deployment with the folder mounted, where there is one."""
    if not node.spec.storage.host_path:
        return deployment
    made = copy.deepcopy(deployment)
    pod = made["spec"]["template"]["spec"]
    container = pod["containers"][0]
    container["env"].append({"name": "MININODE_KEEP", "value": MOUNT})
    container["volumeMounts"].append({"name": "credentials", "mountPath": MOUNT})
    pod["volumes"].append({"name": "credentials", "persistentVolumeClaim": {"claimName": NAME}})
    return made

"""The cluster file for kind: one machine with the same folder and ports as on minikube. Pure.

kind reads it once, when it makes the cluster; nothing in it can be changed later. tests/kind_loader holds it to kind's own loader.
Source: kind's pkg/apis/config/v1alpha4/types.go.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

NAME = "mininode"
MACHINE = f"{NAME}-control-plane"  # kind's name for the container
GUEST_FOLDER = "/var/hostpath-provisioner"  # as on minikube, so that a configuration means the same on both
_HEADER = "# The cluster file that mininode gave to kind. kind reads it only when it makes a cluster.\n"


@dataclass(frozen=True)
class KindWish:
    """What the one machine should have."""

    data: Path  # folder of this computer that holds the node's data
    address: str = "0.0.0.0"  # noqa: S104 - a node is there to be reached; a site can name one address
    ports: tuple[tuple[int, int], ...] = field(default=((80, 80), (443, 443)))  # of this computer -> of the machine
    image: str | None = None  # kind's own choice for its version, unless a site names its copy


def cluster_file(wish: KindWish) -> str:
    """The text of the file; the same wish always gives the same text."""
    machine: dict[str, Any] = {
        "role": "control-plane",
        "extraMounts": [{"hostPath": str(wish.data), "containerPath": GUEST_FOLDER}],
        "extraPortMappings": [
            {"hostPort": outside, "containerPort": inside, "listenAddress": wish.address, "protocol": "TCP"}
            for outside, inside in wish.ports
        ],
    }
    if wish.image:
        machine["image"] = wish.image
    document = {
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "name": NAME,
        "networking": {"apiServerAddress": "127.0.0.1"},  # the API is for this computer only
        "nodes": [machine],
    }
    return _HEADER + yaml.safe_dump(document, sort_keys=False)

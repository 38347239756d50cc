"""Removing a node without the operator: what its finalizer stands for, done by whoever asks, under the operator's own Lease."""

import os
import socket
from collections.abc import Callable

from mininode.api import FINALIZER
from mininode.app.nodes import Nodes
from mininode.app.operator import LEASE
from mininode.app.settings import Settings
from mininode.app.wiring import build_engine
from mininode.kube.client import Kube
from mininode.kube.lease import Lease
from mininode.kube.resources import EUCAIM_NODES


async def operator_works(kube: Kube, settings: Settings) -> bool:
    """Whether an operator holds the Lease and renews it; takes up to the Lease's duration when one holds it and is gone."""
    return bool(await Lease(kube, settings.namespace, LEASE, "").holder())


async def remove_alone(kube: Kube, settings: Settings, name: str, namespace: str, waits: Callable[[str], None]) -> None:
    """Remove the node's releases as the operator would, then let the resource go.

    Holds the Lease meanwhile, so that an operator that starts now waits. Raises NotThereYet when releases remain,
    MininodeError when the cluster refuses.
    """
    lease = Lease(kube, settings.namespace, LEASE, f"{socket.gethostname()}-{os.getpid()}-uninstall")
    await lease.acquire(waits)
    try:
        resource = await kube.get(EUCAIM_NODES, name, namespace)
        if resource is None:
            return
        await Nodes(await build_engine(settings, kube)).remove(resource)
        left = [one for one in resource["metadata"].get("finalizers") or [] if one != FINALIZER]
        await kube.merge(EUCAIM_NODES, name, {"metadata": {"finalizers": left or None}}, namespace)
    finally:
        await lease.release()

"""Putting the operator together: one connection, one Helm, one engine, made once a process."""

import socket

from mininode.app.settings import Settings
from mininode.assets import asset
from mininode.components.registry import all_components, charted
from mininode.engine.engine import Engine
from mininode.engine.events import Events
from mininode.engine.keep import Keeper
from mininode.helm.charts import chart
from mininode.helm.client import Helm
from mininode.kube.client import Kube
from mininode.planning.images import ImageLock


async def build_engine(settings: Settings, kube: Kube | None = None) -> Engine:
    """The engine of this process, on a connection that there is already or on one of its own.

    Raises MininodeError when there is no way to the cluster.
    """
    kube = kube or await Kube.connect(settings.kubeconfig)
    components = all_components()
    return Engine(
        kube=kube,
        helm=Helm(settings.helm, kubeconfig=settings.kubeconfig, parallel=settings.helm_processes),
        components=components,
        charts={name: chart(name) for name in charted()},
        images=ImageLock.load(asset("images.lock.yaml").read_text()),
        events=Events(kube, socket.gethostname()),
        pace=settings.pace,
        keeper=Keeper(kube, settings.keep) if settings.keep else None,
    )

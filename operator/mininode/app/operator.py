"""The operator process: takes the Lease, then runs Kopf with our handlers until it is told to stop or the Lease is lost."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import kopf
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from mininode import __version__, scratch
from mininode.app.handlers import register
from mininode.app.nodes import Nodes
from mininode.app.server import serving
from mininode.app.settings import Settings
from mininode.app.wiring import build_engine
from mininode.engine.engine import Engine
from mininode.errors import Unavailable
from mininode.kube.client import Kube
from mininode.kube.lease import Lease

LEASE = "mininode-operator"
_LEASE_LOST = "LeaseLost"

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; a lost Lease is waited for anew. Raises MininodeError when there is no way to the cluster."""
    kopf.configure(log_format=kopf.LogFormat.JSON if settings.log_format == "json" else kopf.LogFormat.FULL)
    logging.getLogger("kopf.objects").setLevel(
        logging.WARNING
    )  # a line a watch event otherwise; the engine says what it does
    with scratch.own():  # copies of certificates and keys go into a folder that the next operator removes if we can't
        while True:
            try:
                return asyncio.run(_serve(settings))
            except Unavailable as error:
                if error.reason != _LEASE_LOST:
                    raise
                # After an outage longer than the Lease lasts: wait for it anew, with nothing left of what was known before.
                log.warning("%s", error)


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with await Kube.connect(settings.kubeconfig) as kube:
        nodes = Nodes(await build_engine(settings, kube))
        state = _State()
        async with _server(settings, nodes, state):
            lease = Lease(
                kube, settings.namespace, LEASE, f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
            )
            if not await _first(lease.acquire(lambda holder: _waits(holder, state)), stop):
                return
            state.problem, state.role = "", "ok"
            log.info("mininode %s looks after the nodes of this cluster", __version__)
            await _lead(nodes, lease, stop)


async def _lead(nodes: Nodes, lease: Lease, stop: asyncio.Event) -> None:
    """Run Kopf as long as the Lease is ours and nobody stops us."""
    registry = kopf.OperatorRegistry()
    register(registry, nodes)
    # No stop_flag: Kopf 1.45.2 waits 5 s for its own task that watches the flag when a signal came first.
    operator = asyncio.create_task(kopf.operator(registry=registry, clusterwide=True, standalone=True))
    keeping = asyncio.create_task(lease.keep())
    stopping = asyncio.create_task(stop.wait())
    try:
        # Kopf takes the signals over while it runs; its end is then the sign that we were told to stop.
        await asyncio.wait({operator, keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        lost = keeping.done()
        if not operator.done() and (lost or stop.is_set()):
            operator.cancel()
        await asyncio.gather(operator, return_exceptions=lost or stop.is_set())
    finally:
        for task in (keeping, stopping):
            task.cancel()
        await asyncio.gather(keeping, stopping, return_exceptions=True)
        await lease.release()
    if lost:
        raise Unavailable("The Lease was lost, to another or to an outage: it is waited for anew.", reason=_LEASE_LOST)


class _State:
    """What the readiness probe is told. One that waits for the Lease is ready, too: to stand by is its work."""

    problem = "starting"
    role = "ok"


def _waits(holder: str, state: _State) -> None:
    state.problem, state.role = "", f"waits for the Lease {LEASE}, which {holder or 'nobody known'} holds"
    log.info("another operator is at work (%s): waiting for the Lease %s", holder or "unknown", LEASE)


async def _first(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether `work` ended before we were told to stop."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        working.result()
        return True
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return False


@asynccontextmanager
async def _server(settings: Settings, nodes: Nodes, state: _State) -> AsyncIterator[None]:
    if settings.port is None:
        yield
        return
    registry = nodes.engine.metrics.registry
    registry.register(_Doors(nodes.engine))

    def alive() -> str:
        hung = nodes.hung()
        return f"no look was finished for too long at {', '.join(hung)}" if hung else ""

    async with serving(settings.port, registry, alive, lambda: state.problem, lambda: state.role) as port:
        log.info("metrics and probes are on port %d", port)
        yield


class _Doors(Collector):
    """Calls that went through the doors to Kubernetes and Helm."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> "list[CounterMetricFamily]":
        """The counters as they are now."""
        requests = CounterMetricFamily(
            "mininode_kube_requests", "Requests to the Kubernetes API.", labels=("method", "code")
        )
        for (method, code), number in self._engine.kube.calls.items():
            requests.add_metric((method, str(code)), number)
        helm = CounterMetricFamily(
            "mininode_helm_processes", "Helm processes started.", value=self._engine.helm.processes
        )
        return [requests, helm]

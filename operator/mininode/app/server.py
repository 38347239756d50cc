"""The operator's web server: /metrics for Prometheus, /livez and /readyz for the kubelet."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


@asynccontextmanager
async def serving(
    port: int,
    registry: CollectorRegistry,
    alive: Callable[[], str],
    ready: Callable[[], str],
    role: Callable[[], str],
) -> AsyncIterator[int]:
    """Serve while inside; gives the port (a free one for 0).

    `alive` and `ready` return what is wrong, empty for nothing; `role` what a ready one does.
    """

    def answer(problem: str, fine: str = "ok") -> web.Response:
        return web.Response(status=503 if problem else 200, text=(problem or fine) + "\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def livez(_: web.Request) -> web.Response:
        return answer(alive())

    async def readyz(_: web.Request) -> web.Response:
        return answer(ready(), role())

    application = web.Application()
    application.add_routes([web.get("/metrics", metrics), web.get("/livez", livez), web.get("/readyz", readyz)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, port=port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()

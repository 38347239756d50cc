"""A fault proxy: stands before the real API server, ends TLS with the rehearsal's own certificate, and breaks what it is told to.

It runs in a thread of its own, so that it goes on whatever the test waits for. Requests are numbered by the namespace that
they are about, each of which has a lane of its own, so that several nodes can be worked on beside each other and each still
has its k-th request. Those about no such namespace, leases among them, have no number: their rhythm is the clock's.
"""

import asyncio
import contextlib
import enum
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from mininode.cluster.pki import CLUSTER, Pki

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length"})
_NAMESPACE = re.compile("/namespaces/([^/]+)")
_SLOW = 1.5  # s of a delayed answer
_LONGEST_WATCH = 2.0  # s until a watch that is to break breaks
_WORDS = {409: "Conflict", 410: "Expired", 429: "TooManyRequests", 500: "InternalError"}


class Fault(enum.Enum):
    """What can happen to a request; a number is the code that the API server answers with."""

    REFUSE_409 = 409
    REFUSE_410 = 410
    REFUSE_429 = 429
    REFUSE_500 = 500
    DELAY = "delay"
    CUT = "cut before the API server saw it"
    LOSE = "done, but the answer is lost"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the decision about it sees it."""

    number: int  # counted from 1 since the lane was armed; 0 for one that is not counted
    method: str
    path: str
    watch: bool
    agent: str = ""  # the asking program's own name


Decide = Callable[[Asked], Fault | None]


def nothing(_: Asked) -> None:
    """Let everything through."""


@dataclass(slots=True)
class Lane:
    """The requests about one namespace. Use `arm` and `disarm` as the test goes."""

    injected: Counter[str] = field(default_factory=Counter)  # by the fault's name
    asked: int = 0  # numbered requests since it was armed
    decide: Decide = nothing

    def arm(self, decide: Decide) -> None:
        """From now on each request is decided upon; the count begins anew."""
        self.asked, self.decide = 0, decide

    def disarm(self) -> int:
        """From now on all is well. Returns how many requests were counted."""
        self.decide = nothing
        return self.asked


@dataclass(slots=True)
class Proxy:
    """Use `running`; then the lanes."""

    server: str  # the real API server's address
    pki: Pki
    port: int = 0
    lanes: dict[str, Lane] = field(default_factory=dict)  # by namespace
    _session: aiohttp.ClientSession | None = None

    def lane(self, namespace: str) -> Lane:
        """The lane of a namespace, made when it is first asked for."""
        return self.lanes.setdefault(namespace, Lane())

    def _fault(self, request: web.Request, *, watch: bool) -> Fault | None:
        """What happens to this request, as its lane decides; one that has no lane is any lane's."""
        found = _NAMESPACE.search(request.path)
        lane = self.lanes.get(found[1]) if found else None
        if lane is not None:
            lane.asked += 1
        number = lane.asked if lane is not None else 0
        asked = Asked(number, request.method, request.path, watch, request.headers.get("User-Agent", ""))
        for one in (lane,) if lane is not None else tuple(self.lanes.values()):
            if (fault := one.decide(asked)) is not None:
                one.injected[fault.name] += 1
                return fault
        return None

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Serve on a free port of loopback while inside."""
        loop, ready = asyncio.new_event_loop(), threading.Event()
        stop = asyncio.Event()
        thread = threading.Thread(target=lambda: loop.run_until_complete(self._serve(ready, stop)), daemon=True)
        thread.start()
        assert ready.wait(10), "the fault proxy did not start"
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(20)
            loop.close()

    async def _serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        inside = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        inside.load_cert_chain(self.pki.certificate("kube-apiserver"), self.pki.key("kube-apiserver"))
        outside = ssl.create_default_context(cafile=str(self.pki.certificate(CLUSTER)))
        connector = aiohttp.TCPConnector(ssl=outside, limit=0)
        application = web.Application(client_max_size=16 * 2**20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as self._session:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=inside).start()
            self.port = runner.addresses[0][1]
            ready.set()
            await stop.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        watch = request.query.get("watch") in {"true", "1"}
        fault = self._fault(request, watch=watch)
        if fault is Fault.CUT:
            return _cut(request)
        if fault is not None and isinstance(fault.value, int):
            return _refusal(fault.value)
        if fault is Fault.DELAY:
            await asyncio.sleep(_SLOW)
        if watch:
            return await self._stream(request, _LONGEST_WATCH if fault is Fault.LOSE else None)
        # The API server finishes what it has begun, also when nobody listens any more.
        answer = await asyncio.shield(asyncio.ensure_future(self._forward(request, await request.read())))
        return _cut(request) if fault is Fault.LOSE else answer

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        async with self._upstream(request, body) as answer:
            return web.Response(status=answer.status, headers=_passed_on(answer.headers), body=await answer.read())

    async def _stream(self, request: web.Request, seconds: float | None) -> web.StreamResponse:
        async with self._upstream(request, await request.read()) as answer:
            response = web.StreamResponse(status=answer.status, headers=_passed_on(answer.headers))
            with contextlib.suppress(TimeoutError, ConnectionResetError):  # reset: who asked was killed meanwhile
                await response.prepare(request)
                async with asyncio.timeout(seconds):
                    async for part in answer.content.iter_any():
                        await response.write(part)
                    await response.write_eof()
                    return response
            return _cut(request)

    def _upstream(self, request: web.Request, body: bytes) -> "aiohttp.client._RequestContextManager":
        assert self._session is not None
        url = URL(f"{self.server}{request.raw_path}", encoded=True)
        return self._session.request(
            request.method, url, headers=_passed_on(request.headers), data=body or None, allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
        )  # fmt: skip


def _passed_on(headers: "aiohttp.typedefs.LooseHeaders") -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _HOP]


def _cut(request: web.Request) -> web.Response:
    """Reset the connection; the response that is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refusal(code: int) -> web.Response:
    body = {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": _WORDS[code],
        "message": f"the fault proxy says {code}",
    }  # fmt: skip
    return web.json_response(body, status=code, headers={"Retry-After": "1"} if code == 429 else {})


def through(admin: Path, proxy: Proxy, copy: Path) -> Path:
    """A copy of an access file that leads through the proxy."""
    copy.write_text(admin.read_text().replace(proxy.server, f"https://127.0.0.1:{proxy.port}"))
    copy.chmod(0o600)
    return copy

"""A web server in the test's own loop that answers as it is told and keeps what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from mininode.kube.client import Kube


@dataclass
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str
    moment: float


@dataclass
class Server:
    """Gives its answers in order, the last one for ever."""

    url: str = ""
    answers: list[Callable[[], web.StreamResponse]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def say(self, status: int, body: Any = None, **headers: str) -> None:
        """One more answer. Underscores in a header's name stand for dashes."""
        names = {key.replace("_", "-"): value for key, value in headers.items()}
        self.answers.append(lambda: web.json_response({} if body is None else body, status=status, headers=names))

    def say_text(self, status: int, text: str) -> None:
        """One more answer that is no JSON, as from a proxy in between."""
        self.answers.append(lambda: web.Response(text=text, status=status, content_type="text/html"))

    def say_lines(self, *events: Any) -> None:
        """One more answer: events, as a watch sends them, and then the end."""
        text = "".join(f"{json.dumps(event)}\n" for event in events)
        self.answers.append(lambda: web.Response(text=text, content_type="application/json"))

    def refuse(self, status: int, reason: str, message: str) -> None:
        """One more answer: the API server's own way to say no."""
        self.say(status, {"kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": message})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(
            Asked(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                await request.text(),
                asyncio.get_running_loop().time(),
            )
        )
        return self.answers[min(len(self.asked), len(self.answers)) - 1]()


def access_file(path: Path, url: str) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {"token": "TOKEN"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", one.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    one.url = f"http://{host}:{port}"
    yield one
    await runner.cleanup()


@pytest.fixture
async def kube(server: Server, tmp_path: Path) -> AsyncIterator[Kube]:
    async with await Kube.connect(access_file(tmp_path / "kubeconfig", server.url)) as connection:
        yield connection

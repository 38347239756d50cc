"""The door at work, for real: our rendered configuration and the real Caddy in front of a server that takes and gives a lot.

Big uploads go through as they come in, web sockets outlive a new certificate, and whoever comes after it is shown the new one.
"""

import asyncio
import contextlib
import datetime
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent))  # a helper of this folder, which is no package

import acme

from mininode.api.spec import NodeSpec
from mininode.cluster.ports import free_ports
from mininode.components.edge import certificate_data
from mininode.credentials.certificates import Pair, fingerprint, issue, new_authority

DOMAIN = "node.hospital.example"
NOW = datetime.datetime.now(datetime.UTC)
SPEC = NodeSpec.model_validate({"domain": DOMAIN, "tls": {"mode": "ownCA"}})
PIECE = bytes(1 << 20)
PIECES = 300  # MiB of an upload: more than the door may have of memory (charts/edge/values.yaml: 256Mi at most)


@dataclass
class Behind:
    """A server behind the door: counts what it is given, says back what a web socket says."""

    got: int = 0

    def application(self) -> web.Application:
        made = web.Application(client_max_size=0)
        made.router.add_post("/{path:.*}", self.take)
        made.router.add_get("/{path:.*}", self.echo)
        return made

    async def take(self, request: web.Request) -> web.Response:
        async for piece in request.content.iter_any():
            self.got += len(piece)
        return web.json_response({"got": self.got, "host": request.headers["X-Forwarded-Host"]})

    async def echo(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"heard {message.data}")
        return socket


@dataclass
class Door:
    """Caddy as its pod runs it."""

    folder: Path
    port: int
    authority: Pair
    behind: Behind
    caddy: psutil.Process | None = None
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.certificate)

    def certify(self, pair: Pair) -> None:
        """Put a certificate where the pod has it, with the line that makes Caddy read it."""
        for name, text in certificate_data(pair.certificate, pair.key).items():
            (self.folder / name).write_text(text)

    def session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.trust)
        self.sessions.append(aiohttp.ClientSession(connector=connector, headers={"Host": DOMAIN}))
        return self.sessions[-1]

    async def shown(self) -> str:
        """The fingerprint of the certificate that somebody who comes now is shown."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust, server_hostname=DOMAIN)
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return fingerprint(ssl.DER_cert_to_PEM_cert(found))


@pytest.fixture
async def door(tmp_path: Path, render: Callable[..., list[dict[str, Any]]]) -> AsyncIterator[Door]:
    caddy = acme.programs()["caddy"]
    http, https, front, upstream = free_ports(4)
    one = Door(tmp_path, https, new_authority("the node's own", NOW), Behind())
    one.certify(issue(one.authority, DOMAIN, NOW))
    (config,) = (item for item in render("edge", SPEC) if item["kind"] == "ConfigMap")
    text = config["data"]["Caddyfile"]
    changes = {"http_port 8080": f"http_port {http}", "https_port 8443": f"https_port {https}", "http://:8081": f"http://:{front}"}
    changes |= {"/run/certificate/": f"{tmp_path}/", "dataset-service-backend-service:11000": f"127.0.0.1:{upstream}"}
    changes |= {"guacamole:8080": f"127.0.0.1:{upstream}"}
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "Caddyfile").write_text(text)
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environment |= {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [str(caddy), "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile", "--watch"]
    server = web.AppRunner(one.behind.application())
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", upstream).start()
    try:
        with acme.process(command, tmp_path / "caddy.log", environment) as process:
            one.caddy = psutil.Process(process.pid)
            await acme.eventually(lambda: _listens(https), tmp_path / "caddy.log")
            yield one
            for session in one.sessions:
                await session.close()
    finally:
        await server.cleanup()


async def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


async def test_a_big_upload_goes_through_as_it_comes_in(door: Door) -> None:
    sent, seen_early = 0, 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent, seen_early
        for number in range(PIECES):
            yield PIECE
            sent += len(PIECE)
            if number == PIECES // 2:
                seen_early = door.behind.got

    address = f"{door.url}/dataset-service/api/datasets"
    async with door.session().post(address, data=body(), server_hostname=DOMAIN) as answer:
        assert answer.status == 200, await answer.text()
        assert await answer.json() == {"got": PIECES << 20, "host": DOMAIN}
    assert seen_early > PIECES // 3 << 20, "the server has the first half before the second is sent"
    assert door.caddy is not None
    assert door.caddy.memory_info().rss < 200 << 20


async def test_a_web_socket_outlives_a_new_certificate_and_who_comes_later_is_shown_it(door: Door) -> None:
    before = await door.shown()
    async with door.session().ws_connect(f"{door.url}/guacamole/websocket-tunnel", server_hostname=DOMAIN) as socket:
        await socket.send_str("one")
        assert await socket.receive_str() == "heard one"
        renewed = issue(door.authority, DOMAIN, NOW)
        door.certify(renewed)

        async def new_one() -> bool:
            return await door.shown() == fingerprint(renewed.certificate)

        await acme.eventually(new_one, door.folder / "caddy.log")
        assert before != fingerprint(renewed.certificate)
        await socket.send_str("two")
        assert await socket.receive_str() == "heard two"


async def test_a_part_that_does_not_answer_is_told_in_a_sentence_with_when_to_come_again(door: Door) -> None:
    async with door.session().get(f"{door.url}/auth/realms", server_hostname=DOMAIN) as answer:
        assert answer.status == 502
        assert answer.headers["Retry-After"] == "10"
        assert "Please try again" in await answer.text()

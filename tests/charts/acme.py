"""A real ACME authority (pebble) and the real Caddy as plain processes on loopback, on free ports.

Both are compiled from Go modules: pebble from pebble/ beside this file, Caddy by the lab's own recipe. Pebble believes that
every name is this computer, as its companion, a small name server, says.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.compiled import program

from mininode.cluster.ports import free_ports
from mininode.credentials.certificates import Pair

HERE = Path(__file__).parent
LAB = HERE.parent / "lab"
VERSION = "v2.10.1"
PACKAGE = "github.com/letsencrypt/pebble/v2/cmd"
PEBBLE = ("pebble", "pebble-challtestsrv")
SECONDS = 60


def programs() -> dict[str, Path]:
    """pebble, its name server, and Caddy; compiled when they are not there yet."""
    if shutil.which("go") is None:
        pytest.skip("NOT RUN: no Go toolchain to compile pebble and Caddy with")
    sys.path.insert(0, str(LAB))  # the lab's helpers import one another by their names
    try:
        from places import places  # noqa: PLC0415
        from programs import compiled  # noqa: PLC0415
    finally:
        sys.path.remove(str(LAB))
    found = compiled(places(), os.environ, "caddy")
    return {"caddy": found["caddy"], **{name: program(HERE / "pebble", f"{PACKAGE}/{name}", VERSION) for name in PEBBLE}}


@dataclass(frozen=True)
class Authority:
    """A running pebble: where its directory is, and the root that it issues from."""

    directory: str
    management: str
    trust: ssl.SSLContext

    def root(self) -> str:
        """The root of the certificates that it issues: a new one at every start."""
        answer = httpx.get(f"{self.management}/roots/0", verify=self.trust, trust_env=False)
        answer.raise_for_status()
        return answer.text


@contextlib.contextmanager
def authority(folder: Path, own: Pair, root: str, door: tuple[int, int], found: Mapping[str, Path]) -> Iterator[Authority]:
    """Pebble, with `own` as the certificate of its own https and `root` above it; it asks the door at these two ports."""
    (folder / "own.crt").write_text(own.certificate)
    (folder / "own.key").write_text(own.key)
    names, asks, listens, manages = free_ports(4)
    settings: dict[str, Any] = {
        "listenAddress": f"127.0.0.1:{listens}",
        "managementListenAddress": f"127.0.0.1:{manages}",
        "certificate": str(folder / "own.crt"),
        "privateKey": str(folder / "own.key"),
        "httpPort": door[0],
        "tlsPort": door[1],
        "retryAfter": {"authz": 1, "order": 1},
        "keyAlgorithm": "ecdsa",
        "profiles": {"default": {"description": "three months", "validityPeriod": 90 * 24 * 3600}},
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    resolver = [str(found["pebble-challtestsrv"]), "-dnsserver", f"127.0.0.1:{names}", "-management", f"127.0.0.1:{asks}"]
    resolver += ["-defaultIPv6", "", *(part for kind in ("http01", "https01", "tlsalpn01", "doh") for part in (f"-{kind}", ""))]
    serving = [str(found["pebble"]), "-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{names}"]
    # Without it pebble waits some seconds before it looks at a door, to be as slow as others are.
    environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1"}
    trust = ssl.create_default_context(cadata=root)
    with process(resolver, folder / "names.log", os.environ), process(serving, folder / "pebble.log", environment):
        made = Authority(f"https://localhost:{listens}/dir", f"https://localhost:{manages}", trust)
        until(lambda: _answers(made.directory, trust), folder / "pebble.log")
        yield made


def _answers(url: str, trust: ssl.SSLContext) -> bool:
    try:
        return httpx.get(url, verify=trust, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@contextlib.contextmanager
def process(command: list[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        one = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=dict(environment), start_new_session=True)
        try:
            yield one
        finally:
            with contextlib.suppress(ProcessLookupError):
                one.send_signal(signal.SIGTERM)
            try:
                one.wait(20)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait(20)


def until(holds: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not within {SECONDS} s:\n{log.read_text()[-4000:]}"
        time.sleep(0.1)


async def eventually(holds: Callable[[], Awaitable[bool]], log: Path) -> None:
    """`until` for what has to be awaited."""
    deadline = time.monotonic() + SECONDS
    while not await holds():
        assert time.monotonic() < deadline, f"not within {SECONDS} s:\n{log.read_text()[-4000:]}"
        await asyncio.sleep(0.1)

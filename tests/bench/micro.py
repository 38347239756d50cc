"""Figures of a node in real pods on a real minikube: time to Ready, memory, the login page, twenty logins at once, the commands.

Run by `make bench-micro`, about ten minutes. With GANTT set to a file, the picture of the way to Ready is drawn there.

The critical path is the longest chain of components, each with what its own pods took from being made to being ready: no
software could be Ready sooner with these pods on this machine. What lies above it is Helm, gates, the realm, and waiting.
"""

import asyncio
import compileall
import datetime
import html
import json
import os
import re
import ssl
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / name) for name in ("micro", "lab", "services")), str(HERE.parents[1] / "operator")]

from gantt import Bar, Line, picture  # noqa: E402 - after the path to it
from micro_node import DOMAIN, HTTPS, MEMORY, NAMESPACE, NODE, SYSTEM, install, read, secret  # noqa: E402
from person import Person, somebody  # noqa: E402
from rows import Row, verdict  # noqa: E402
from visitors import ISSUER, SITE, authorization, exchange  # noqa: E402

from mininode.components.registry import all_components  # noqa: E402
from mininode.keycloak.bootstrap import MASTER, OPERATOR_CLIENT  # noqa: E402
from mininode.keycloak.door import ClientLogin, KeycloakDoor  # noqa: E402

PROFILE, HTTP = "mininode-bench", 29280
USERS = 20
PAGES = 30
COMMANDS = 3  # of each kind; the quickest counts
IDLE_SECONDS = 90.0  # s that the node is left alone before its memory is read
PASSWORD = "a-password-of-a-bench"  # noqa: S105 - of people in a throw-away realm


@dataclass(frozen=True)
class Component:
    """One component's way to its gate, in seconds after the node was declared."""

    name: str
    installed: float
    pods: tuple[float, float] | None  # made, ready
    held: float

    @property
    def own(self) -> float:
        return self.pods[1] - self.pods[0] if self.pods else 0.0


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def pods_of(found: list[dict[str, Any]], zero: float) -> tuple[float, float] | None:
    """When the first of these pods was made and the last was ready, or through with its work."""
    if not found:
        return None
    made = [moment(one["metadata"]["creationTimestamp"]) - zero for one in found]
    return min(made), max(_ready(one) - zero for one in found)


def _ready(pod: Mapping[str, Any]) -> float:
    if pod["status"]["phase"] == "Succeeded":
        return max(moment(one["state"]["terminated"]["finishedAt"]) for one in pod["status"]["containerStatuses"])
    return next(moment(one["lastTransitionTime"]) for one in pod["status"]["conditions"] if one["type"] == "Ready")


def way(person: Person) -> tuple[dict[str, Component], float, float]:
    """Every component's way, when the node was declared (Unix time), and how long it took to Ready."""
    node = read(person, "emn", "node")
    zero = moment(node["metadata"]["creationTimestamp"])
    pods = read(person, "pods")["items"]
    releases = read(person, "secrets", "-l", "owner in (helm,mininode)")["items"]
    found = {}
    for status in node["status"]["components"]:
        name = status["name"]
        begun = [one for one in releases if one["metadata"]["labels"].get("name") == name]
        own = [one for one in pods if one["metadata"]["labels"].get("mininode.cancerimage.eu/component") == name]
        installed = min(moment(one["metadata"]["creationTimestamp"]) for one in begun) - zero
        found[name] = Component(name, installed, pods_of(own, zero), moment(status["lastTransitionTime"]) - zero)
    ready = next(one for one in node["status"]["conditions"] if one["type"] == "Ready")
    return found, zero, moment(ready["lastTransitionTime"]) - zero


def critical(found: Mapping[str, Component]) -> tuple[float, list[str]]:
    """The longest chain of pods' own start-ups, and whose it is."""
    needs = {name: component.requires for name, component in all_components().items()}

    def longest(name: str) -> tuple[float, list[str]]:
        before = max((longest(one) for one in needs[name] if one in found), default=(0.0, []))
        return before[0] + found[name].own, [*before[1], name]

    return max(longest(name) for name in found)


def draw(found: Mapping[str, Component], chain: list[str], system: tuple[float, float], offset: float, ready: float) -> str:
    """The way to Ready; `offset` is the time from the command to the node's declaration."""
    lines = [
        Line("cluster and folders", [Bar(0, offset + system[0], "step")]),
        Line("operator", [Bar(offset + system[0], offset + system[1], "pods")]),
    ]
    for one in sorted(found.values(), key=lambda one: one.installed):
        bars = [Bar(offset + one.installed, offset + one.held, "gate")]
        if one.pods:
            kind = "critical" if one.name in chain else "pods"
            bars.append(Bar(offset + one.pods[0], offset + one.pods[1], kind))
        lines.append(Line(one.name, bars))
    return picture(f"micro from nothing to Ready in {offset + ready:.0f} s, images cached, {os.cpu_count()} cores", lines)


def memory(person: Person) -> dict[str, int]:
    """MiB of the working set of our pods, by namespace and name."""
    said = json.loads(person.kubectl("get", "--raw", f"/api/v1/nodes/{person.profile}/proxy/stats/summary"))
    return {
        f"{pod['podRef']['namespace']}/{pod['podRef']['name']}": pod["memory"]["workingSetBytes"] / 2**20
        for pod in said["pods"]
        if pod["podRef"]["namespace"] in {NAMESPACE, SYSTEM} and "workingSetBytes" in pod.get("memory", {})
    }


class ToDoor(httpx.AsyncBaseTransport):
    """Leads the node's public name to this computer's port; certificates are held against the name."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._real = httpx.AsyncHTTPTransport(verify=trust)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(host="127.0.0.1", port=HTTPS)
        body = await request.aread()
        names = {**request.extensions, "sni_hostname": DOMAIN}
        return await self._real.handle_async_request(
            httpx.Request(request.method, url, headers=request.headers, content=body, extensions=names)
        )

    async def aclose(self) -> None:
        await self._real.aclose()


async def first_bytes(trust: ssl.SSLContext) -> list[float]:
    """Seconds to the first byte of the login page, each by a connection of its own: handshake included."""
    took = []
    for _ in range(PAGES):
        async with httpx.AsyncClient(transport=ToDoor(trust)) as http:
            began = time.perf_counter()
            async with http.stream("GET", authorization()) as answer:
                await anext(answer.aiter_bytes())
                took.append(time.perf_counter() - began)
                assert answer.status_code == 200
    return took


async def logins(person: Person, trust: ssl.SSLContext) -> list[float]:
    """Seconds of each of twenty people who log in at the same moment, up to the token."""
    operator = ClientLogin(MASTER, OPERATOR_CLIENT, secret(person, "identity-operator", "secret"))
    async with httpx.AsyncClient(transport=ToDoor(trust), timeout=60) as http:
        door = KeycloakDoor(http, f"{SITE}/auth", "EUCAIM-NODE", operator)
        for number in range(USERS):
            who = {"username": f"user{number}", "email": f"user{number}@hospital.example", "firstName": "Ada", "lastName": "Bench"}
            credentials = [{"type": "password", "value": PASSWORD, "temporary": False}]
            await door.write("POST", "users", {**who, "enabled": True, "emailVerified": True, "credentials": credentials})
    return await asyncio.gather(*(_login(f"user{number}", trust) for number in range(USERS)))


async def _login(username: str, trust: ssl.SSLContext) -> float:
    async with httpx.AsyncClient(transport=ToDoor(trust), timeout=60) as http:
        began = time.perf_counter()
        page = await http.get(authorization())
        form = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert form, page.text
        sent = await http.post(html.unescape(form[1]), data={"username": username, "password": PASSWORD})
        assert sent.status_code == 302, sent.text
        code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
        token = await http.post(f"{ISSUER}/protocol/openid-connect/token", data=exchange(code))
        assert token.status_code == 200, token.text
        return time.perf_counter() - began


def commands(person: Person) -> list[Row]:
    """What a person waits for at a node that is well, each the best of some."""

    def best(*arguments: str) -> float:
        took = []
        for _ in range(COMMANDS):
            began = time.perf_counter()
            done = person.run(*arguments)
            took.append(time.perf_counter() - began)
            assert done.returncode == 0, done.stdout + done.stderr
        return min(took)

    compileall.compile_dir(HERE.parents[1] / "operator", quiet=1)  # as a package's installation does
    config, again = str(person.write()), []
    for _ in range(COMMANDS):
        began = time.perf_counter()
        install(person)
        again.append(time.perf_counter() - began)
    return [
        Row("the same command again", min(again), "s", 5),
        Row("mininode plan", best("plan", "--config", config), "s", 1.5),
        Row("mininode check", best("check", "--config", config), "s", 3),
        Row("mininode status", best("status"), "s"),
    ]


def measure(person: Person) -> list[Row]:
    began = time.time()
    install(person)
    whole = time.time() - began
    found, zero, ready = way(person)
    path, chain = critical(found)
    system = pods_of(read(person, "pods", namespace=SYSTEM)["items"], zero)
    assert system
    if file := os.environ.get("GANTT"):
        Path(file).write_text(draw(found, chain, system, zero - began, ready))
    rows = [
        Row("from nothing to Ready: the command", whole, "s"),
        Row("from the node's declaration to Ready", ready, "s", round(1.15 * path, 1), f"critical path: {path:.0f} s"),
    ]
    for name in chain:
        one = found[name]
        before = f"its pods made after {one.pods[0]:.0f} s" if one.pods else "no pods"
        rows.append(Row(f"  {name}: own pods", one.own, "s", beside=f"{before}, gate held after {one.held:.0f} s"))
    time.sleep(IDLE_SECONDS)  # left alone
    used = memory(person)
    rows += [
        Row("memory of all our pods, idle", sum(used.values()), "MiB", 2.2 * 1024),
        *(Row(f"  {name.partition('/')[2]}", size, "MiB", 110 if name.startswith(SYSTEM) else None) for name, size in used.items()),
    ]
    trust = ssl.create_default_context(cadata=secret(person, "platform-authority", "tls.crt"))
    took = asyncio.run(first_bytes(trust))
    rows += [
        Row("first byte of the login page, median", statistics.median(took) * 1000, "ms"),
        Row("first byte of the login page, p95", statistics.quantiles(took, n=20)[-1] * 1000, "ms"),
    ]
    took = asyncio.run(logins(person, trust))
    rows += [
        Row(f"{USERS} people log in at once: those who did", len(took), ""),
        Row("  median", statistics.median(took), "s"),
        Row("  p95", statistics.quantiles(took, n=20)[-1], "s"),
    ]
    return rows + commands(person)


def main() -> int:
    with somebody(PROFILE, (HTTP, HTTPS), MEMORY, NODE) as person:
        rows = measure(person)
    print("\n".join(row.line() for row in rows))
    print(verdict(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

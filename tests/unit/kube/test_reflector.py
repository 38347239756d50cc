"""A kind's objects in memory: up to date, taken up again after every end of a watch, and never asking without end."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mininode.kube import reflector as module
from mininode.kube.client import Kube
from mininode.kube.reflector import Reflector
from mininode.kube.resources import SERVICES


def service(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def event(kind: str, item: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


@dataclass
class Cluster:
    """Lists and watches as they are told; keeps when it was asked for what."""

    listed: list[dict[str, Any]] = field(default_factory=list)
    watched: list[Any] = field(default_factory=list)  # bytes to send; None: hold the watch open; an int: answer with it
    asked: list[str] = field(default_factory=list)
    version: int = 10

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.asked.append("list")
            return web.json_response({"items": self.listed, "metadata": {"resourceVersion": str(self.version)}})
        self.asked.append(f"watch {request.query.get('resourceVersion')}")
        answers = self.watched.pop(0) if self.watched else [None]
        if isinstance(answers, int):
            return web.json_response({"code": answers, "message": "no", "reason": "No"}, status=answers)
        response = web.StreamResponse()
        await response.prepare(request)
        for one in answers:
            if one is None:
                await asyncio.sleep(60)
            elif isinstance(one, bytes):
                await response.write(one)
        return response


@dataclass
class Seen:
    changes: list[tuple[str | None, str | None]] = field(default_factory=list)

    def __call__(self, _: Reflector, before: Any, after: Any) -> None:
        self.changes.append(tuple(one and one["metadata"]["resourceVersion"] for one in (before, after)))  # type: ignore[arg-type]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
async def run(cluster: Cluster, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[], Any]]:
    """Starts a reflector on the cluster, whose pauses are short."""
    monkeypatch.setattr(module, "_PAUSE_FIRST", 0.1)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", cluster.handle)
    served = TestServer(application)
    await served.start_server()
    file = tmp_path / "access"
    file.write_text(
        json.dumps(
            {
                "apiVersion": "v1", "kind": "Config", "current-context": "x",
                "clusters": [{"name": "x", "cluster": {"server": str(served.make_url("")).rstrip("/")}}],
                "users": [{"name": "x", "user": {"token": "T"}}],
                "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            }
        )
    )  # fmt: skip
    tasks: list[asyncio.Task[None]] = []
    async with await Kube.connect(file) as kube:

        def start() -> tuple[Reflector, Seen]:
            seen = Seen()
            one = Reflector(kube, "Service", SERVICES, "eucaim", "a=b", seen)
            tasks.append(asyncio.create_task(one.run()))
            return one, seen

        yield start
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    await served.close()


async def until(what: Callable[[], Any], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - the condition is the server's
            await asyncio.sleep(0.01)


async def test_list_then_watch_from_there(cluster: Cluster, run: Any) -> None:
    cluster.listed = [service("web", 9)]
    changes = [("MODIFIED", service("web", 11)), ("ADDED", service("db", 12)), ("DELETED", service("web", 13))]
    cluster.watched = [[*(event(kind, one) for kind, one in changes), None]]
    one, seen = run()
    await until(lambda: len(seen.changes) == 4)
    assert seen.changes == [(None, "9"), ("9", "11"), (None, "12"), ("11", None)]
    assert one.objects.keys() == {"db"}
    assert cluster.asked == ["list", "watch 10"]
    assert one.synced.is_set()


async def test_a_watch_that_ended_goes_on_where_it_ended(cluster: Cluster, run: Any) -> None:
    bookmark = event("BOOKMARK", service("", 42))
    cluster.watched = [[bookmark], [None]]
    run()
    await until(lambda: len(cluster.asked) == 3)
    assert cluster.asked == ["list", "watch 10", "watch 42"]


@pytest.mark.parametrize("end", [410, 403, 500, [b'{"type": "MODI']])
async def test_after_any_other_end_it_lists_and_tells_what_was_missed(cluster: Cluster, run: Any, end: Any) -> None:
    cluster.listed = [service("web", 9), service("old", 8)]
    cluster.watched = [end, [None]]
    one, seen = run()
    await until(lambda: len(seen.changes) == 2)
    cluster.listed, cluster.version = [service("web", 19)], 20
    await until(lambda: len(cluster.asked) == 4)
    assert cluster.asked == ["list", "watch 10", "list", "watch 20"]
    assert set(seen.changes[2:]) == {("8", None), ("9", "19")}
    assert one.objects.keys() == {"web"}


@pytest.mark.parametrize("end", [410, 403, []], ids=["too old", "forbidden", "cut at once"])
async def test_watches_that_end_at_once_are_asked_for_less_and_less(cluster: Cluster, run: Any, end: Any) -> None:
    cluster.watched = [end] * 1000
    run()
    await asyncio.sleep(1.5)
    assert 3 <= len(cluster.asked) <= 12  # 0.1, 0.2, 0.4, 0.8 s of pause; without, it would be hundreds


async def test_a_line_longer_than_any_buffer_is_no_end(cluster: Cluster, run: Any) -> None:
    """An object with a megabyte in it is legal."""
    big = service("big", 11) | {"data": "x" * 1_000_000}
    cluster.watched = [[event("ADDED", big), event("ADDED", service("next", 12)), None]]
    one, _ = run()
    await until(lambda: "next" in one.objects)
    assert cluster.asked == ["list", "watch 10"]

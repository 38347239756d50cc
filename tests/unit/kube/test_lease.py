"""Who may act: one at a time, by a Lease whose age our own clock measures."""

import asyncio
import copy
from typing import Any

import pytest

from mininode.errors import KubeError
from mininode.kube import lease as module
from mininode.kube.lease import DURATION, Lease


class Server:
    """The API server's part: one object, optimistic locking."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.down = False
        self.requests = 0

    def _asked(self) -> None:
        self.requests += 1
        if self.down:
            raise KubeError("no answer")

    async def get(self, *_: Any) -> Any:
        self._asked()
        return copy.deepcopy(self.lease)

    async def create(self, _: Any, body: Any, __: str) -> Any:
        self._asked()
        if self.lease is not None:
            return None
        return self._store(body)

    async def replace(self, _: Any, body: Any, __: str) -> Any:
        self._asked()
        if self.lease is None:
            raise KubeError("not there", code=404)
        if body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise KubeError("changed", code=409)
        return self._store(body)

    def _store(self, body: Any) -> Any:
        self.version += 1
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(self.lease)

    @property
    def holder(self) -> str:
        return str(self.lease["spec"]["holderIdentity"]) if self.lease else ""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that waiting moves."""
    one, real = Clock(), asyncio.sleep

    async def sleep(seconds: float) -> None:
        one.now += seconds
        await real(0)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return one


def claim(server: Server, clock: Clock, identity: str) -> Lease:
    return Lease(server, "system", "operator", identity, clock)  # type: ignore[arg-type]


async def test_the_first_has_it_at_once_and_the_second_is_told_who_once(server: Server, clock: Clock) -> None:
    first, second, told = claim(server, clock, "one"), claim(server, clock, "two"), []
    await first.acquire(told.append)
    assert told == []
    assert server.holder == "one"
    waiting = asyncio.create_task(second.acquire(told.append))
    for _ in range(3):
        await first._claim()  # noqa: SLF001 - a renewal, as `keep` does it
        await asyncio.wait({waiting}, timeout=0.01)
    assert not waiting.done() or server.holder == "two"
    assert told[:1] == ["one"]
    waiting.cancel()


async def test_one_that_is_not_renewed_is_taken_after_its_time_and_not_before(server: Server, clock: Clock) -> None:
    await claim(server, clock, "one").acquire(lambda _: None)
    began = clock.now
    await claim(server, clock, "two").acquire(lambda _: None)
    assert server.holder == "two"
    assert DURATION < clock.now - began <= DURATION + 5


async def test_one_that_was_given_back_is_taken_at_once(server: Server, clock: Clock) -> None:
    first = claim(server, clock, "one")
    await first.acquire(lambda _: None)
    await first.release()
    assert server.holder == ""
    began = clock.now
    await claim(server, clock, "two").acquire(lambda _: None)
    assert clock.now == began


async def test_nobody_gives_back_what_is_anothers(server: Server, clock: Clock) -> None:
    await claim(server, clock, "one").acquire(lambda _: None)
    await claim(server, clock, "two").release()
    assert server.holder == "one"


async def test_of_two_who_take_it_in_the_same_moment_one_has_it(server: Server, clock: Clock) -> None:
    await claim(server, clock, "gone").acquire(lambda _: None)
    clock.now += 1
    both = [claim(server, clock, name) for name in ("one", "two")]
    tasks = {asyncio.create_task(one.acquire(lambda _: None)) for one in both}
    done, waiting = await asyncio.wait(tasks, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    for one in waiting:
        one.cancel()
    assert server.holder in {"one", "two"}


async def test_a_renewal_is_one_request(server: Server, clock: Clock) -> None:
    one = claim(server, clock, "one")
    await one.acquire(lambda _: None)
    before = server.requests
    assert await one._claim() == "one"  # noqa: SLF001
    assert server.requests - before == 1


async def test_who_keeps_it_ends_when_another_took_it(server: Server, clock: Clock) -> None:
    one = claim(server, clock, "one")
    await one.acquire(lambda _: None)
    server.lease["spec"]["holderIdentity"] = "two"  # type: ignore[index]
    server.lease["metadata"]["resourceVersion"] = "99"  # type: ignore[index]
    await asyncio.wait_for(one.keep(), 1)
    assert server.holder == "two"


async def test_who_keeps_it_ends_before_it_runs_out_when_nobody_answers(server: Server, clock: Clock) -> None:
    one = claim(server, clock, "one")
    await one.acquire(lambda _: None)
    server.down, began = True, clock.now
    await asyncio.wait_for(one.keep(), 1)
    assert clock.now - began <= DURATION, "another may act from then on"


async def test_who_holds_it_is_told_only_of_the_living(server: Server, clock: Clock) -> None:
    asker = claim(server, clock, "")
    assert await asker.holder() == ""
    one = claim(server, clock, "one")
    await one.acquire(lambda _: None)
    assert await asker.holder() == "", "nobody renewed it"
    asking = asyncio.create_task(asker.holder())
    await asyncio.wait({asking}, timeout=0.001)
    await one._claim()  # noqa: SLF001
    assert await asking in {"one", ""}

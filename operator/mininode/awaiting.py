"""Asynchronous work that leaves nothing behind: from a command, and side by side.

`awaited` is `asyncio.run`, without the moment in which Ctrl-C finds a loop half made. Python turns SIGINT into KeyboardInterrupt
wherever it is: in the making of a loop that leaves work that nobody awaits and a loop that can't be closed, each with a warning or
a traceback on the screen of a person who only pressed Ctrl-C.

`together` is `asyncio.gather`, without what that leaves running when one of the works fails: a request that nobody awaits
outlives its connection, and changes what the next try finds.
"""

import asyncio
import signal
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar, overload

T = TypeVar("T")
Other = TypeVar("Other")


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns or raises. Ctrl-C cancels it, and is raised as KeyboardInterrupt once that is done."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows can't let a signal wait
        return asyncio.run(work)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    async def heard() -> T:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # by now it is the loop's own handler that gets it
        return await work

    try:
        return asyncio.run(heard())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@overload
async def together(one: Awaitable[T], other: Awaitable[Other], /) -> tuple[T, Other]: ...
@overload
async def together(*work: Awaitable[T]) -> tuple[T, ...]: ...
async def together(*work: Awaitable[Any]) -> tuple[Any, ...]:
    """Results of works done side by side, in the order given. All have ended when the first one's error is raised."""
    found = await asyncio.gather(*work, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return tuple(found)

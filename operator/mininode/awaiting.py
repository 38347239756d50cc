"""Asynchronous work from a command: `asyncio.run`, without the moment in which Ctrl-C finds a loop half made.

Python turns SIGINT into KeyboardInterrupt wherever it is. In the making of a loop that leaves work that nobody awaits and a
loop that can't be closed, each with a warning or a traceback on the screen of a person who only pressed Ctrl-C.
"""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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

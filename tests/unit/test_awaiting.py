"""Asynchronous work that leaves nothing behind: Ctrl-C is told as Ctrl-C, and what fails waits for the rest."""

import asyncio
import subprocess
import sys

import pytest

from mininode.awaiting import together

WHILE_MADE = """
import asyncio, os, signal
class Interrupted(asyncio.SelectorEventLoop):
    def __init__(self, *args):
        os.kill(os.getpid(), signal.SIGINT)
        super().__init__(*args)
asyncio.DefaultEventLoopPolicy._loop_factory = Interrupted
"""
BEGUN = "signal = __import__('signal'); os = __import__('os'); os.kill(os.getpid(), signal.SIGINT)"
# Whoever starts the tests may have told them to ignore Ctrl-C, as a shell tells what it puts into the background.
SCRIPT = """
import asyncio, signal, sys
from mininode.awaiting import awaited
signal.signal(signal.SIGINT, signal.default_int_handler)
{before}
async def work():
    try:
        {begun}
        await asyncio.sleep(60)
    finally:
        print("tidied up")
try:
    awaited(work())
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.mark.parametrize(("before", "begun"), [(WHILE_MADE, "pass"), ("", BEGUN)], ids=["as the loop is made", "at work"])
def test_ctrl_c_cancels_the_work_and_says_nothing_else(before: str, begun: str) -> None:
    script = SCRIPT.format(before=before, begun=begun)
    done = subprocess.run([sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True, timeout=50, check=False)
    assert (done.stdout, done.stderr) == ("tidied up\nstopped\n", "")


def test_what_the_work_returns_or_raises_comes_through() -> None:
    script = """
from mininode.awaiting import awaited
import signal
async def work(bad):
    if bad:
        raise ValueError("bad")
    return 7
assert awaited(work(False)) == 7
try:
    awaited(work(True))
except ValueError as error:
    print(error, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True, timeout=50, check=False)
    assert (done.stdout, done.stderr) == ("bad set()\n", "")


async def test_error_of_one_is_raised_when_the_others_have_ended() -> None:
    failed, ended = asyncio.Event(), []

    async def fails() -> None:
        failed.set()
        raise LookupError("not there")

    async def goes_on() -> None:
        await failed.wait()
        for _ in range(9):  # turns of the loop, in which gather has long told of the other
            await asyncio.sleep(0)
        ended.append("written")

    with pytest.raises(LookupError):
        await together(fails(), goes_on())
    assert ended == ["written"]


async def test_cancelled_caller_waits_for_what_each_has_to_tidy_up() -> None:
    begun, ended = asyncio.Event(), []

    async def tidies(name: str) -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            for _ in range(9):
                await asyncio.sleep(0)
            ended.append(name)

    work = asyncio.create_task(together(tidies("one"), tidies("other")))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert sorted(ended) == ["one", "other"]

"""Ctrl-C at the worst moments of asynchronous work: it is told as Ctrl-C, and leaves nothing behind on the screen."""

import subprocess
import sys

import pytest

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

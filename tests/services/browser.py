"""A headless Chromium, told what to do through its debugging pipe: no driver, no further library.

Needs, once per machine, `apt-get install chromium`.
"""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import servers

SECONDS = 30


class Page:
    """One page of the browser."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._numbers = itertools.count(1)
        self._session = ""
        self._left = b""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._ask("Page.enable")

    def open(self, url: str) -> None:
        self._ask("Page.navigate", url=url)

    def forget(self) -> None:
        """Who was logged in is so no more."""
        self._ask("Network.clearBrowserCookies")

    def run(self, script: str) -> Any:
        """What a line of JavaScript gives in the page."""
        return self._ask("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until a line of JavaScript is true; a page that is just being left answers nothing."""
        deadline = time.monotonic() + SECONDS
        while not self.run(script):
            if time.monotonic() > deadline:
                raise AssertionError(f"{script} is not true; at {self.run('location.href')}: {self.run('document.body.innerText')}")
            time.sleep(0.1)

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", format="png")["data"]))

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._next())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                found: dict[str, Any] = answer["result"]
                return found

    def _next(self) -> bytes:
        while b"\0" not in self._left:
            more = os.read(self._from, 65536)
            assert more, "the browser ended"
            self._left += more
        message, _, self._left = self._left.partition(b"\0")
        return message


@contextlib.contextmanager
def chromium(folder: Path, domain: str, port: int) -> Iterator[Page]:
    """A browser that finds the node's public name at this port of the computer, and takes its certificate."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise servers.ServersMissing("no Chromium: apt-get install chromium")
    (read_commands, to_browser), (from_browser, write_answers) = os.pipe(), os.pipe()
    options = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--no-proxy-server",
        "--ignore-certificate-errors", "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", "--lang=en",
        "--window-size=1200,800",
        f"--host-resolver-rules=MAP {domain}:443 127.0.0.1:{port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]  # fmt: skip
    # Chromium reads its commands from descriptor 3 and answers to 4.
    line = f'exec "$@" 3<&{read_commands} 4>&{write_answers}'
    process = subprocess.Popen(
        ["bash", "-c", line, "bash", program, *options],
        pass_fds=(read_commands, write_answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(read_commands)
    os.close(write_answers)
    try:
        yield Page(to_browser, from_browser)
    finally:
        process.terminate()
        process.wait(30)
        os.close(to_browser)
        os.close(from_browser)

"""The commands as processes, with and without a terminal, and one node in a rehearsal of the session's own."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from mininode.toolbox.toolbox import Toolbox

TREE = Path(__file__).parents[2]
CONFIG = {"node": {"profile": "micro", "domain": "node.rehearsal.example", "siteName": "Rehearsal"}}


@dataclass
class Home:
    """A person's folders, and the commands as that person runs them."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    install_output: str = ""
    install_seconds: float = 0.0

    @property
    def environment(self) -> dict[str, str]:
        """Our own environment with this person's folders; no cluster of ours leaks in."""
        inherited = {key: value for key, value in os.environ.items() if key not in {"KUBECONFIG", "NO_COLOR"}}
        return inherited | {
            "PYTHONPATH": str(TREE / "operator"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "COLUMNS": "120",
            **self.extra,
        }

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the command without a terminal, in this person's folder."""
        return subprocess.run(
            [sys.executable, "-m", "mininode.cli.main", *arguments],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def terminal(
        self, *arguments: str, say: str = "", answer: str = "", interrupt_at: str = "", timeout: float = 120
    ) -> tuple[int, str]:
        """Run the command on a terminal; its exit code and screen.

        Types `say` at once, `answer` when it is asked for something, or Ctrl-C as soon as `interrupt_at` is read.
        """
        ours, theirs = pty.openpty()
        # setsid makes standard input the controlling terminal, so that Ctrl-C reaches the program.
        command = ["setsid", "--ctty", sys.executable, "-m", "mininode.cli.main", *arguments]
        environment = self.environment | {"TERM": "xterm-256color"}
        with subprocess.Popen(
            command, cwd=self.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
        ) as process:  # fmt: skip
            os.close(theirs)
            screen = self._read(process, ours, say, answer, interrupt_at, time.monotonic() + timeout)
        os.close(ours)
        return process.returncode, screen

    @staticmethod
    def _read(process: "subprocess.Popen[bytes]", ours: int, say: str, answer: str, interrupt_at: str, deadline: float) -> str:
        if say:
            os.write(ours, f"{say}\n".encode())
        text, pressed = "", False
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # Linux: the other side was closed
                break
            if not chunk:
                break
            text += chunk.decode(errors="replace")
            if answer and text.endswith(": "):
                os.write(ours, f"{answer}\n".encode())
                answer = ""
            if interrupt_at and not pressed and interrupt_at in text:
                os.write(ours, b"\x03")
                pressed = True
            if time.monotonic() > deadline:
                process.send_signal(signal.SIGKILL)
                pytest.fail(f"not done in time; the screen: {text}")
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)

    def config(self, name: str = "config.yaml", **node: object) -> Path:
        """Write a configuration file."""
        path = self.folder / name
        path.write_text(yaml.safe_dump({"node": CONFIG["node"] | node}))
        return path


@pytest.fixture
def blank(tmp_path: Path) -> Home:
    """Somebody who never ran a command."""
    return Home(tmp_path)


@pytest.fixture(scope="session")
def installed() -> Iterator[Home]:
    """A node of profile micro in a rehearsal of its own, installed by the command. Tests leave it as they found it."""
    # Of the same length in every run: where a screen's lines end depends on it.
    home = Home(Path(tempfile.mkdtemp(prefix="mininode-cli-", dir="/tmp")))
    box = Toolbox.from_environment(say=print)
    for tool in ("helm", "kubectl"):  # fetched or built before the clock runs
        box.get(tool)
    try:
        began = time.monotonic()
        done = home.run("install", "micro", "--cluster", "rehearsal", "--yes", timeout=300)
        home.install_seconds = time.monotonic() - began
        home.install_output = done.stdout + done.stderr
        assert done.returncode == 0, home.install_output
        yield home
    finally:
        home.run("rehearsal", "stop")
        shutil.rmtree(home.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kubectl(installed: Home) -> Callable[..., str]:
    """kubectl on the installed node's cluster."""
    program = Toolbox.from_environment(say=print).get("kubectl").path
    kubeconfig = installed.run("rehearsal", "kubeconfig").stdout.strip()

    def run(*arguments: str) -> str:
        command = [str(program), f"--kubeconfig={kubeconfig}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    return run

"""A publisher on loopback and a toolbox of one tool, so that downloads, builds and races are real ones."""

import hashlib
import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

import mininode
from mininode.toolbox import Toolbox
from mininode.toolbox.build import GoBuilder
from mininode.toolbox.download import Downloader
from mininode.toolbox.lock import ToolLock
from mininode.toolbox.recorded import RecordedSums

PROGRAM = b"#!/bin/sh\necho hello v1.2.3\n" + b"#" * 200_000
DEADLINE = 30.0


@dataclass
class Publisher:
    """Serves `files`; of a path in `halves` only half, then the rest after `go_on`, or none of it when `cut` is set."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    halves: set[str] = field(default_factory=set)
    cut: bool = False
    half_sent: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, content: bytes = PROGRAM) -> str:
        self.files[path] = content
        return hashlib.sha256(content).hexdigest()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    shop = Publisher()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shop.asked.append(self.path)
            if (content := shop.files.get(self.path)) is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            sent = len(content)
            if self.path in shop.halves:
                sent = len(content) // 2
                self.wfile.write(content[:sent])
                self.wfile.flush()
                shop.half_sent.set()
                if shop.cut:
                    return
                shop.go_on.wait(DEADLINE)
                self.wfile.write(content[sent:])
            else:
                self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as in http.server
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that was killed on purpose

    server = Server(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield shop
    shop.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Bench:
    """A toolbox over a lock file of ours; `lines` is what it said."""

    home: Path
    lines: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    mirror: str | None = None
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def target(self) -> Path:
        return self.home / "cache/hello/v1.2.3/hello"

    def lock(self, url: str, **pin: object) -> None:
        """Write a lock of the one tool `hello`."""
        platform = pin.pop("platform", {"sha256": None})
        download = {"url": url, "checksum": pin.pop("checksum", url + ".sha256"), "inside": pin.pop("inside", "")}
        tool = {
            "version": "v1.2.3",
            "accept": {"at_least": "1.2.0", "below": "1.4.0"},
            "version_command": ["--version"],
            "build": None,
            "download": download,
            "platforms": {"linux/amd64": platform},
        }
        leave_out = pin.pop("leave_out", None)
        modules = {"hello": {"folder": "hello", "leave_out": leave_out}}
        content = {"modules": modules, "tools": {"hello": {**tool, **pin}}}
        (self.home / "lock.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def box(self, say: Callable[[str], None] | None = None) -> Toolbox:
        say = say or self.lines.append
        return Toolbox(
            lock=ToolLock.load(self.home / "lock.yaml"),
            cache=self.home / "cache",
            downloader=Downloader(say, RecordedSums(self.home / "config/tools.lock.yaml", say), self.mirror),
            builder=GoBuilder(say, self.home / "modules", {**os.environ, **self.environment}),
            environment={"PATH": str(self.home / "bin"), **self.environment},
            platform="linux/amd64",
            say=say,
        )

    def process(self) -> subprocess.Popen[str]:
        """Another process that asks the same toolbox for the same tool; it speaks on stdout, the path comes last."""
        code = (
            "import sys, pathlib; sys.path.insert(0, sys.argv[1]); from conftest import Bench\n"
            "say = lambda line: print(line, flush=True)\n"
            "bench = Bench(pathlib.Path(sys.argv[2]), environment=dict(a.split('=', 1) for a in sys.argv[3:]))\n"
            "say(bench.box(say).get('hello').path)\n"
        )
        settings = [f"{key}={value}" for key, value in self.environment.items()]
        command = [sys.executable, "-c", code, str(Path(__file__).parent), str(self.home), *settings]
        source = {"PYTHONPATH": str(Path(mininode.__file__).parents[1])}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **source}
        )
        self.processes.append(process)
        return process

    def leftovers(self) -> list[str]:
        """Every file in the cache but the lock files that stay."""
        return [path.name for path in (self.home / "cache").rglob("*") if path.is_file() and path.name != ".lock"]

    def script(self, folder: str, text: str, name: str = "hello") -> Path:
        """A small program in a folder of the bench."""
        path = self.home / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return path


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    bench = Bench(tmp_path)
    yield bench
    for process in bench.processes:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture
def until() -> Callable[[Callable[[], bool], str], None]:
    """Wait for a condition, with a deadline."""

    def wait(condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"{what} did not come"
            time.sleep(0.02)

    return wait

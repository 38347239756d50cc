"""Downloads against a real HTTP server: what arrives is checked, what is not right leaves nothing behind."""

import hashlib
import io
import socket
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from mininode.errors import ToolError
from mininode.toolbox import Origin

ZERO = "0" * 64


def pinned(sha256: str) -> dict[str, str]:
    return {"sha256": sha256, "source": "the test"}


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_download_with_the_right_sum_lands_in_the_cache_and_is_not_fetched_twice(bench: Any, publisher: Any) -> None:
    total = publisher.put("/v1.2.3/hello-linux-amd64")
    bench.lock(publisher.url + "/{version}/hello-{os}-{arch}", platform=pinned(total))
    tool = bench.box().get("hello")
    assert (tool.origin, tool.version, tool.path) == (Origin.DOWNLOADED, "v1.2.3", bench.target)
    assert tool.path.read_bytes() == publisher.files["/v1.2.3/hello-linux-amd64"]
    assert tool.path.stat().st_mode & 0o777 == 0o755
    assert bench.box().get("hello").origin is Origin.CACHE
    assert publisher.asked == ["/v1.2.3/hello-linux-amd64"]


def test_a_wrong_sum_is_an_error_with_both_sums_and_no_file(bench: Any, publisher: Any) -> None:
    actual = publisher.put("/hello")
    bench.lock(publisher.url + "/hello", platform=pinned(ZERO))
    with pytest.raises(ToolError) as caught:
        bench.box().get("hello")
    assert caught.value.reason == "WrongChecksum"
    assert actual in caught.value.message
    assert ZERO in caught.value.message
    assert bench.leftovers() == []


def test_a_download_that_is_cut_short_leaves_nothing_and_says_what_to_do(bench: Any, publisher: Any) -> None:
    bench.lock(publisher.url + "/hello", platform=pinned(publisher.put("/hello")))
    publisher.halves.add("/hello")
    publisher.cut = True
    with pytest.raises(ToolError) as caught:
        bench.box().get("hello")
    assert "broke off" in caught.value.message
    assert "MININODE_TOOL_HELLO" in caught.value.advice
    assert bench.leftovers() == []
    assert bench.box().find("hello") is None


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_only_the_tool_is_taken_out_of_an_archive(bench: Any, publisher: Any, kind: str) -> None:
    pack = io.BytesIO()
    members = {"linux-amd64/README": b"read me", "linux-amd64/hello": b"the tool"}
    if kind == "tar":
        with tarfile.open(fileobj=pack, mode="w:gz") as archive:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    else:
        with zipfile.ZipFile(pack, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    total = publisher.put("/hello.pack", pack.getvalue())
    bench.lock(publisher.url + "/hello.pack", inside="{os}-{arch}/hello", platform=pinned(total))
    assert bench.box().get("hello").path.read_bytes() == members["linux-amd64/hello"]
    assert bench.leftovers() == ["hello"]
    bench.target.unlink()
    bench.lock(publisher.url + "/hello.pack", inside="elsewhere/hello", platform=pinned(total))
    with pytest.raises(ToolError, match="elsewhere/hello"):
        bench.box().get("hello")
    assert bench.leftovers() == []


def test_a_mirror_is_asked_for_the_same_path_in_place_of_the_publisher(bench: Any, publisher: Any) -> None:
    total = publisher.put("/mirror/releases/hello")
    bench.lock("https://publisher.invalid/releases/hello", platform=pinned(total))
    bench.mirror = publisher.url + "/mirror/"
    assert bench.box().get("hello").origin is Origin.DOWNLOADED
    assert publisher.asked == ["/mirror/releases/hello"]


def test_without_a_pinned_sum_the_publishers_is_taken_once_and_must_stay(bench: Any, publisher: Any) -> None:
    total = publisher.put("/hello")
    publisher.put("/SHA256SUMS", f"{ZERO}  other\n{total} *hello\n".encode())
    bench.lock(publisher.url + "/hello", checksum=publisher.url + "/SHA256SUMS")
    bench.box().get("hello")
    bench.target.unlink()
    bench.box().get("hello")
    assert publisher.asked == ["/SHA256SUMS", "/hello", "/hello"]  # the second time the recorded one is used

    bench.target.unlink()
    changed = publisher.put("/hello", b"somebody else's")
    publisher.put("/SHA256SUMS", f"{changed}  hello\n".encode())
    with pytest.raises(ToolError, match="wrong checksum"):
        bench.box().get("hello")
    box = bench.box()
    artifact = box.lock.pin("hello").artifact("linux/amd64")
    with pytest.raises(ToolError) as caught:  # `mininode tools lock` asks the publisher again
        box.downloader.publish_sum(artifact)
    assert caught.value.reason == "ChecksumChanged"
    assert total in caught.value.message
    assert changed in caught.value.message


def test_without_any_sum_nothing_is_downloaded(bench: Any, publisher: Any) -> None:
    publisher.put("/hello")
    publisher.put("/hello.sha256", b"<html>welcome to the hotel</html>")
    bench.lock(publisher.url + "/hello")
    with pytest.raises(ToolError, match="no SHA-256 for hello"):
        bench.box().get("hello")
    assert publisher.asked == ["/hello.sha256"]


def test_a_host_out_of_reach_is_asked_once_in_a_process(bench: Any) -> None:
    port = closed_port()
    bench.lock(f"http://127.0.0.1:{port}/hello", platform=pinned(ZERO))
    box = bench.box()
    with pytest.raises(ToolError, match="cannot be reached"):
        box.get("hello")
    asked = []

    class Late(BaseHTTPRequestHandler):
        def handle(self) -> None:
            asked.append(self.client_address)

    with HTTPServer(("127.0.0.1", port), Late) as server:  # it comes up too late for this process
        thread = threading.Thread(target=server.handle_request)
        server.timeout = 0.3
        thread.start()
        with pytest.raises(ToolError, match="cannot be reached"):
            box.get("hello")
        thread.join()
    assert asked == []


def test_a_killed_download_leaves_nothing_that_looks_finished(bench: Any, publisher: Any, until: Any) -> None:
    total = publisher.put("/hello")
    bench.lock(publisher.url + "/hello", platform=pinned(total))
    publisher.halves.add("/hello")
    process = bench.process()
    until(lambda: publisher.half_sent.is_set() and bench.leftovers() == ["download"], "half of the download")
    process.kill()
    process.communicate()
    assert bench.box().find("hello") is None
    publisher.go_on.set()
    tool = bench.box().get("hello")
    assert hashlib.sha256(tool.path.read_bytes()).hexdigest() == total
    assert bench.leftovers() == ["hello"]


def test_of_two_processes_one_downloads_and_the_other_waits_and_says_so(bench: Any, publisher: Any, until: Any) -> None:
    bench.lock(publisher.url + "/hello", platform=pinned(publisher.put("/hello")))
    publisher.halves.add("/hello")
    first = bench.process()
    until(publisher.half_sent.is_set, "the first process's download")
    second = bench.process()
    assert second.stdout is not None
    assert "Another mininode process is at work: it gets hello" in second.stdout.readline()
    publisher.go_on.set()
    said = [process.communicate(timeout=30)[0].splitlines()[-1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert said == [str(bench.target)] * 2
    assert publisher.asked == ["/hello"]

"""Which tool of a machine is taken: named, cached, or on PATH in a version that fits."""

from typing import Any

import pytest

from mininode.errors import ToolError
from mininode.toolbox import Origin

NOWHERE = "http://127.0.0.1:9/hello"


@pytest.fixture
def box(bench: Any) -> Any:
    bench.lock(NOWHERE)
    return bench


def test_a_named_path_goes_before_the_cache_and_the_cache_before_path(box: Any) -> None:
    box.script("bin", "echo hello version 1.3.0")
    assert (box.box().find("hello").origin, box.box().find("hello").version) == (Origin.ON_PATH, "v1.3.0")
    box.script("cache/hello/v1.2.3", "exit 1")
    assert (box.box().find("hello").origin, box.box().find("hello").path) == (Origin.CACHE, box.target)
    box.environment["KUBEBUILDER_ASSETS"] = str(box.script("assets", "echo v1.9.9").parent)
    assert (box.box().find("hello").origin, box.box().find("hello").version) == (Origin.GIVEN, "v1.9.9")
    named = box.script("mine", "echo v1.0.0-mine")
    box.environment["MININODE_TOOL_HELLO"] = str(named)
    tool = box.box().find("hello")
    assert (tool.origin, tool.version, tool.path) == (Origin.GIVEN, "v1.0.0-mine", named)


@pytest.mark.parametrize("says", ["v1.2.0", "hello version 1.3.9+g1234", "Client Version: v1.2.3-eks-1"])
def test_a_version_in_range_is_taken_from_path(box: Any, says: str) -> None:
    box.script("bin", f"echo '{says}'")
    assert box.box().find("hello").origin is Origin.ON_PATH


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("echo v1.1.9", "needed is 1.2.0 or later"),
        ("echo v1.4.0", "below 1.4.0"),
        ("echo Client Version: v1.2.4-dispatcher", "no ordinary release"),
        ("echo v1.3.0-rc.1", "no ordinary release"),
        ("echo v1.2.3; exit 3", "exit code 3"),
        ("echo I am something else", "does not tell its version"),
    ],
)
def test_what_does_not_fit_on_path_is_refused_and_the_reason_is_told(box: Any, does: str, why: str) -> None:
    box.script("bin", does)
    assert box.box().find("hello") is None
    with pytest.raises(ToolError) as caught:
        box.box().get("hello")
    assert why in caught.value.message


def test_a_file_that_is_no_program_is_refused(box: Any) -> None:
    (box.home / "bin").mkdir()
    broken = box.home / "bin/hello"
    broken.write_bytes(b"\x7fELF nothing that runs")
    broken.chmod(0o755)
    assert box.box().find("hello") is None


@pytest.mark.parametrize("value", ["/nowhere/hello", "/etc/passwd"])
def test_a_wrong_named_path_is_an_error_and_nothing_else_is_tried(box: Any, value: str) -> None:
    box.script("bin", "echo v1.2.3")
    box.environment["MININODE_TOOL_HELLO"] = value
    with pytest.raises(ToolError, match="MININODE_TOOL_HELLO") as caught:
        box.box().find("hello")
    assert value in caught.value.message


def test_an_unknown_tool_is_an_error_that_names_the_known_ones(box: Any) -> None:
    with pytest.raises(ToolError) as caught:
        box.box().get("helo")
    assert "hello" in caught.value.advice


def test_after_every_way_failed_each_is_named(box: Any) -> None:
    box.environment["PATH"] = str(box.home)
    with pytest.raises(ToolError) as caught:
        box.box().get("hello")
    for part in ("cache: ", "PATH: no hello on PATH", "download: 127.0.0.1:9 cannot be reached", "build: "):
        assert part in caught.value.message

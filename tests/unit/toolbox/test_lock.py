"""The lock file that is shipped: whole, and of one mind with the wrapper modules beside it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.toolbox.checksums import sum_for
from mininode.toolbox.lock import HOME, ToolLock, parse_version

LOCK = ToolLock.load()
ONE, TWO = "1" * 64, "a" * 64


@pytest.mark.parametrize("name", LOCK.tools)
def test_each_tool_is_built_from_a_module_that_pins_the_same_version(name: str) -> None:
    pin = LOCK.tools[name]
    gomod = (HOME / "modules" / LOCK.modules[pin.build.module].folder / "go.mod").read_text(encoding="utf-8")
    required = dict(re.findall(r"^(?:require )?\s*(\S+) (v\S+)(?: // indirect)?$", gomod, re.MULTILINE))
    module = max((path for path in required if pin.build.package.startswith(path)), key=len)
    assert required[module] == pin.version
    assert re.search(rf"^(?:tool |\t){re.escape(pin.build.package)}$", gomod, re.MULTILINE)  # else go.sum lacks entries
    assert f"ersion={pin.version}" in pin.build.ldflags or "-X" not in pin.build.ldflags


@pytest.mark.parametrize("name", LOCK.tools)
def test_each_tool_is_published_for_linux_and_its_own_version_is_accepted(name: str) -> None:
    pin = LOCK.tools[name]
    assert pin.accept.holds(parse_version(pin.version))
    assert {"linux/amd64", "linux/arm64"} <= set(pin.platforms)
    for platform in pin.platforms:
        artifact = pin.artifact(platform)
        for address in (artifact.url, artifact.checksum_url):
            assert address.startswith("https://")
            assert "{" not in address
        system, machine = platform.split("/")
        assert pin.version in artifact.url
        assert system in artifact.url
        assert machine in artifact.url


def test_no_two_files_have_the_same_sum() -> None:
    sums = [there.sha256 for pin in LOCK.tools.values() for there in pin.platforms.values() if there.sha256]
    assert len(sums) == len(set(sums)) > 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ONE, ONE),
        (f"{TWO.upper()}\n", TWO),
        (f"{ONE}  tool\n", ONE),
        (f"{ONE} *tool\r\n{TWO} *other\r\n", ONE),
        (f"{TWO}  tool.sig\n{ONE}  ./out/tool\n", ONE),
        (f'{{"assets": [{{"name": "other"}}, {{"name": "tool", "digest": "sha256:{ONE}"}}]}}', ONE),
        (f'{{"assets": [{{"name": "tool", "digest": "sha512:{ONE}"}}]}}', None),
        ('{"assets": null}', None),
        ("{", None),
        (f"{ONE}  tool\n{TWO}  tool\n", None),  # two that contradict each other
        (f"{ONE}\n{TWO}\n", None),
        (f"{ONE}  other\n", None),
        ("<html>no</html>", None),
        ("", None),
    ],
)
def test_checksum_files_of_the_shapes_that_publishers_use(content: str, expected: str | None) -> None:
    assert sum_for(content, "tool") == expected


@given(st.text())
def test_a_checksum_file_is_never_anything_but_a_sum_or_nothing(content: str) -> None:
    found = sum_for(content, "tool")
    assert found is None or re.fullmatch("[0-9a-f]{64}", found)

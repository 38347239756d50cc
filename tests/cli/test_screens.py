"""Every screen as people see it, on a real terminal of 80 and of 120 columns, kept as text: `make golden` writes them anew.

What differs from run to run (dates, revisions, this run's folder, digests) is replaced by as many signs. Nothing is wider
than the terminal but a path, a word that can't be broken.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent / "golden"
BROKEN = """\
name: node
node:
  profile: micro
  domain: https://node.hospital.eu/
  siteNam: Radiology
  tls: {mode: provided}
  storage:
    sizes: {database: ten}
  components: {kecloak: {enabled: true}}
"""
# name -> the command, what is typed, and the exit code
SCREENS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "status": (("status",), "", 0),
    "status-nobody": (("status", "--name", "nobody"), "", 3),
    "plan-nothing": (("plan", "--config", "same.yaml"), "", 0),
    "plan-changes": (("plan", "--config", "changed.yaml"), "", 0),
    "credentials-list": (("credentials", "list"), "", 0),
    "config-check-mistakes": (("config", "check", "--config", "broken.yaml"), "", 2),
    "config-check-well": (("config", "check", "--config", "same.yaml"), "", 0),
    "cluster-status-none": (("cluster", "status"), "", 4),
    "uninstall-asks": (("uninstall",), "n", 130),
    "purge-wrong-name": (("uninstall", "--purge"), "nod", 2),
    "install-asks": (("install", "--cluster", "rehearsal", "--config", "changed.yaml"), "n", 130),
    "install-mistakes": (("install", "--cluster", "rehearsal", "--config", "broken.yaml"), "", 2),
}


@pytest.fixture
def files(installed: Any) -> Iterator[None]:
    made = [installed.config("same.yaml"), installed.config("changed.yaml", siteName="Radiology", size="medium")]
    made.append(installed.folder / "broken.yaml")
    made[-1].write_text(BROKEN)
    yield
    for one in made:
        one.unlink()


@pytest.fixture
def screen(installed: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Runs a command on a terminal so wide, and compares what is seen."""

    def check(name: str, width: int, arguments: tuple[str, ...], typed: str, code: int) -> None:
        installed.extra["COLUMNS"] = str(width)
        try:
            ended, text = installed.terminal(*arguments, answer=typed)
        finally:
            del installed.extra["COLUMNS"]
        seen = calm(text, str(installed.folder))
        assert ended == code, text
        for line in seen.splitlines():
            assert len(line) <= width or "/" in line.split()[-1], line
        file = GOLDEN / f"{name}-{width}.txt"
        if request.config.getoption("--update-golden", default=False):
            GOLDEN.mkdir(exist_ok=True)
            file.write_text(seen, encoding="utf-8")
        assert file.exists(), f"no golden file {file.name}: run `make golden` and read what it wrote"
        assert seen == file.read_text(encoding="utf-8"), "the screen is another; `make golden` if that is meant"

    return check


def calm(text: str, folder: str) -> str:
    """Without what differs from run to run."""
    text = text.replace("\r\n", "\n").replace(folder, "/tmp/mininode-cli-".ljust(len(folder), "x"))  # noqa: S108
    text = re.sub(r"\d{4}-\d\d-\d\d", "2026-01-01", text)
    text = re.sub(r"revision (\d+)( *)", lambda found: "revision 1".ljust(len(found[0])), text)
    text = re.sub(r"\d+ objects of its software", "47 objects of its software", text)
    text = re.sub(r"the trust bundle [0-9a-f]{16}", f"the trust bundle {'0' * 16}", text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", SCREENS)
def test_the_screen(name: str, width: int, screen: Callable[..., None]) -> None:
    arguments, typed, code = SCREENS[name]
    screen(name, width, arguments, typed, code)

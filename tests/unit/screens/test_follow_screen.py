"""The screen of an installation at work, live on a terminal, at two widths: one frame, as rich draws it."""

import io
import re
import sys
from collections.abc import Callable, Iterator

import pytest
import rich
from rich.console import Console

from mininode.api.status import ComponentStatus, NodeStatus, Truth
from mininode.cli.screen import Screen


def component(name: str, reason: str, message: str, ready: Truth = Truth.UNKNOWN, **more: object) -> ComponentStatus:
    fields = {"name": name, "ready": ready, "reason": reason, "message": message, "observed_generation": 1, **more}
    return ComponentStatus.model_validate(fields)


LONG = "Deployment keycloak: 0 of 1 pods are ready: keycloak-7d9c is Pending: 0/1 nodes are available: 1 Insufficient memory."
FRAMES = {
    "at-work": (
        component("platform", "GateHeld", "8 network policies and the trust bundle 0a1b are in place", Truth.TRUE),
        component("postgresql", "GatePending", "Pod postgresql-0 pulls its image"),
        component("keycloak", "Dependency", "waits for postgresql"),
        component("guacamole", "Progressing", "its inputs changed", revision=2, digest="v1-a", wanted="v1-b"),
    ),
    "in-trouble": (
        component("platform", "GateHeld", "8 network policies and the trust bundle 0a1b are in place", Truth.TRUE),
        component("keycloak", "GatePending", LONG),
        component("edge", "Failed", f"the last attempt failed: {LONG}", Truth.FALSE, failures=2),
        component("guacamole", "RetriesExceeded", "it failed as often as the operator tries: exceeded quota", Truth.FALSE),
    ),
}


@pytest.fixture(params=[80, 120])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    """rich's own console, so wide, on a terminal that remembers."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    before = dict(rich.get_console().__dict__)
    rich.reconfigure(file=io.StringIO(), force_terminal=True, width=request.param, color_system=None)
    yield rich.get_console()
    rich.get_console().__dict__.update(before)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame(name: str, terminal: Console, golden: Callable[[str, str], None]) -> None:
    screen = Screen(terminal=True)
    screen.update(NodeStatus(components=FRAMES[name]))
    screen.close()
    assert isinstance(terminal.file, io.StringIO)
    # The last frame is what stays; what came before is wiped by the terminal's own commands.
    frames = re.split(r"\x1b\[2K|\x1b\[1A", terminal.file.getvalue())
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", next(one for one in reversed(frames) if one.strip()))
    lines = [line.rstrip() for line in text.replace("\r", "").splitlines()]
    assert max(map(len, lines)) <= terminal.width
    golden(f"follow-{name}-{terminal.width}.txt", "\n".join(lines) + "\n")

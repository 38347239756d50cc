"""What a person sees of a node: one line a component, what it waits for, and for how long. Live on a terminal, plain lines else."""

import shutil
import sys
import textwrap
import time
from dataclasses import dataclass, field
from typing import TextIO

from mininode.api.conditions import READY, REHEARSED
from mininode.api.status import ComponentStatus, NodeStatus, Truth

_NARROW = 40  # columns that a text needs at least to be read
_NEWS = 5.0  # s between two plain lines about the same state
_MARKS = {
    "GateHeld": "✓",
    "Simulated": "≈",
    "RetriesExceeded": "✗", "RolledBack": "✗",
    "OwnedByOther": "✗",
    "Failed": "!",
    "Dependency": "·",
    "Suspended": "-",
}
_STATES = {
    "GateHeld": "ready",
    "Simulated": "simulated",
    "GatePending": "starting",
    "Dependency": "waiting",
    "Progressing": "installing",
    "Removing": "removing",
    "Locked": "unlocking",
    "Failed": "retrying",
    "RetriesExceeded": "failed",
    "RolledBack": "rolled back",
    "Drifted": "repairing",
    "Rotating": "changing",
    "OwnedByOther": "refused",
    "Suspended": "suspended",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One component as it is shown."""

    name: str
    mark: str
    state: str
    message: str

    @classmethod
    def of(cls, component: ComponentStatus) -> "Line":
        """The line of a component's status."""
        mark, state = _MARKS.get(component.reason, "…"), _STATES.get(component.reason, component.reason)
        if component.reason == "Progressing" and component.revision and component.digest != component.wanted:
            state = "upgrading"
        return cls(component.name, mark, state, component.message)

    def text(self, width: int, seconds: float | None) -> str:
        """The line in plain text."""
        clock = f"{seconds:4.0f} s" if seconds is not None else "      "
        return fitted(f"  {self.mark} {self.name:<{width}}  {self.state:<12} {clock}  ", self.message)


def lines(status: NodeStatus) -> tuple[Line, ...]:
    """One line a component."""
    return tuple(Line.of(component) for component in status.components)


@dataclass(slots=True)
class Screen:
    """Shows a node's way to its goal. `update` for news, `tick` once a second for the clock."""

    terminal: bool = field(default_factory=sys.stdout.isatty)
    _since: dict[str, tuple[str, float]] = field(default_factory=dict)
    _shown: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    _live: object = None
    _status: NodeStatus = field(default_factory=NodeStatus)

    def update(self, status: NodeStatus) -> None:
        """Show what changed."""
        now = time.monotonic()
        self._status = status
        for line in lines(status):
            if self._since.get(line.name, ("",))[0] != line.state:
                self._since[line.name] = (line.state, now)
        self._draw() if self.terminal else self._plain()

    def tick(self) -> None:
        """Let the clocks of unfinished components run."""
        if self._status.components:
            self._draw() if self.terminal else self._plain()

    def _plain(self) -> None:
        """A line for each new state; the same state's news at most every few seconds."""
        now, width = time.monotonic(), _width(self._status)
        for line in lines(self._status):
            state, message, shown = self._shown.get(line.name, ("", "", 0.0))
            if line.state != state or (line.message != message and now - shown >= _NEWS):
                self._shown[line.name] = (line.state, line.message, now)
                print(line.text(width, None), flush=True)

    def _draw(self) -> None:
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            self._live = Live(auto_refresh=False)
            self._live.start()
        width, now = _width(self._status), time.monotonic()
        text = "\n".join(
            line.text(width, None if line.mark in "✓≈" else now - self._since[line.name][1]) for line in lines(self._status)
        )
        if isinstance(self._live, Live):
            self._live.update(Text(text), refresh=True)

    def close(self) -> None:
        """Leave the last state on the terminal."""
        if self._live is not None:
            self._live.stop()  # type: ignore[attr-defined] # a rich.live.Live, imported only when shown
            self._live = None


def _width(status: NodeStatus) -> int:
    return max((len(component.name) for component in status.components), default=0)


def wrapped(text: str) -> str:
    """Text for a person: wrapped by words on a terminal, in one line elsewhere."""
    return fitted("", text)


def fitted(first: str, text: str, indent: int | None = None, stream: TextIO | None = None) -> str:
    """`first` and the text after it: on a terminal broken by words, what follows below the text's beginning; one line elsewhere.

    Where too little is left beside `first`, all of the text goes below it.
    """
    width = max(shutil.get_terminal_size().columns, _NARROW)
    if not (stream or sys.stdout).isatty() or len(first) + len(text) <= width:
        return first + text
    if width - len(first) < _NARROW:
        return f"{first.rstrip()}\n{fitted('      ', text, stream=stream)}"
    below = " " * (len(first) if indent is None else indent)
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) or first.rstrip()


def verdict(status: NodeStatus) -> str:
    """What was proven and what not, in a sentence or two."""
    ready, rehearsed = status.condition(READY), status.condition(REHEARSED)
    if rehearsed is not None and rehearsed.status is Truth.TRUE:
        return (
            f"Rehearsed: {status.components_summary} components were installed by real Helm into a real Kubernetes API, in order, "
            "with the operator's own rights. Not proven: that images can be pulled, programs start, and anybody can log in; "
            "the pods are simulated."
        )
    if ready is None:
        return "The operator has not looked at the node yet."
    if ready.status is Truth.TRUE:
        return f"Ready: {ready.message}"
    return f"Not ready: {ready.message}"

"""minikube's stream of events (`-o json`): one CloudEvent a line, with lines in between that are none."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

_PREFIX = "io.k8s.sigs.minikube."


@dataclass(frozen=True, slots=True)
class Failure:
    """How a command of minikube's ended, by its own words."""

    reason: str = ""  # the id; texts are translated, exit codes are shared
    code: int = 0
    message: str = ""


@dataclass(slots=True)
class Story:
    """What a stream told. `hear` a line at a time."""

    say: Callable[[str], None] = lambda _line: None
    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failure: Failure | None = None
    other: list[str] = field(default_factory=list)  # lines that are no events, the last few
    _downloads: set[str] = field(default_factory=set)

    def hear(self, line: str) -> None:
        """Take one line in; tell the person what is new in it."""
        kind, data = _parsed(line)
        match kind:
            case "step":
                name = data.get("name") or data.get("message", "")
                if name and name not in self.steps[-1:]:
                    self.steps.append(name)
                    self.say(data.get("message") or name)
            case "download":
                self._download(data.get("artifact", ""))
            case "warning":
                self.warnings.append(data.get("message", ""))
            case "error" if data.get("exitcode") or data.get("name"):
                self.failure = Failure(data.get("name", ""), _number(data.get("exitcode", "")), data.get("message", ""))
            case "error":
                self.warnings.append(data.get("message", ""))  # a message, not the end
            case "":
                if line.strip():
                    self.other = [*self.other, line.strip()][-20:]

    def _download(self, artifact: str) -> None:
        if artifact and artifact not in self._downloads:
            self._downloads.add(artifact)
            self.say(f"downloading {artifact}")


def told(lines: Iterable[str]) -> Story:
    """A whole stream."""
    story = Story()
    for line in lines:
        story.hear(line)
    return story


def _parsed(line: str) -> tuple[str, dict[str, str]]:
    """The kind of an event and its data; an empty kind for what is none."""
    try:
        event: Any = json.loads(line)
        kind, data = str(event["type"]), event.get("data")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", {}
    if not kind.startswith(_PREFIX):
        return "", {}
    return kind.removeprefix(_PREFIX), {str(key): str(value) for key, value in data.items()} if isinstance(data, dict) else {}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0

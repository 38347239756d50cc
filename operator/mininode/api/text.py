"""Text of a configuration: what makes it one at all, its limits, places in it, and mistakes found in it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mininode.errors import ConfigError, Mistake

MAX_BYTES = 1024 * 1024  # a config is some hundred lines; etcd takes no object larger than 1.5 MiB
MAX_DEPTH = 40  # Kubernetes' own objects stay below 20
MAX_VALUES = 20_000
MAX_MISTAKES = 100  # more than that nobody reads, and a hostile file has no end of them

Path = tuple[str | int, ...]

# What YAML calls printable (1.2, section 5.1), less the byte order mark and line ends that editors don't know.
_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_/-]+")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text, counted from 1; column in characters."""

    line: int
    column: int


def written(path: Path) -> str:
    """A path as a person writes it: node.components.keycloak.values.env[0]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_NAME.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{clipped(part)!r}]"
    return text


def clipped(text: str, length: int = 60) -> str:
    """The beginning of a text that may be long."""
    return text if len(text) <= length else text[: length - 1] + "…"


def decode(raw: str | bytes, source: str) -> str:
    """The text of a file. Raises ConfigError when it is too large, not UTF-8, or holds what no text holds."""
    if len(raw) > MAX_BYTES:
        raise refused(
            source, "the file is larger than 1 MiB, the most that a configuration may have", "Is it the right file?"
        )
    if isinstance(raw, bytes):
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise refused(source, "the file is saved as UTF-16", "Save it as UTF-8")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            column = error.start - raw.rfind(b"\n", 0, error.start)
            problem = f"the file is no UTF-8 text: it holds the byte 0x{raw[error.start]:02x}"
            raise refused(source, problem, "Save it as UTF-8, or name the right file", Position(line, column)) from None
    else:
        text = raw
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if unprintable := _UNPRINTABLE.search(text):
        start = unprintable.start()
        place = Position(text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
        problem = f"the file holds the control character U+{ord(unprintable[0]):04X}, which no text has"
        raise refused(source, problem, "Is it the right file?", place)
    return text


def sorted_mistakes(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Mistakes in the order of the text, at most MAX_MISTAKES."""
    found = sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column, mistake.where))
    if len(found) <= MAX_MISTAKES:
        return found
    rest = Mistake(where="", problem=f"and {len(found) - MAX_MISTAKES} more mistakes", source=found[0].source)
    return [*found[:MAX_MISTAKES], rest]


def too_deep(value: Any) -> bool:
    """Whether maps and lists are nested more than MAX_DEPTH deep. Level by level: no depth can exhaust the stack."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return bool(level)


def refused(source: str, problem: str, advice: str, place: Position | None = None) -> ConfigError:
    """One mistake that makes looking on pointless."""
    line, column = (place.line, place.column) if place else (0, 0)
    return ConfigError([Mistake(where="", problem=problem, advice=advice, source=source, line=line, column=column)])

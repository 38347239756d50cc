"""YAML text to plain data, with the line and column of everything in it, and with every trap of YAML refused.

PyYAML's parser gives events with positions; the tree is built here, iteratively and within limits, so that neither deep
nesting nor references that multiply ("billion laughs") cost more than the file's length. Scalars are read by YAML 1.2's
core schema; what YAML 1.1 reads differently (`no`, `010`, `1:30` …) is refused rather than guessed.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from mininode.api.text import (
    MAX_DEPTH,
    MAX_MISTAKES,
    MAX_VALUES,
    Path,
    Position,
    clipped,
    refused,
    sorted_mistakes,
    written,
)
from mininode.documents import SafeLoader
from mininode.errors import ConfigError, Mistake

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_AMBIGUOUS_WORD = frozenset({"yes", "no", "on", "off"})
# Octal to YAML 1.1 and decimal to 1.2; minutes and seconds to 1.1 and text to 1.2; grouped digits likewise.
_AMBIGUOUS_NUMBER = re.compile(r"[-+]?(0[0-9]+|[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?|[0-9][0-9_]*_[0-9_]*|0b[01_]+)")
_INT = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TAB_INDENT = re.compile(r"^ *\t+[ \t]*(?=\S)", re.MULTILINE)

# libyaml's words, in those of a person who does not write parsers.
_SYNTAX = {
    "mapping values are not allowed in this context": "a ':' stands where none can; check this line's indentation",
    "could not find expected ':'": "a ':' is missing after the key",
    "did not find expected key": "this line does not fit the one above: check its indentation and quotes",
    "did not find expected '-' indicator": "this line does not fit the list above: check its indentation",
    "did not find expected node content": "a value or a closing bracket is missing",
    "found unexpected end of stream": "the file ends inside a quoted text",
    "found character that cannot start any token": "this character can't begin a value: put the value in quotes",
    "did not find expected ',' or ']'": "a ',' or the closing ']' is missing",
    "did not find expected ',' or '}'": "a ',' or the closing '}' is missing",
    "did not find expected <document start>": "this line is no part of the text above it: check its indentation",
}


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says. `keys` and `values` tell where each stands; `mistakes` left the rest readable."""

    data: Any
    keys: dict[Path, Position]
    values: dict[Path, Position]
    mistakes: tuple[tuple[Path, Mistake], ...]

    def place(self, path: Path, *, key: bool = False) -> Position:
        """Where the value of `path` stands (its key: if asked for, or without a value); else what it belongs to."""
        for end in range(len(path), 0, -1):
            part = path[:end]
            places = (self.keys, self.values) if key or end < len(path) else (self.values, self.keys)
            for found in places:
                if part in found:
                    return found[part]
        return Position(1, 1)


def read(text: str, source: str) -> Document:
    """The one YAML document of a text. Raises ConfigError when it can't be read to its end."""
    builder = _Builder(source)
    try:
        for event in yaml.parse(text, Loader=SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.mistakes.extend(((), mistake) for mistake in _syntax(error, text, source))
        raise ConfigError(sorted_mistakes(mistake for _, mistake in builder.mistakes)) from None
    except yaml.YAMLError as error:
        raise refused(source, f"not valid YAML: {clipped(str(error).splitlines()[0])}", "") from None
    return Document(builder.root, builder.keys, builder.values, tuple(builder.mistakes))


def _syntax(error: yaml.MarkedYAMLError, text: str, source: str) -> list[Mistake]:
    """Tabs are named wherever they are: they can't be seen, and most editors put in several."""
    tabs = [
        Mistake(
            where="",
            problem="a tab in the indentation",
            advice="YAML takes spaces only: replace it by spaces",
            source=source,
            line=text.count("\n", 0, tab.start()) + 1,
            column=tab[0].index("\t") + 1,
        )
        for tab, _ in zip(_TAB_INDENT.finditer(text), range(MAX_MISTAKES), strict=False)
    ]
    if tabs:
        return tabs
    problem = error.problem or "not valid YAML"
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    lines = text.rstrip("\n").split("\n")
    if line > len(lines):  # the parser stands behind the end
        line, column = len(lines), len(lines[-1]) + 1
    words = _SYNTAX.get(problem, f"{clipped(problem)}: check the indentation and quotes of this line and the one above")
    return [Mistake(where="", problem=f"not valid YAML: {words}", source=source, line=line, column=column)]


@dataclass(slots=True)
class _Frame:
    """A map or list that is being filled."""

    path: Path
    into: dict[str, Any] | list[Any]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Takes events one by one and grows the tree; gives up with ConfigError where a limit is passed."""

    source: str
    root: Any = None
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    mistakes: list[tuple[Path, Mistake]] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    documents: int = 0
    skipping: int = 0  # depth inside something that is left out: a key that is no text

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents == 2:  # noqa: PLR2004 - the second document
                self._wrong((), event, "a second YAML document begins here ('---')", "Keep one document in the file")
        elif self.documents > 1:
            return
        elif isinstance(event, yaml.CollectionEndEvent):
            if self.skipping:
                self.skipping -= 1
            else:
                self.stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)

    def _node(self, event: yaml.NodeEvent) -> None:
        opens = isinstance(event, yaml.CollectionStartEvent)
        if self.skipping:
            self.skipping += opens
        elif self.stack and isinstance(self.stack[-1].into, dict) and self.stack[-1].key is None:
            self._key(self.stack[-1], event)
        else:
            self._value(event)
        if len(self.stack) + self.skipping > MAX_DEPTH:
            self._stop(event, f"more than {MAX_DEPTH} levels, one inside the other")
        if len(self.values) > MAX_VALUES:
            self._stop(event, f"more than {MAX_VALUES} values")

    def _key(self, frame: _Frame, event: yaml.NodeEvent) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            frame.key = f"(line {_position(event).line})"
            self._wrong((*frame.path, frame.key), event, "a key must be a text", "Write `key: value`", frame.path)
            self.skipping += isinstance(event, yaml.CollectionStartEvent)
            return
        path = (*frame.path, event.value)
        frame.key = event.value
        if event.implicit[0] and event.value == "<<":
            self._wrong(path, event, "merge keys ('<<') are not understood here", "Write the fields out")
        elif event.implicit[0] and event.value.lower() in _AMBIGUOUS_WORD:
            self._wrong(
                path, event, f"`{event.value}` is a truth value to some readers of YAML", "Put the key in quotes"
            )
        elif not event.value:
            self._wrong(path, event, "a key is missing before ':'", "Write `key: value`")
        elif path in self.keys:
            # What stands first is checked; what comes again is kept apart, under a key that can be no other's.
            frame.key = f"{event.value} (line {_position(event).line}:{_position(event).column})"
            first = self.keys[path].line
            self._wrong(
                (*frame.path, frame.key), event, f"is there twice, first in line {first}", "Keep one of them", path
            )
        self.keys.setdefault((*frame.path, frame.key), _position(event))

    def _value(self, event: yaml.NodeEvent) -> None:
        path = self._place()
        self._decorated(path, event)
        value: Any = None
        if isinstance(event, yaml.MappingStartEvent):
            value = {}
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
        elif isinstance(event, yaml.ScalarEvent):
            value = self._scalar(path, event)
        if value is not None:
            self.values[path] = _position(event)
        self._put(value)
        if isinstance(value, dict | list):
            self.stack.append(_Frame(path, value))

    def _decorated(self, path: Path, event: yaml.NodeEvent) -> None:
        """Refuse anchors, aliases and tags: none is needed, and references that multiply make a small file huge."""
        if isinstance(event, yaml.AliasEvent):
            self._wrong(path, event, "references ('*name') are not understood here", "Write the value out")
        elif event.anchor is not None:
            advice = "Write the value out where it is needed"
            self._wrong((*path, "&"), event, "anchors ('&name') are not understood here", advice, path)
        elif getattr(event, "tag", None) is not None:
            self._wrong((*path, "!"), event, "tags ('!name') are not understood here", "Leave the tag out", path)

    def _scalar(self, path: Path, event: yaml.ScalarEvent) -> Any:
        text = event.value
        if not event.implicit[0]:
            return text
        if text.lower() in _AMBIGUOUS_WORD:
            advice = "Write true or false, or put it in quotes if the word is meant"
            self._wrong(path, event, f"`{text}` is a truth value to some readers of YAML and a word to others", advice)
            return text
        if _AMBIGUOUS_NUMBER.fullmatch(text) and text not in {"00", "0"}:
            advice = "Put it in quotes if text is meant, else write it without leading zeros, ':' and '_'"
            self._wrong(path, event, "a number that readers of YAML take differently", advice)
            return text
        try:
            return _plain(text)
        except ValueError as error:
            self._wrong(path, event, str(error), "Put it in quotes if text is meant")
            return text

    def _place(self) -> Path:
        if not self.stack:
            return ()
        frame = self.stack[-1]
        return (*frame.path, len(frame.into)) if isinstance(frame.into, list) else (*frame.path, frame.key or "")

    def _put(self, value: Any) -> None:
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        if isinstance(frame.into, list):
            frame.into.append(value)
        else:
            frame.into[frame.key or ""] = value
            frame.key = None

    def _wrong(self, path: Path, event: yaml.Event, problem: str, advice: str, shown: Path | None = None) -> None:
        """Note a mistake about what is kept at `path` and everything below it; the person reads the path `shown`."""
        if len(self.mistakes) <= MAX_MISTAKES:
            place = _position(event)
            mistake = Mistake(
                where=written(path if shown is None else shown), problem=problem, advice=advice, source=self.source,
                line=place.line, column=place.column,
            )  # fmt: skip
            self.mistakes.append((path, mistake))

    def _stop(self, event: yaml.Event, problem: str) -> None:
        place = _position(event)
        raise refused(self.source, f"the file holds {problem}", "Is it the right file?", place)


def _position(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _plain(text: str) -> Any:
    """A scalar without quotes by YAML 1.2's core schema. Raises ValueError for numbers that JSON can't carry."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NOT_A_NUMBER.fullmatch(text):
        raise ValueError("not a finite number")
    if _INT.fullmatch(text):
        if len(text) > 20:  # noqa: PLR2004 - digits of the largest 64-bit number, and a sign
            raise ValueError("a number of more than 64 bits")
        return int(text, 0) if text[1:2] in {"x", "o"} else int(text)
    if _FLOAT.fullmatch(text):
        if not math.isfinite(number := float(text)):
            raise ValueError("not a finite number")
        return number
    return text

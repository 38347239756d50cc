"""What pydantic found, in words for the person who wrote the input: problem and advice for each kind of mistake."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from mininode.api import domains
from mininode.api.inline_secrets import looks_secret
from mininode.api.sentences import SENTENCES
from mininode.api.spec import DOMAIN_PATTERN
from mininode.api.text import Path, clipped, written

_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "model_type": "a section with fields of its own",
    "dict_type": "a section with keys of its own",
    "tuple_type": "a list",
}
_LISTED = 12  # names that a message can list and still be read


def explain(error: ErrorDetails, schema: Mapping[str, Any], path: Path) -> tuple[str, str]:
    """Problem and advice for one of pydantic's errors at `path` of the input that `schema` describes."""
    if error["type"] == "extra_forbidden":
        return unknown_key(schema, path)
    if error["type"] == "missing":
        return "is missing", _wanted(schema, path)
    if error["input"] is None:
        needed = path and path[-1] in _at(schema, path[:-1]).get("required", ())
        return "is empty", "Give it a value" if needed else "Give it a value, or remove the line to take the default"
    return _wrong_value(error, schema, path)


def unknown_key(schema: Mapping[str, Any], path: Path) -> tuple[str, str]:
    """An unknown key: what was meant, if it can be told, else which keys there are."""
    wrong = str(path[-1])
    siblings = sorted(_at(schema, path[:-1]).get("properties", {}))
    if close := closest(wrong, siblings):
        return "unknown key", f"Did you mean {close}?"
    elsewhere = [other for other in _paths(schema, ()) if _plain(str(other[-1])) == _plain(wrong)]
    if elsewhere:
        return "unknown key here", f"Did you mean {' or '.join(written(other) for other in elsewhere[:3])}?"
    return "unknown key", f"Known here: {', '.join(siblings)}" if len(siblings) <= _LISTED else ""


def unknown_component(name: str, known: Iterable[str]) -> tuple[str, str]:
    """A component that there is not."""
    names = sorted(known)
    close = closest(name, names)
    return "unknown component", f"Did you mean {close}?" if close else f"There are: {', '.join(names)}"


def closest(wrong: str, known: Iterable[str]) -> str:
    """The known name that `wrong` was probably meant to be, whatever its case, hyphens and underscores; else empty."""
    by_plain = {_plain(name): name for name in known}
    close = difflib.get_close_matches(_plain(wrong)[:80], by_plain, n=1, cutoff=0.7)
    return by_plain[close[0]] if close else ""


def found(value: Any) -> str:
    """A value in a message: its kind, and itself where it is short and no secret."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return "a secret" if looks_secret(value) else f"the text {clipped(value)!r}"
    return "a list" if isinstance(value, list) else "a section"


def _wrong_value(error: ErrorDetails, schema: Mapping[str, Any], path: Path) -> tuple[str, str]:
    kind, value = error["type"], error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind in _TYPES:
        advice = "Put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""
        return f"must be {_TYPES[kind]}, found {found(value)}", advice
    if kind == "enum":
        return _not_among(path, value, _at(schema, path).get("enum", []))
    if kind == "string_pattern_mismatch":
        return _mismatch(str(context["pattern"]), str(value))
    if kind in {"string_too_long", "too_long"}:
        what = "characters" if kind == "string_too_long" else "entries"
        return f"has {len(value)} {what}, at most {context['max_length']} are allowed", ""
    return clipped(error["msg"], 200), ""


def _not_among(path: Path, value: Any, known: list[str]) -> tuple[str, str]:
    if not isinstance(value, str):
        return f"must be one of {', '.join(known)}, found {found(value)}", ""
    close = closest(value, known)
    return (
        f"unknown {path[-1]} {clipped(value)!r}",
        f"Did you mean {close}?" if close else f"There are: {', '.join(known)}",
    )


def _mismatch(pattern: str, value: str) -> tuple[str, str]:
    if pattern == DOMAIN_PATTERN:
        return domains.explain(value)
    return f"{SENTENCES[pattern]}; found {clipped(value)!r}", ""


def _wanted(schema: Mapping[str, Any], path: Path) -> str:
    """What a field is for: the first sentence of its description."""
    description = str(_at(schema, path).get("description", ""))
    return description.split(". ", maxsplit=1)[0].rstrip(".")


def _at(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The part of a structural schema that describes `path`; empty where it says nothing."""
    for part in path:
        below = schema.get("items") if isinstance(part, int) else schema.get("properties", {}).get(part)
        schema = below or schema.get("additionalProperties") or {}
    return schema


def _paths(schema: Mapping[str, Any], path: Path) -> Iterator[Path]:
    """Every field that a schema knows by name. Inside a map's entries there is no one path, so they are left out."""
    for name, child in schema.get("properties", {}).items():
        yield (*path, name)
        yield from _paths(child, (*path, name))


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")

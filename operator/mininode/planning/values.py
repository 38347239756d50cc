"""Merging chart values as Helm merges them: maps by key, everything else replaced, null removes a chart's default."""

from collections.abc import Iterator, Mapping
from typing import Any


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` on top. A null of `over` stays a null, so that Helm removes the chart's own default with it."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def put(values: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """`values` with `value` at a dotted path."""
    first, _, rest = path.partition(".")
    return merged(values, {first: put({}, rest, value) if rest else value})


def overlapping(base: Mapping[str, Any], over: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Dotted paths at which `over` would replace something of `base`."""
    for key, value in over.items():
        here = f"{path}.{key}" if path else key
        if key not in base:
            continue
        if isinstance(base[key], Mapping) and isinstance(value, Mapping):
            yield from overlapping(base[key], value, here)
        else:
            yield here

"""Steps from what is there to what is declared. Pure: each step says what differs, and holds the requests that mend it.

Only what is declared is compared; a step never takes away what is not. A step whose ground is not there yet (a role's client,
a flow's executions) is left for the next round, which looks at the realm again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MISSING = "not there"
MASK = "**********"  # what Keycloak shows of a secret


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as declared. Never holds a secret."""

    kind: str  # client, realm role, …
    name: str
    field: str  # empty: the whole object
    found: str
    wanted: str

    def __str__(self) -> str:
        where = f"{self.kind} {self.name}" + (f": {self.field}" if self.field else "")
        return f"{where} is {self.found}, wanted {self.wanted}" if self.field else f"{where} is {self.found}"


@dataclass(frozen=True, slots=True)
class Request:
    """One write. `path` is below the realm; `flow` names a flow whose steps are mended by a look at their ids first."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Step:
    """What differs, and what mends it."""

    differences: tuple[Difference, ...]
    requests: tuple[Request, ...]


def missing(kind: str, name: str) -> tuple[Difference, ...]:
    """The whole object is not there."""
    return (Difference(kind, name, "", MISSING, "there"),)


def same(found: Any, wanted: Any) -> bool:
    """Whether a found value is the declared one. Lists of texts are sets; empty, false and absent are one."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(same(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list | tuple):
        entries = list(found or [])
        if all(isinstance(one, str) for one in [*wanted, *entries]):
            return set(entries) == set(wanted)
        return len(entries) == len(wanted) and all(same(one, other) for one, other in zip(entries, wanted, strict=True))
    if not wanted:
        return not found or found == "false"
    return bool(found == wanted or (isinstance(wanted, bool) and found == str(wanted).lower()))


def unequal(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The declared entries that are found to be something else."""
    return {key: value for key, value in wanted.items() if not same(found.get(key), value)}


def field_differences(
    kind: str, name: str, found: Mapping[str, Any], changed: Mapping[str, Any], prefix: str = ""
) -> tuple[Difference, ...]:
    """One difference for each changed field."""
    return tuple(Difference(kind, name, prefix + key, show(found.get(key)), show(value)) for key, value in changed.items())


def lacking(found: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """What is wanted and not found, in the order of the wanted."""
    there = set(found)
    return tuple(one for one in wanted if one not in there)


_SHOWN = 120  # characters of a value in a difference


def show(value: Any) -> str:
    """A value for people."""
    if value is None or value == "":
        return "not set"
    texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    text = ", ".join(sorted(value)) if texts else str(value)
    return (text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…") or "empty"

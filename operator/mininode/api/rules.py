"""The rules of a schema, evaluated: the very CEL expressions that the API server holds, for what is not sent to one.

Google's own CEL evaluator (cel-expr-python) runs them, so that a rule has one text and one meaning.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mininode.api.text import Path


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that does not hold for the value at `path`."""

    path: Path
    message: str


def broken_rules(schema: Mapping[str, Any], value: Any, wrong: Collection[Path] = ()) -> list[Broken]:
    """Every rule of a structural schema that `value` breaks.

    What stands at the paths `wrong` is known to be wrong already: rules that ask about it are left out, as their answer
    would be a consequence. So are rules about a change (`oldSelf`), which have no meaning for a file. Raises ValueError
    for a rule that can't be evaluated.
    """
    from cel_expr_python import cel  # noqa: PLC0415 - 12 MiB that only a check needs

    environment = cel.NewEnv(variables={"self": cel.Type.DYN})
    found = []
    for path, rule, subject in _applicable(schema, _as_stored(schema, value), (), wrong):
        holds = environment.compile(rule["rule"]).eval(data={"self": subject}).value()
        if not isinstance(holds, bool):
            raise ValueError(f"the rule {rule['rule']} has no answer: {holds}")  # noqa: TRY004 - the rule's fault
        if not holds:
            found.append(Broken(path, rule["message"]))
    return found


def _applicable(
    schema: Mapping[str, Any], value: Any, path: Path, wrong: Collection[Path]
) -> Iterator[tuple[Path, Mapping[str, str], Any]]:
    if any(path[: len(other)] == other for other in wrong):
        return
    fields = schema.get("properties", {})
    doubtful = {str(other[len(path)]) for other in wrong if other[: len(path)] == path}
    for rule in schema.get("x-kubernetes-validations", ()):
        asked = any(name not in fields or f"self.{name}" in rule["rule"] for name in doubtful)
        if "oldSelf" not in rule["rule"] and not asked:
            yield path, rule, value
    if isinstance(value, dict):
        for name, child in value.items():
            if (below := schema.get("properties", {}).get(name) or schema.get("additionalProperties")) is not None:
                yield from _applicable(below, child, (*path, name), wrong)


def _as_stored(schema: Mapping[str, Any], value: Any) -> Any:
    """`value` as the API server stores it: without nulls, with the schema's defaults."""
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return value
    fields: Mapping[str, Any] = schema.get("properties", {})
    given = {name: child for name, child in value.items() if child is not None}
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field and name not in given}
    return {
        name: _as_stored(fields.get(name) or schema.get("additionalProperties", {}), child)
        for name, child in (defaults | given).items()
    }

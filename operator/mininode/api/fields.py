"""The fields of a model as a flat list, for the documents that are generated from it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mininode.api.sentences import SENTENCES


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """One field as a person wants to know it."""

    path: str  # components.<name>.enabled, conditions[].type
    type: str
    description: str
    required: bool
    default: str  # as YAML on one line; empty when there is none
    allowed: str  # a sentence or a list of values; empty when everything of its type is
    rules: tuple[str, ...]  # messages of the rules that cross its fields


def fields(schema: Mapping[str, Any], prefix: str = "") -> Iterator[FieldDoc]:
    """Every field below a structural schema, sections before what they hold."""
    needed = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield _doc(path, field, required=name in needed)
        yield from _inside(path, field)


def _inside(path: str, field: Mapping[str, Any]) -> Iterator[FieldDoc]:
    if (entry := field.get("additionalProperties")) is not None:
        yield _doc(f"{path}.<name>", entry, required=False)
        yield from _inside(f"{path}.<name>", entry)
    elif (entry := field.get("items")) is not None:
        yield from fields(entry, f"{path}[].")
    else:
        yield from fields(field, f"{path}.")


def _doc(path: str, field: Mapping[str, Any], *, required: bool) -> FieldDoc:
    rules = tuple(rule["message"] for rule in field.get("x-kubernetes-validations", ()))
    return FieldDoc(path, _type(field), field.get("description", ""), required, _default(field), _allowed(field), rules)


def _type(field: Mapping[str, Any]) -> str:
    if field["type"] == "array":
        return "list of sections" if field["items"]["type"] == "object" else "list of texts"
    if field["type"] == "object":
        if field.get("x-kubernetes-preserve-unknown-fields"):
            return "free section"
        return "sections by name" if "additionalProperties" in field else "section"
    if field.get("format") == "date-time":
        return "time"
    return {"string": "text", "boolean": "true or false", "integer": "whole number"}[field["type"]]


def _default(field: Mapping[str, Any]) -> str:
    """A section's default is that of its fields and stands there."""
    default = field.get("default")
    return (
        "" if default is None or default == "" or isinstance(default, dict | list) else json.dumps(default).strip('"')
    )


def _allowed(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    parts = [SENTENCES[field["pattern"]]] if field.get("pattern") in SENTENCES else []
    if "maxLength" in field and not parts:
        parts.append(f"at most {field['maxLength']} characters")
    if "maxProperties" in field:
        parts.append(f"at most {field['maxProperties']}")
    return "; ".join(parts)

"""docs/spec.md, made from the models: every field of the spec and the status, the conditions, the examples."""

from collections.abc import Iterable, Iterator, Mapping

from mininode.api import API_VERSION, KIND
from mininode.api.conditions import REASONS, TYPES
from mininode.api.config import SiteConfig
from mininode.api.crd import schema
from mininode.api.fields import FieldDoc, fields
from mininode.api.spec import NodeSpec
from mininode.api.status import NodeStatus

_INTRODUCTION = f"""\
<!-- Generated from operator/mininode/api by `make generate`: change the models there, not this file. -->
# What a node can be told, and what it tells

A node is one resource of kind `{KIND}` (`{API_VERSION}`) in a namespace of its own. The same fields stand

- under `spec:` of the resource, for those who use `kubectl`, Argo CD or Flux;
- under `node:` of `config.yaml`, for those who use `mininode install`;
  [config.example.yaml](../config.example.yaml) shows them all.

Whatever is left out takes its default. What is written wrongly is refused before anything changes: by
`mininode config check --config config.yaml` with file, line and column of every mistake, and by the API server on
`kubectl apply`. No field takes a password or a key: where one is needed, the field takes `name` and `key` of a Secret
in the node's namespace.

In a terminal with a cluster: `kubectl explain eucaimnode.spec`.
"""


def spec_reference(component_names: Iterable[str], examples: Mapping[str, str]) -> str:
    """The whole page. `examples` are the texts of example resources by title, shown in that order."""
    names = ", ".join(f"`{name}`" for name in sorted(component_names))
    site = [field for field in fields(schema(SiteConfig)) if field.path.partition(".")[0] != "node"]
    parts = [
        _INTRODUCTION,
        "## config.yaml only\n\nBeside `node:` the file has these fields.\n",
        *map(_field, site),
        "## The spec\n",
        *(_section(field) if field.path.count(".") == 0 else _field(field) for field in fields(schema(NodeSpec))),
        f"### Names of components\n\nUnder `components` these names are known: {names}.\n",
        "## The status\n\nWritten by the operator only: `mininode status` shows it, or `kubectl get emn -o yaml`.\n",
        "\n".join(_table(fields(schema(NodeStatus)))),
        "## Conditions\n\nBy the Kubernetes API conventions: `kubectl wait`, Argo CD and Flux understand them.\n",
        "\n".join(_pairs("Type", TYPES)),
        "### Reasons\n\nThe list is closed: a program may rely on it.\n",
        "\n".join(_pairs("Reason", REASONS)),
        "## Examples\n",
        *(f"### {title}\n\n```yaml\n{text.strip()}\n```\n" for title, text in examples.items()),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _section(field: FieldDoc) -> str:
    """A field of the first level has a heading of its own, so that it can be linked to."""
    return f"### {field.path}\n\n{_field(field)}"


def _field(field: FieldDoc) -> str:
    """Name and type, a line break (two spaces), the meaning; then what is particular about it as a list."""
    notes = [f"- Default: `{field.default}`"] if field.default else []
    if field.allowed:
        notes.append(f"- Allowed: {field.allowed.removeprefix('must be ')}")
    notes.extend(f"- Rule: {rule}" for rule in field.rules)
    head = f"**`{field.path}`** ({field.type}{', required' if field.required else ''})  "
    return "\n".join([head, field.description, "", *notes, *([""] if notes else [])])


def _table(docs: Iterable[FieldDoc]) -> Iterator[str]:
    yield "| Field | Type | Meaning |\n| --- | --- | --- |"
    for field in docs:
        values = f" One of {field.allowed}." if "`" in field.allowed else ""
        yield f"| `{field.path}` | {field.type} | {field.description}{values} |"
    yield ""


def _pairs(title: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield f"| {title} | Meaning |\n| --- | --- |"
    for name, meaning in rows.items():
        yield f"| `{name}` | {meaning} |"
    yield ""

"""The CustomResourceDefinition of EucaimNode, made from the pydantic models. Pure: data in, data out.

pydantic writes JSON Schema 2020-12; the API server takes a structural schema, a cut of OpenAPI 3. What is turned into
what, and why, stands at each step below (source: "Structural schemas" in the Kubernetes documentation of CRDs).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.config import JsonDict

from mininode.api import GROUP, KIND, PLURAL, VERSION
from mininode.api.model import cel
from mininode.api.sentences import SENTENCES
from mininode.api.spec import NodeSpec
from mininode.api.status import NodeStatus

HEADER = "# Generated from operator/mininode/api by `make generate`: change the models there, not this file.\n"

# Names of nodes become values of labels, which are 63 characters at most; resource names may be longer and hold dots.
_NAME_RULE = cel(
    "self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",
    "metadata.name must be at most 63 characters long and without dots",
)

_COLUMNS = (
    ("Profile", ".spec.profile"),
    ("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    ("Components", ".status.componentsSummary"),
    ("Message", '.status.conditions[?(@.type=="Ready")].message'),
)

# Said by pydantic for its own readers, or unknown to the API server.
_DROPPED = frozenset({"title", "$defs", "examples", "discriminator"})
# The order in which a person reads a field.
_ORDER = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "pattern",
    "maxLength",
    "minimum",
    "required",
    "properties",
)


def crd(component_names: Iterable[str]) -> dict[str, Any]:
    """The CRD as data. `component_names` are the components there are: the server refuses any other."""
    spec = _with_sentences(schema(NodeSpec))
    spec["properties"]["components"]["x-kubernetes-validations"] = [_known_components(sorted(component_names))]
    root = {
        "description": "A EUCAIM federated node: what it should be (spec) and what the operator found (status).",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": KIND},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": _without_defaults(schema(NodeStatus)),
        },
        "x-kubernetes-validations": [_NAME_RULE],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{PLURAL}.{GROUP}",
            # Descriptions may come to hold ${...}, which Flux would take for its own variables.
            "annotations": {"kustomize.toolkit.fluxcd.io/substitute": "disabled"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["emn"],
                "categories": ["mininode"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        *({"name": name, "type": "string", "jsonPath": path} for name, path in _COLUMNS),
                        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                    ],
                    "schema": {"openAPIV3Schema": root},
                }
            ],
        },
    }


def crd_yaml(component_names: Iterable[str]) -> str:
    """The CRD as the text of its file."""
    text: str = yaml.dump(crd(component_names), Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)
    return HEADER + text


class _Plain(yaml.SafeDumper):
    """YAML without anchors: what is said twice is written twice, which is easier to read."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """The structural schema of a model. Raises ValueError where the model can't be said in one."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    return _structural(raw, raw.get("$defs", {}), ())


def _structural(node: Mapping[str, Any], definitions: Mapping[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
    """One node of the schema with everything below it.

    `inside` names the definitions that we are in: recursion has no structural form.
    """
    node, inside = _inlined(node, definitions, inside)
    out = {key: value for key, value in node.items() if key not in _DROPPED}
    if "const" in out:
        out["enum"] = [out.pop("const")]
    if out.get("type") == "integer":
        out["format"] = "int64"
    if "properties" in out:
        out["properties"] = {name: _structural(child, definitions, inside) for name, child in out["properties"].items()}
    if "items" in out:
        out["items"] = _structural(out["items"], definitions, inside)
    if "x-kubernetes-list-map-keys" in out:
        out["x-kubernetes-list-type"] = "map"
    _additional(out, definitions, inside)
    _default(out)
    if "type" not in out:
        raise ValueError(f"a field without a type has no structural schema: {sorted(node)}")
    return {
        key: out[key] for key in (*(key for key in _ORDER if key in out), *(key for key in out if key not in _ORDER))
    }


def _inlined(
    node: Mapping[str, Any], definitions: Mapping[str, Any], inside: tuple[str, ...]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`node` with `$ref` and `X | None` replaced by what they mean; what stands beside them wins over that."""
    merged = dict(node)
    while "$ref" in merged or "anyOf" in merged:
        if "$ref" in merged:
            name = str(merged.pop("$ref")).rpartition("/")[2]
            if name in inside:
                raise ValueError(f"{name} contains itself: a structural schema can't say that")
            inside = (*inside, name)
            merged = {**definitions[name], **merged}
        else:
            choices = [choice for choice in merged.pop("anyOf") if choice != {"type": "null"}]
            if len(choices) != 1:
                raise ValueError(f"a choice between {len(choices)} shapes has no structural schema: {sorted(node)}")
            merged = {**choices[0], **merged}
    return merged, inside


def _additional(out: dict[str, Any], definitions: Mapping[str, Any], inside: tuple[str, ...]) -> None:
    """Maps. The server wants no `additionalProperties` beside `properties`: it prunes, or refuses if asked to."""
    if "additionalProperties" not in out:
        return
    rest = out.pop("additionalProperties")
    if rest is True:
        out["x-kubernetes-preserve-unknown-fields"] = True
    elif rest is not False:
        out["additionalProperties"] = _structural(rest, definitions, inside)


def _default(out: dict[str, Any]) -> None:
    """`null` is no default; a section's is written out: the server asks our rules about it before filling in fields."""
    if out.get("default", ...) is None:
        del out["default"]
    elif isinstance(out.get("default"), dict):
        out["default"] = _without_nulls(out["default"])


def _without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(child) if isinstance(child, Mapping) else child
        for key, child in value.items()
        if child is not None
    }


def _with_sentences(node: dict[str, Any]) -> dict[str, Any]:
    """A schema whose patterns are CEL rules with a sentence: the server's own message is the pattern."""
    out = dict(node)
    if pattern := out.pop("pattern", None):
        rule = cel(f"self.matches(r'{pattern}')", SENTENCES[pattern])
        out["x-kubernetes-validations"] = [rule, *out.get("x-kubernetes-validations", [])]
    if "properties" in out:
        out["properties"] = {name: _with_sentences(child) for name, child in out["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in out:
            out[key] = _with_sentences(out[key])
    return out


def _without_defaults(node: dict[str, Any]) -> dict[str, Any]:
    """A schema whose defaults the server leaves alone: a status says what was seen and nothing else."""
    out = {key: value for key, value in node.items() if key != "default"}
    if "properties" in out:
        out["properties"] = {name: _without_defaults(child) for name, child in out["properties"].items()}
    if "items" in out:
        out["items"] = _without_defaults(out["items"])
    return out


def _known_components(names: list[str]) -> JsonDict:
    """The rule's message can't name the wrong one: one made from a map's keys costs more than the server allows."""
    listed = ", ".join(f"'{name}'" for name in names)
    return cel(f"self.all(name, name in [{listed}])", f"unknown component; there are: {', '.join(names)}")

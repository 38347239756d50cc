"""The CRD is what the models say, and a schema that the API server takes."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel, Field

from mininode.api.crd import crd, crd_yaml, schema
from mininode.api.spec import ComponentOverride, NodeSpec

NAMES = ("keycloak", "postgresql")


def root() -> dict[str, Any]:
    version: dict[str, Any] = crd(NAMES)["spec"]["versions"][0]
    shape: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return shape


def walk(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from walk(node[key], f"{path}.{key}")


def test_every_node_of_the_schema_is_structural() -> None:
    allowed = {
        "type",
        "description",
        "format",
        "enum",
        "default",
        "properties",
        "required",
        "items",
        "additionalProperties",
    }
    allowed |= {"minimum", "maximum", "minLength", "maxLength", "maxItems", "minItems", "maxProperties", "nullable"}
    allowed |= {"x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"}
    allowed |= {"x-kubernetes-preserve-unknown-fields"}
    nodes = list(walk(root()))
    assert len(nodes) > 60
    for path, node in nodes:
        assert set(node) <= allowed, path
        assert isinstance(node["type"], str), path
        assert not isinstance(node.get("additionalProperties"), bool), path
        assert not ("properties" in node and "additionalProperties" in node), path


def test_everything_that_a_rule_may_look_at_has_a_limit() -> None:
    """CEL's cost is estimated from these; without them the server refuses the rules."""
    for path, node in walk(root()["properties"]["spec"]):
        if node["type"] == "string":
            assert "maxLength" in node or "enum" in node, path
        if node["type"] == "array":
            assert "maxItems" in node, path
        if "additionalProperties" in node:
            assert "maxProperties" in node, path


def test_every_field_is_described() -> None:
    spec = root()["properties"]
    for part in ("spec", "status"):
        for path, node in walk(spec[part]):
            assert path.endswith((".items", ".additionalProperties")) or node.get("description", "").endswith("."), (
                part + path
            )


def test_defaults_are_the_models_and_a_status_has_none() -> None:
    spec = root()["properties"]["spec"]["properties"]
    model = NodeSpec(domain="node.hospital.example")
    assert spec["tls"]["default"] == {"mode": model.tls.mode.value}
    assert spec["storage"]["default"]["sizes"] == model.storage.sizes.model_dump(by_alias=True)
    assert spec["storage"]["properties"]["sizes"]["properties"]["datalake"]["default"] == model.storage.sizes.datalake
    assert "default" not in spec["contact"]
    assert [path for path, node in walk(root()["properties"]["status"]) if "default" in node] == []


def test_lists_of_sections_are_maps_with_their_keys() -> None:
    status = root()["properties"]["status"]["properties"]
    for name, key in (("conditions", "type"), ("components", "name")):
        assert status[name]["x-kubernetes-list-type"] == "map"
        assert status[name]["x-kubernetes-list-map-keys"] == [key]
        assert key in status[name]["items"]["required"]


def test_the_components_there_are_stand_in_a_rule() -> None:
    (rule,) = root()["properties"]["spec"]["properties"]["components"]["x-kubernetes-validations"]
    assert rule == {
        "rule": "self.all(name, name in ['keycloak', 'postgresql'])",
        "message": "unknown component; there are: keycloak, postgresql",
    }


def test_it_is_a_valid_crd_of_the_oldest_and_the_newest_kubernetes() -> None:
    for version in ("1.31", "1.37"):
        kubernetes_validate.validate(yaml.safe_load(crd_yaml(NAMES)), version, strict=True)


def test_free_values_stay_free() -> None:
    values = schema(ComponentOverride)["properties"]["values"]
    assert values["type"] == "object"
    assert values["x-kubernetes-preserve-unknown-fields"] is True


class Tree(BaseModel):
    below: "Tree | None" = None


class Choice(BaseModel):
    either: int | str = Field(0)


@pytest.mark.parametrize(("model", "words"), [(Tree, "contains itself"), (Choice, "2 shapes")])
def test_what_no_structural_schema_can_say_is_an_error(model: type[BaseModel], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        schema(model)

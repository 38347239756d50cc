"""Credentials: fresh, strong, labelled for keeping, and nothing that deletes them with a node."""

import base64
import string
from typing import Any

import pytest

from mininode.api import COMPONENT_LABEL, NODE_LABEL
from mininode.api.spec import NodeSpec
from mininode.components.base import Credential, GeneratedKey, Node
from mininode.components.registry import all_components
from mininode.credentials.store import new_secret, rendered_secret

NODE = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"))
LOGIN = Credential("db-login", (GeneratedKey("password"), GeneratedKey("token", 64)), {"username": "db"})


def made(credential: Credential = LOGIN) -> dict[str, Any]:
    return dict(new_secret(NODE, "db", credential))


def text(secret: dict[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_what_is_fixed_is_there_and_what_is_generated_is_long_enough() -> None:
    found = text(made())
    assert found["username"] == "db"
    assert {key: len(value) for key, value in found.items()} == {"username": 2, "password": 32, "token": 64}


def test_only_characters_that_need_no_quoting_anywhere() -> None:
    seen = "".join(text(made(Credential("x", (GeneratedKey("k", 4000),))))["k"])
    assert set(seen) == set(string.ascii_letters + string.digits)  # with 4000 draws each of the 62 turns up


def test_no_two_are_alike() -> None:
    values = [value for _ in range(50) for key, value in text(made()).items() if key != "username"]
    assert len(set(values)) == len(values)


def test_it_belongs_to_the_node_by_label_and_to_nobody_by_owner() -> None:
    meta = made()["metadata"]
    assert (meta["name"], meta["namespace"]) == ("db-login", "eucaim")
    assert meta["labels"].items() >= {NODE_LABEL: "demo", COMPONENT_LABEL: "db"}.items()
    assert "ownerReferences" not in meta
    assert "finalizers" not in meta


def test_a_rendered_secret_carries_the_same_marks() -> None:
    rendered: dict[str, Any] = dict(rendered_secret(NODE, "db", "db-config", {"db.yaml": "a: ü"}))
    assert text(rendered) == {"db.yaml": "a: ü"}
    assert rendered["metadata"]["labels"] == made()["metadata"]["labels"]


@pytest.mark.parametrize("name", all_components())
def test_every_generated_value_of_a_component_has_the_strength_of_128_bits(name: str) -> None:
    component = all_components()[name]
    weak = [(one.name, key.key) for one in component.credentials for key in one.generated if key.length * 5.95 < 128]
    assert weak == []

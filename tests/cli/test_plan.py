"""`mininode plan`: what an install would change, told and not done."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mininode.components.registry import all_components

ALL = len(all_components())

BIGGER = {"components": {"guacamole": {"resources": {"requests": {"cpu": "333m"}}}}}


@pytest.fixture(autouse=True)
def _nothing_changes(installed: Any, kubectl: Callable[..., str]) -> Any:
    line = "{.metadata.name} {.metadata.generation} {.metadata.uid}\n"
    state = ("get", "emn,secrets,deployments,statefulsets", "-A", "-o", f"jsonpath={{range .items[*]}}{line}{{end}}")
    before = kubectl(*state)
    yield
    assert kubectl(*state) == before
    assert installed.run("status").returncode == 0


def test_nothing_to_change(installed: Any) -> None:
    done = installed.run("plan")
    assert done.returncode == 0
    assert "Nothing would change." in done.stdout


def test_a_changed_value_is_told_with_both_sides(installed: Any) -> None:
    path = installed.config("bigger.yaml", **BIGGER)
    done = installed.run("plan", "--config", str(path))
    assert done.returncode == 0, done.stderr
    assert f"1 of {ALL} components would change." in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "resources.requests" in line or "resources:" in line]
    assert "333m" in line
    assert "→" in line


def test_for_programs(installed: Any) -> None:
    path = str(installed.config("bigger.yaml", **BIGGER))
    found = json.loads(installed.run("plan", "-c", path, "-o", "json").stdout)
    assert found == yaml.safe_load(installed.run("plan", "-c", path, "-o", "yaml").stdout)
    assert {one["component"]: one["changes"] for one in found} == {
        "platform": False, "storage": False, "edge": False, "postgresql": False, "keycloak": False, "identity": False,
        "dataset-service": False, "guacamole": True,
    }  # fmt: skip
    (changed,) = [one for one in found if one["changes"]]
    assert changed["action"] == "Upgrade"
    assert changed["values"]


def test_what_could_be_a_secret_is_masked(installed: Any) -> None:
    """A name is enough: values hold no secrets by design, and somebody may put one there all the same."""
    path = installed.config("secret.yaml", components={"guacamole": {"values": {"sessionTokenName": "PLAINTEXT"}}})
    done = installed.run("plan", "--config", str(path))
    assert "PLAINTEXT" not in done.stdout + done.stderr
    if done.returncode == 0:
        assert "sessionTokenName" in done.stdout
        assert "(masked)" in done.stdout
    else:
        assert done.returncode == 2


def test_another_domain_upgrades_all_in_order(installed: Any) -> None:
    path = installed.config("moved.yaml", domain="other.rehearsal.example")
    said = installed.run("plan", "--config", str(path)).stdout
    assert f"{ALL} of {ALL} components would change." in said
    assert "node.domain" in said
    assert "after platform" in said


def test_a_config_with_mistakes_is_exit_2(installed: Any) -> None:
    path = installed.config("broken.yaml", domain="https://x")
    done = installed.run("plan", "--config", str(path))
    assert done.returncode == 2
    assert "domain" in done.stderr

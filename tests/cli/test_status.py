"""`mininode status` for people, programs and scripts."""

import json
from collections.abc import Callable
from typing import Any

import yaml

COMPONENTS = {"platform", "storage", "edge", "postgresql", "keycloak", "identity", "dataset-service", "guacamole"}


def test_for_people(installed: Any) -> None:
    done = installed.run("status")
    assert done.returncode == 0
    for component in COMPONENTS:
        (line,) = [line for line in done.stdout.splitlines() if line.split()[1:2] == [component]]
        assert "simulated" in line or component == "platform"  # which has no pods
        assert "revision" in line
    assert "https://node.rehearsal.example" in done.stdout
    assert "Not proven" in done.stdout


def test_for_programs(installed: Any) -> None:
    as_json, as_yaml = installed.run("status", "-o", "json"), installed.run("status", "--output", "yaml")
    found = json.loads(as_json.stdout)
    assert found == yaml.safe_load(as_yaml.stdout)
    assert found["settled"] is True
    assert {one["name"] for one in found["status"]["components"]} == COMPONENTS
    assert {one["type"]: one["status"] for one in found["status"]["conditions"]}["Ready"] == "Unknown"
    assert as_json.stderr == as_yaml.stderr == ""


def test_on_a_terminal_it_is_the_same_text(installed: Any) -> None:
    code, screen = installed.terminal("status")
    assert code == 0
    assert screen.split() == installed.run("status").stdout.split()  # but for the terminal's own line breaks


def test_a_node_that_is_not_there_is_exit_3(installed: Any) -> None:
    done = installed.run("status", "--name", "nobody")
    assert done.returncode == 3
    assert "no node nobody" in done.stderr
    assert done.stdout == ""


def test_a_node_that_is_not_as_it_should_be_is_exit_3(installed: Any, kubectl: Callable[..., str]) -> None:
    namespace = json.loads(installed.run("status", "-o", "json").stdout)["namespace"]
    off = '{"spec":{"components":{"keycloak":{"enabled":false}}}}'
    kubectl("patch", "emn", "node", "-n", namespace, "--type=merge", "-p", off)
    try:
        kubectl("wait", "emn/node", "-n", namespace, "--for=condition=Stalled", "--timeout=30s")
        done = installed.run("status")
        assert done.returncode == 3
        assert "requires keycloak, which is off" in done.stdout
    finally:
        kubectl("patch", "emn", "node", "-n", namespace, "--type=json", "-p", '[{"op":"remove","path":"/spec/components"}]')
        kubectl("wait", "emn/node", "-n", namespace, "--for=condition=Rehearsed", "--timeout=30s")
    assert installed.run("status").returncode == 0

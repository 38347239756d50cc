"""What the charts render, and what they refuse to render."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from mininode.api.spec import NodeSpec
from mininode.assets import asset
from mininode.components.registry import all_components
from mininode.planning.images import ImageLock
from mininode.planning.values import merged, put

Run = Callable[..., subprocess.CompletedProcess[str]]
Values = Callable[..., dict[str, dict[str, Any]]]
Golden = Callable[[str, str], None]
Render = Callable[..., list[dict[str, Any]]]

OLDEST, NEWEST = "1.32", "1.37"
ON_A_FOLDER = NodeSpec.model_validate({"domain": "node.hospital.example", "storage": {"hostPath": "/srv/eucaim"}})
ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
NOT_REPEATABLE = re.compile(
    r"\b(rand\w+|gen\w+|uuidv4|now|date\w*|derivePassword|bcrypt|htpasswd|lookup|getHostByName|env)\b"
)


def images_in(thing: Any) -> list[str]:
    """Every value of a key `image`, at any depth."""
    if isinstance(thing, dict):
        own = [thing["image"]] if isinstance(thing.get("image"), str) else []
        return own + [image for value in thing.values() for image in images_in(value)]
    if isinstance(thing, list):
        return [image for value in thing for image in images_in(value)]
    return []


def test_lint_has_nothing_to_say(component: str, helm: Run, values_of: Values, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(dict(values_of()[component])))
    result = helm(
        "lint", "--strict", "--namespace", "eucaim", "--values", str(values), str(asset("charts") / component)
    )
    assert result.returncode == 0, result.stdout
    assert "[WARNING]" not in result.stdout


def test_it_renders_what_was_reviewed(component: str, render: Render, golden: Golden) -> None:
    golden(f"{component}.yaml", yaml.safe_dump_all(render(component), sort_keys=True, width=120))


def test_a_folder_of_the_machine_renders_what_was_reviewed(render: Render, golden: Golden) -> None:
    golden("storage-host-path.yaml", yaml.safe_dump_all(render("storage", ON_A_FOLDER), sort_keys=True, width=120))


def test_two_renderings_are_the_same(component: str, template: Run, values_of: Values) -> None:
    values = values_of()[component]
    assert template(component, values).stdout == template(component, values).stdout


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("spec", [None, ON_A_FOLDER], ids=["class", "folder"])
def test_kubernetes_knows_every_field(component: str, render: Render, version: str, spec: NodeSpec | None) -> None:
    for document in render(component, spec):
        kubernetes_validate.validate(document, version, strict=True)


def test_templates_use_no_function_whose_answer_changes(component: str) -> None:
    texts = {path: path.read_text() for path in (asset("charts") / component / "templates").iterdir()}
    found = {
        path.name: NOT_REPEATABLE.findall(action) for path, text in texts.items() for action in ACTION.findall(text)
    }
    assert texts
    assert {name: words for name, words in found.items() if words} == {}


def test_only_images_of_the_lock_file_run(component: str, render: Render) -> None:
    lock = ImageLock.load(asset("images.lock.yaml").read_text())
    wanted = {lock.reference(name) for name in all_components()[component].images.values()}
    assert set(images_in(render(component))) == wanted


def test_every_image_comes_from_the_mirror(component: str, render: Render) -> None:
    spec = NodeSpec(domain="node.hospital.example", image_mirror="registry.hospital.example:5000/eucaim")
    found = images_in(render(component, spec))
    assert bool(found) is bool(all_components()[component].images)
    assert [image for image in found if not image.startswith("registry.hospital.example:5000/eucaim/")] == []


def test_defaults_are_the_locked_images(component: str) -> None:
    """`helm template` without the operator shows the same versions."""
    lock = ImageLock.load(asset("images.lock.yaml").read_text())
    defaults = yaml.safe_load((asset("charts") / component / "values.yaml").read_text())
    for path, name in all_components()[component].images.items():
        value = defaults
        for part in path.split("."):
            value = value[part]
        assert value == f"{lock.images[name].repository}:{lock.images[name].tag}"


def test_chart_names_its_component_and_version(component: str) -> None:
    chart = yaml.safe_load((asset("charts") / component / "Chart.yaml").read_text())
    lock = ImageLock.load(asset("images.lock.yaml").read_text())
    main = next(iter(all_components()[component].images.values()), None)
    assert (chart["name"], chart["appVersion"]) == (component, lock.images[main].tag if main else chart["version"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("imagee", "docker.io/library/postgres:17.11"),
        ("image", "docker.io/library/postgres"),
        ("image", "docker.io/library/postgres:latest"),
        ("image", "docker.io/library/postgres:latest@sha256:" + "0" * 64),
        ("node.realm", "OTHER"),
        ("node.url", "http://node.hospital.example"),
        ("resources.limit", {"memory": "1Gi"}),
        ("resources.limits.gpu", "1"),
        ("resources.limits.memory", "much"),
        ("securityContext", {"runAsUser": 0}),
        ("serviceAccountName", "default"),
    ],
)
def test_a_value_that_means_nothing_is_refused(
    component: str, template: Run, values_of: Values, path: str, value: Any
) -> None:
    result = template(component, put(values_of()[component], path, value))
    assert result.returncode != 0
    said = (path.rpartition(".")[2], "/" + path.replace(".", "/"), f"'{path.partition('.')[0]}' not allowed")
    assert any(one in result.stderr for one in said)


@pytest.mark.parametrize(
    ("component", "path", "value"),
    [
        ("postgresql", "parameters.archive_command", "cp %p /tmp"),
        ("postgresql", "parameters.max_connections", "many"),
        ("storage", "volumes", [{"name": "postgresql-data"}]),
        ("storage", "freeBytes", "much"),
        ("keycloak", "logLevel", "loud"),
        ("guacamole", "schema.command", "sh"),
    ],
)
def test_a_component_s_own_values_are_checked(
    template: Run, values_of: Values, component: str, path: str, value: Any
) -> None:
    assert template(component, values_of()[component]).returncode == 0
    assert template(component, put(values_of()[component], path, value)).returncode != 0


def test_settings_reach_the_database_server(template: Run, values_of: Values) -> None:
    values = put(values_of()["postgresql"], "parameters", {"max_connections": "200", "shared_buffers": "256MB"})
    documents = yaml.safe_load_all(template("postgresql", values).stdout)
    server = next(one for one in documents if one["kind"] == "StatefulSet")
    arguments = server["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[0] == "postgres"
    assert {"max_connections=200", "shared_buffers=256MB"} < set(arguments[2::2])
    assert set(arguments[1::2]) == {"-c"}


def test_a_null_removes_a_default(template: Run, values_of: Values) -> None:
    values = merged(values_of()["keycloak"], {"resources": {"limits": {"memory": None}}})
    documents = yaml.safe_load_all(template("keycloak", values).stdout)
    server = next(one for one in documents if one["kind"] == "Deployment")
    assert "memory" not in server["spec"]["template"]["spec"]["containers"][0]["resources"].get("limits") or {}


def test_a_changed_domain_starts_the_dataset_service_anew(render: Render) -> None:
    def pod_template(domain: str) -> Any:
        documents = render("dataset-service", NodeSpec(domain=domain))
        return next(one for one in documents if one["kind"] == "Deployment")["spec"]["template"]

    assert pod_template("a.hospital.example") != pod_template("b.hospital.example")


def test_each_chart_reads_the_same_helpers(component: str) -> None:
    common = (asset("charts") / component / "templates" / "_common.tpl").read_bytes()
    assert common == (Path(asset("charts")) / "common" / "_common.tpl").read_bytes()

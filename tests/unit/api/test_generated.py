"""The generated files are committed and as the models say; examples are right, and the wrong one is wrong."""

from pathlib import Path

import pytest
import yaml

from mininode.api import API_VERSION, KIND
from mininode.api.config import SiteConfig, parse_config, parse_spec
from mininode.api.crd import schema
from mininode.api.fields import fields
from mininode.cli.generate import generate, generated
from mininode.components.registry import all_components
from mininode.errors import ConfigError, MininodeError

TREE = Path(__file__).parents[3]
EXAMPLES = TREE / "manifests" / "examples"


def test_the_committed_files_are_what_the_models_say() -> None:
    different = [name for name, text in generated(TREE).items() if (TREE / name).read_text("utf-8") != text]
    assert different == [], "run `make generate`"


def test_check_names_the_file_that_differs_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "operator" / "mininode").mkdir(parents=True)
    (tmp_path / "manifests" / "examples").mkdir(parents=True)
    for example in EXAMPLES.glob("micro-*.yaml"):
        (tmp_path / "manifests" / "examples" / example.name).write_text(example.read_text("utf-8"), "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "engine.md").write_text((TREE / "docs" / "engine.md").read_text("utf-8"), "utf-8")
    generate(check=False, tree=tmp_path)
    generate(check=True, tree=tmp_path)
    spec = tmp_path / "docs" / "spec.md"
    spec.write_text(spec.read_text("utf-8") + "by hand\n", "utf-8")
    with pytest.raises(MininodeError, match=r"say: docs/spec\.md\n"):
        generate(check=True, tree=tmp_path)
    assert spec.read_text("utf-8").endswith("by hand\n")


@pytest.mark.parametrize("name", ["micro-minimal.yaml", "micro-full.yaml"])
def test_an_example_is_right(name: str) -> None:
    resource = yaml.safe_load((EXAMPLES / name).read_text("utf-8"))
    assert (resource["apiVersion"], resource["kind"]) == (API_VERSION, KIND)
    assert parse_spec(resource["spec"], all_components()).domain == "node.hospital.example"


def test_the_broken_example_has_the_mistakes_that_it_tells_of() -> None:
    resource = yaml.safe_load((EXAMPLES / "broken.yaml").read_text("utf-8"))
    with pytest.raises(ConfigError) as caught:
        parse_spec(resource["spec"], all_components())
    assert {mistake.where for mistake in caught.value.mistakes} == {
        "spec.domain", "spec.tls", "spec.components.keyclaok", "spec.components.keycloak",
    }  # fmt: skip


def test_the_config_example_is_right_and_says_the_defaults() -> None:
    text = (TREE / "config.example.yaml").read_text("utf-8")
    config = parse_config(text, "config.example.yaml", all_components())
    assert config == SiteConfig.model_validate({"node": {"domain": "node.hospital.example"}})


def test_the_config_example_shows_every_field() -> None:
    lines = [line.strip() for line in (TREE / "config.example.yaml").read_text("utf-8").splitlines()]
    shown = {line.removeprefix("#").removeprefix("- ").partition(":")[0] for line in lines if not line.startswith("# ")}
    wanted = {field.path.rpartition(".")[2] for field in fields(schema(SiteConfig))} - {"<name>"}
    assert wanted - shown == set()


def test_fields_in_the_config_example_are_right_once_their_hash_is_removed() -> None:
    """Two choices exclude each other there, so each is tried without its rival."""
    lines = (TREE / "config.example.yaml").read_text("utf-8").splitlines()
    used = [
        line.replace("#", "", 1) if line.lstrip().startswith("#") and line.lstrip()[1:2] != " " else line
        for line in lines
    ]
    swaps = {"mode: acme": "mode: provided", "mode: edge": "mode: gateway"}
    used = [line.replace(line.strip(), swaps[line.strip()]) if line.strip() in swaps else line for line in used]
    text = "\n".join(line for line in used if "className: fast-ssd" not in line)
    node = parse_config(text, "config.example.yaml", all_components()).node
    assert node.contact == "imaging-it@hospital.example"
    assert node.tls.private_key_ref is not None
    (override,) = node.components.values()
    assert override.resources is not None


def test_the_reference_tells_of_every_field_of_the_spec() -> None:
    text = (TREE / "docs" / "spec.md").read_text("utf-8")
    paths = [field.path.removeprefix("node.") for field in fields(schema(SiteConfig)) if field.path != "node"]
    assert [path for path in paths if f"**`{path}`**" not in text] == []

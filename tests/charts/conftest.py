"""Charts as the operator renders them: the plan's values, the real Helm."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mininode.api.spec import NodeSpec
from mininode.assets import asset
from mininode.components.base import Node
from mininode.components.registry import all_components, charted
from mininode.planning.images import ImageLock
from mininode.planning.plan import plan

Object = dict[str, Any]
Render = Callable[..., list[Object]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/charts/golden anew from what is rendered"
    )


@pytest.fixture(scope="session")
def helm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Helm; a test decides what a failure means."""
    from mininode.toolbox.toolbox import Toolbox  # noqa: PLC0415 - only where no path is given

    path = os.environ.get("MININODE_TOOL_HELM") or str(Toolbox.from_environment().get("helm").path)

    def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run([path, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False)

    return run


def planned_values(spec: NodeSpec | None = None) -> dict[str, Mapping[str, Any]]:
    """Values of every component for a node called demo."""
    node = Node("demo", "eucaim", spec or NodeSpec(domain="node.hospital.example"))
    components = all_components()
    images = ImageLock.load(asset("images.lock.yaml").read_text(encoding="utf-8"))
    made = plan(node, components, dict.fromkeys(components, "chart"), images)
    return {release.name: release.values for release in made.releases}


@pytest.fixture(scope="session")
def values_of() -> Callable[..., dict[str, Mapping[str, Any]]]:
    return planned_values


@pytest.fixture(scope="session")
def template(helm: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`helm template` of a component's chart with values on stdin, under the names that the operator gives."""

    def run(component: str, values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        chart = str(asset("charts") / component)
        arguments = ("template", component, chart, "--namespace", "eucaim", "--values", "-")
        return helm(*arguments, stdin=yaml.safe_dump(dict(values)))

    return run


@pytest.fixture(scope="session")
def render(template: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """The objects of a component for a node; each chart is rendered once for one spec."""
    done: dict[tuple[str, str], list[Object]] = {}

    def run(component: str, spec: NodeSpec | None = None) -> list[Object]:
        key = (component, spec.model_dump_json() if spec else "")
        if key not in done:
            result = template(component, planned_values(spec)[component])
            assert result.returncode == 0, result.stderr
            done[key] = [document for document in yaml.safe_load_all(result.stdout) if document]
        return done[key]

    return run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that names `component` runs for each, unless it says itself for which."""
    said = any("component" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "component" in metafunc.fixturenames and not said:
        metafunc.parametrize("component", list(charted()))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares text with a file of tests/charts/golden, or writes it there with --update-golden."""

    def check(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        # pytest reads this file's option only where tests/charts is named on its command line.
        if request.config.getoption("--update-golden", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {name}: run pytest tests/charts --update-golden and read what it wrote"
        assert text == path.read_text(encoding="utf-8"), (
            "the chart renders something else; --update-golden if that is meant"
        )

    return check

"""The wheel that the operator's image installs: it carries charts, manifests and lock files, the same as the tree's."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
DIGESTS = (
    "from mininode.helm.charts import chart_digest; from mininode.components.registry import charted; "
    "print({name: chart_digest(name) for name in charted()})"
)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, built as operator/Dockerfile builds it: without isolation, so only locked packages take part."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), str(TOP)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("mininode-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def digests(path: Path) -> str:
    """What this copy of mininode, and no other, says of its charts."""
    environment = {**os.environ, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", DIGESTS], check=True, capture_output=True, text=True, env=environment, cwd=path)
    return done.stdout


def test_the_wheels_charts_have_the_digests_of_the_trees(unpacked: Path) -> None:
    assert not (unpacked / "charts").exists()
    assert digests(unpacked) == digests(TOP / "operator")


def test_the_wheel_carries_everything_that_is_read_at_run_time(unpacked: Path) -> None:
    package = unpacked / "mininode"
    assert (package / "_assets" / "manifests" / "operator" / "rbac.yaml").is_file()
    assert (package / "_assets" / "images.lock.yaml").read_bytes() == (TOP / "images.lock.yaml").read_bytes()
    files = (TOP / "operator" / "mininode").rglob("*")
    data = {path.relative_to(TOP / "operator") for path in files if path.suffix in (".yaml", ".mod", ".sum")}
    assert {path for path in data if not (unpacked / path).is_file()} == set()


def test_operator_is_a_source_root_and_no_package() -> None:
    # With operator/__init__.py the standard library's `operator` would be shadowed at the top of the tree.
    assert not (TOP / "operator" / "__init__.py").exists()
    subprocess.run([sys.executable, "-I", "install.py", "--help"], check=True, capture_output=True, cwd=TOP)

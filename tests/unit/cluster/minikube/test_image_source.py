"""What the operator's image is built from: named by content, and laid out with packages for the image's Python by a real pip."""

import hashlib
import os
import platform
import zipfile
from pathlib import Path

import pytest

from mininode.cluster.minikube.image_source import NEEDED, by_source, lay_out, source_there
from mininode.cluster.way import Progress
from mininode.errors import ToolError

IMAGE = "mininode-operator:0.1.0"
TOP = Path(__file__).parents[4]
TAGS = ("cp313-cp313-manylinux_2_28_", "cp311-cp311-manylinux_2_28_", "cp313-cp313-macosx_11_0_")


def progress() -> Progress:
    return Progress.within(60, lambda _line: None)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small source."""
    top = tmp_path / "source"
    for file in ("operator/Dockerfile", "operator/mininode/cli/main.py", "charts/edge/Chart.yaml", "README.md"):
        (top / file).parent.mkdir(parents=True, exist_ok=True)
        (top / file).write_text(file)
    return top


@pytest.mark.parametrize("file", ["operator/mininode/cli/main.py", "charts/edge/Chart.yaml", "operator/mininode/new.py"])
def test_another_source_of_the_same_version_is_another_image(source: Path, file: str) -> None:
    before = by_source(IMAGE, source)
    assert before == by_source(IMAGE, source)
    assert before.startswith(f"{IMAGE}-")
    (source / file).write_text("changed")
    assert by_source(IMAGE, source) != before


def test_what_python_leaves_in_the_tree_is_no_change(source: Path) -> None:
    before = by_source(IMAGE, source)
    (source / "operator/mininode/__pycache__").mkdir()
    (source / "operator/mininode/__pycache__/main.pyc").write_text("compiled")
    assert by_source(IMAGE, source) == before


def test_this_tree_is_a_source() -> None:
    assert source_there()
    assert by_source(IMAGE).removeprefix(f"{IMAGE}-").isalnum()


def test_everything_that_the_image_is_built_from_is_part_of_its_name() -> None:
    """What the Dockerfile copies, and the file itself. What is fetched, the lock names."""
    text = (TOP / "operator/Dockerfile").read_text("utf-8")
    copied = {
        word for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }
    assert (copied - {"fetched*"}) | {"operator/Dockerfile"} == set(NEEDED)


def wheel(folder: Path, tag: str) -> str:
    """A package `thing` for one kind of Python and machine; its checksum."""
    path = folder / f"thing-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        pack.writestr("thing-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        pack.writestr("thing-1.0.dist-info/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def locked(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small source with all its parts, whose lock names a package that is to be had for several machines."""
    for part in NEEDED:
        if not (source / part).exists():
            (source / part).parent.mkdir(parents=True, exist_ok=True)
            (source / part).mkdir() if "." not in part else (source / part).write_text("")
    (source / "operator/Dockerfile").write_text((TOP / "operator/Dockerfile").read_text("utf-8"))
    index = tmp_path / "index"
    index.mkdir()
    sums = [wheel(index, tag + (platform.machine() if "linux" in tag else "arm64")) for tag in TAGS]
    (source / "requirements.lock").write_text("thing==1.0 " + " ".join(f"--hash=sha256:{one}" for one in sums) + "\n")
    for key in [key for key in os.environ if key.startswith("PIP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return source


def test_packages_are_those_of_the_image_s_python_and_of_linux(locked: Path, tmp_path: Path) -> None:
    helm, folder = tmp_path / "helm", tmp_path / "folder"
    helm.write_bytes(b"a program")
    folder.mkdir()
    lay_out(folder, helm, progress(), locked)
    assert [path.name for path in (folder / "fetched/wheels").iterdir()] == [f"thing-1.0-{TAGS[0]}{platform.machine()}.whl"]
    assert (folder / "fetched/helm").read_bytes() == b"a program"
    assert (folder / "operator/mininode/cli/main.py").is_file()


def test_a_helm_of_another_system_is_left_to_the_build(locked: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    lay_out(folder, None, progress(), locked)
    assert not (folder / "fetched/helm").exists()


@pytest.mark.parametrize(
    ("lock", "says"), [("thing==2.0 --hash=sha256:" + "0" * 64, "No matching"), ("thing==1.0 --hash=sha256:" + "0" * 64, "HASH")]
)
def test_packages_that_can_not_be_had_or_are_others_are_an_error_with_advice(
    locked: Path, tmp_path: Path, lock: str, says: str
) -> None:
    (locked / "requirements.lock").write_text(lock + "\n")
    (folder := tmp_path / "folder").mkdir()
    with pytest.raises(ToolError, match=says) as caught:
        lay_out(folder, None, progress(), locked)
    assert "HTTPS_PROXY" in caught.value.advice

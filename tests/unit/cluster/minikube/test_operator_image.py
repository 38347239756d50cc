"""Which image of the operator a cluster gets: by content, with a double of minikube that has a list of images."""

import json
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from mininode.cluster.minikube import operator_image
from mininode.cluster.minikube.home import Home
from mininode.cluster.minikube.image_source import by_source
from mininode.cluster.minikube.operator_image import have_image
from mininode.cluster.minikube.program import Programs
from mininode.cluster.way import Progress
from mininode.errors import ToolError, Unavailable
from mininode.manifests.objects import OperatorPod, operator_deployment

IMAGE = "mininode-operator:0.1.0"
# `image build` succeeds by its exit code whatever it did, as the real one does; what it built is in the list afterwards.
DOUBLE = """#!{python}
import json, os, sys
folder = os.path.dirname(__file__)
there = json.load(open(folder + "/images.json"))
if sys.argv[1:3] == ["image", "build"] and not os.path.exists(folder + "/broken"):
    there.append({{"id": "sha256:built", "repoTags": [sys.argv[sys.argv.index("-t") + 1]]}})
    json.dump(there, open(folder + "/images.json", "w"))
    print(open(sys.argv[-1] + "/operator/Dockerfile").readline())
elif sys.argv[1:3] == ["image", "build"]:
    print("error: no route to docker.io")
else:
    print(json.dumps(there))
"""


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    program = tmp_path / "minikube"
    program.write_text(DOUBLE.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    home = Home(tmp_path / "home", "mininode")
    home.folder.mkdir()
    there(tmp_path)
    return Programs.of(program, home, {"PATH": os.environ["PATH"]})


def there(folder: Path, **images: str) -> None:
    """These images are in the cluster: id by tag."""
    listed = [{"id": identity, "repoTags": [f"docker.io/library/mininode-operator:{tag}"]} for tag, identity in images.items()]
    (folder / "images.json").write_text(json.dumps(listed))


def progress() -> Progress:
    return Progress.within(60, lambda _line: None)


@pytest.fixture(autouse=True)
def laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source as it is, without packages: those are another file's matter."""

    def lay_out(folder: Path, _helm: Path | None, _progress: Progress) -> None:
        (folder / "operator").mkdir()
        shutil.copy(Path(__file__).parents[4] / "operator/Dockerfile", folder / "operator")

    monkeypatch.setattr(operator_image, "lay_out", lay_out)


def test_what_is_there_is_taken_and_nothing_is_built(programs: Programs, tmp_path: Path) -> None:
    there(tmp_path, **{"0.1.0": "sha256:loaded"})
    assert have_image(programs, IMAGE, progress(), build_it=True) == "sha256:loaded"


def test_an_older_source_s_image_is_not_taken_for_this_one_s(programs: Programs, tmp_path: Path) -> None:
    there(tmp_path, **{"0.1.0": "sha256:old", "0.1.0-0123456789ab": "sha256:old"})
    assert have_image(programs, by_source(IMAGE), progress(), build_it=True) == "sha256:built"
    assert (programs.home.folder / "image-build.log").read_text().startswith("# The operator's image.")


def test_a_build_that_made_nothing_is_an_error_with_its_last_line(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(ToolError, match=r"no route to docker\.io") as caught:
        have_image(programs, by_source(IMAGE), progress(), build_it=True)
    assert "operator.image" in caught.value.advice


def test_without_a_source_it_says_what_to_name(programs: Programs) -> None:
    with pytest.raises(Unavailable, match="no source here to build it from"):
        have_image(programs, IMAGE, progress(), build_it=False)


def test_other_content_under_the_same_name_is_another_pod() -> None:
    one, other = (operator_deployment(OperatorPod(IMAGE, content=content)) for content in ("sha256:a", "sha256:b"))
    assert one["spec"]["template"] != other["spec"]["template"]
    assert "annotations" not in operator_deployment(OperatorPod("r.example/o:1"))["spec"]["template"]["metadata"]

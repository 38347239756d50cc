"""The dataset service's folders and static files, put there by the chart's script, run for real."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

Run = Callable[..., subprocess.CompletedProcess[str]]
FOLDERS = {"log", "on-event-jobs", "ui", "project-logos", "output-files", "datalakeinfo"}
USER = {"user": 65321, "group": 65321, "extra_groups": []} if os.geteuid() == 0 else {}


@pytest.fixture
def place() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="mininode-files-"))
    home.chmod(0o711)
    for name in ("data", "explorer", "catalogue"):
        (home / name).mkdir(mode=0o755)
        if USER:
            shutil.chown(home / name, 65321, 65321)
    yield home
    shutil.rmtree(home)


@pytest.fixture
def run(place: Path, render: Callable[..., list[dict[str, Any]]]) -> Run:
    """The script with the files that the chart renders."""
    (rendered,) = (one["data"] for one in render("dataset-service") if one["kind"] == "ConfigMap")
    files = place / "files"
    files.mkdir()
    for name, text in rendered.items():
        (files / name).write_text(text)

    def go() -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "MININODE_DATA": str(place / "data"),
            "MININODE_FILES": str(files),
            "MININODE_EXPLORER": str(place / "explorer"),
            "MININODE_CATALOGUE": str(place / "catalogue"),
        }
        command = ["sh", str(files / "files.sh")]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=place, **USER
        )

    return go


def test_an_empty_volume_gets_all_folders_that_the_service_mounts(
    run: Run, place: Path, render: Callable[..., list[dict[str, Any]]]
) -> None:
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    (pod,) = (one["spec"]["template"]["spec"] for one in render("dataset-service") if one["kind"] == "Deployment")
    mounted = {one["subPath"] for one in pod["containers"][0]["volumeMounts"] if "subPath" in one}
    assert mounted == FOLDERS == {one.name for one in (place / "data").iterdir()}
    settings = json.loads((place / "data/ui/config.json").read_text())
    assert settings["keycloak"]["config"] == {
        "url": "https://node.hospital.example/auth", "realm": "EUCAIM-NODE", "clientId": "dataset-explorer"
    }  # fmt: skip
    assert yaml.safe_load((place / "data/output-files/charts/index.yaml").read_text()) == {"apiVersion": "v1", "entries": {}}
    assert "not installed yet" in (place / "data/ui/index.html").read_text()


def test_a_second_run_changes_nothing(run: Run, place: Path) -> None:
    run()
    before = {one: one.stat().st_mtime_ns for one in place.rglob("*")}
    assert run().stdout == ""
    assert {one: one.stat().st_mtime_ns for one in place.rglob("*")} == before


def test_what_a_site_put_there_stays(run: Run, place: Path) -> None:
    run()
    (place / "data/ui/index.html").write_text("<html>the real explorer</html>")
    (place / "data/output-files/charts/index.yaml").write_text("entries: {desktop: []}\n")
    (place / "data/project-logos/logo.png").write_text("png")
    assert run().returncode == 0
    assert (place / "data/ui/index.html").read_text() == "<html>the real explorer</html>"
    assert "desktop" in (place / "data/output-files/charts/index.yaml").read_text()
    assert (place / "data/project-logos/logo.png").exists()


def test_an_image_s_explorer_takes_the_page_s_place_once_and_its_next_version_too(run: Run, place: Path) -> None:
    run()
    (place / "explorer/static").mkdir()
    (place / "explorer/index.html").write_text("<html>explorer 1</html>")
    (place / "explorer/static/old.js").write_text("1")
    assert run().returncode == 0
    assert (place / "data/ui/static/old.js").exists()
    assert (place / "data/ui/config.json").exists(), "the node's settings are put over the image's"
    assert run().stdout == ""
    (place / "explorer/static/old.js").unlink()
    (place / "explorer/index.html").write_text("<html>explorer 2</html>")
    assert run().returncode == 0
    assert (place / "data/ui/index.html").read_text() == "<html>explorer 2</html>"
    assert not (place / "data/ui/static/old.js").exists()
    assert not (place / "data/ui.old").exists()


def test_a_swap_that_was_cut_off_is_taken_back(run: Run, place: Path) -> None:
    run()
    (place / "data/ui/index.html").write_text("<html>the real explorer</html>")
    (place / "data/ui").rename(place / "data/ui.old")
    assert run().returncode == 0
    assert (place / "data/ui/index.html").read_text() == "<html>the real explorer</html>"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders to others")
def test_a_folder_of_another_user_is_told(run: Run, place: Path) -> None:
    (place / "data/log").mkdir(mode=0o755)
    done = run()
    assert done.returncode == 1
    assert "log of the volume dataset-service-data can't be written to by user 65321: it belongs to 0:0" in done.stdout

"""Folders of a machine that is a container: what is asked of the engine, and what a person is told."""

import os
import sys
from pathlib import Path

import pytest

from mininode.api.config import parse_config
from mininode.cluster.machine import DATA_FOLDER, make_folders, on_folder
from mininode.cluster.way import Progress
from mininode.components.base import Node
from mininode.components.registry import all_components
from mininode.errors import Unavailable


def site(extra: str = "") -> object:
    return parse_config(f"node:\n  domain: node.hospital.example\n{extra}", "here", tuple(all_components()))


def test_data_is_in_the_machine_s_folder_unless_the_site_says_another_place() -> None:
    assert on_folder(site()).node.storage.host_path == DATA_FOLDER  # type: ignore[arg-type]
    for own in ("  storage:\n    hostPath: /srv/x\n", "  storage:\n    className: fast\n"):
        assert on_folder(site(own)) == site(own)  # type: ignore[arg-type]


def test_what_was_put_there_is_declared() -> None:
    declared = on_folder(site()).node.model_dump(by_alias=True, exclude_unset=True, mode="json")  # type: ignore[arg-type]
    assert declared["storage"]["hostPath"] == DATA_FOLDER
    assert declared.keys() == {"domain", "storage"}


def engine(folder: Path, does: str) -> dict[str, str]:
    """A program in docker's place, and the environment that finds it."""
    program = folder / "docker"
    program.write_text(f"#!{sys.executable}\n{does}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


NODE = Node("node", "eucaim", on_folder(site()).node)  # type: ignore[arg-type]


def test_the_script_goes_to_the_container_s_root_by_its_standard_input(tmp_path: Path) -> None:
    echo = "print('folders:', *sys.argv[1:]); print('folders: begins', sys.stdin.read().splitlines()[1][:40])"
    does = f"import sys; {echo}"
    said: list[str] = []
    make_folders("docker", "mininode", NODE, Progress.within(20, said.append), engine(tmp_path, does))
    assert said == ["exec --interactive --user 0 mininode sh", "begins set -- /var/hostpath-provisioner/node 'e"]


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    does = "import sys; print('folders: /data/x belongs to 0:0 and is not empty', file=sys.stderr); sys.exit(1)"
    with pytest.raises(Unavailable, match="/data/x belongs to 0:0 and is not empty") as caught:
        make_folders("docker", "mininode", NODE, Progress.within(20, print), engine(tmp_path, does))
    assert "docs/components/storage.md" in caught.value.advice


def test_an_engine_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no program docker"):
        make_folders("docker", "mininode", NODE, Progress.within(20, print), {"PATH": str(tmp_path)})

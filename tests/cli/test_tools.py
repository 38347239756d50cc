"""`mininode tools` as a process, with folders of its own: nothing of this user's machine is looked at or changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

TREE = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tools(tmp_path: Path) -> Run:
    """Run the command where no tool, no Go and no publisher is in reach; settings go on top."""
    (tmp_path / "bin").mkdir()

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PYTHONPATH": str(TREE / "operator"),
            "PATH": str(tmp_path / "bin"),
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "MININODE_MIRROR": "http://127.0.0.1:9",
            "LANG": os.environ.get("LANG", "C.UTF-8"),
        }
        command = [sys.executable, "-m", "mininode.cli.main", "tools", *arguments]
        return subprocess.run(
            command, env=environment | settings, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
        )

    return run


def program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_list_as_json_tells_where_each_tool_is_and_downloads_nothing(tools: Run, tmp_path: Path) -> None:
    helm = program(tmp_path / "bin/helm", "v4.1.0+gabc")
    program(tmp_path / "bin/kubectl", "Client Version: v1.32.4-dispatcher")
    done = tools("list", "-o", "json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0
    pinned = yaml.safe_load((TREE / "operator/mininode/toolbox/tools.lock.yaml").read_text())["tools"]
    assert rows.keys() == pinned.keys()
    assert (rows["helm"]["origin"], rows["helm"]["version"], rows["helm"]["path"]) == ("path", "v4.1.0+gabc", str(helm))
    assert rows["kubectl"]["path"] == ""  # a dispatcher is no kubectl of its own
    assert not (tmp_path / "cache").exists()


def test_get_prints_the_path_and_only_the_path_on_stdout(tools: Run, tmp_path: Path) -> None:
    etcd = program(tmp_path / "elsewhere/etcd", "etcd Version: 3.7.3")
    done = tools("get", "etcd", MININODE_TOOL_ETCD=str(etcd))
    assert (done.returncode, done.stdout) == (0, f"{etcd}\n")


def test_get_that_fails_says_what_was_tried_and_what_to_do(tools: Run) -> None:
    done = tools("get", "kubectl")
    assert done.returncode == 4
    assert done.stdout == ""
    for part in ("no kubectl on PATH", "127.0.0.1:9 cannot be reached", "no Go toolchain", "MININODE_TOOL_KUBECTL"):
        assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_ends_with_4_when_a_tool_is_missing_and_cannot_be_had(tools: Run) -> None:
    done = tools("doctor")
    assert done.returncode == 4
    assert "no Go toolchain on PATH" in done.stdout
    assert "127.0.0.1:9" in done.stdout
    assert "kube-apiserver" in done.stderr


def test_doctor_is_content_when_every_tool_is_here(tools: Run, tmp_path: Path) -> None:
    rows = json.loads(tools("list", "-o", "json").stdout)
    for row in rows:
        program(tmp_path / "cache/mininode/tools" / row["name"] / row["wanted"] / row["name"], row["wanted"])
    done = tools("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Every tool is here" in done.stdout


def test_lock_without_the_publishers_is_no_success(tools: Run, tmp_path: Path) -> None:
    done = tools("lock")
    assert done.returncode == 4
    assert "helm linux/amd64: 127.0.0.1:9 cannot be reached" in done.stderr
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("arguments", [("get",), ("get", "helm", "--all")])
def test_get_wants_a_name_or_all(tools: Run, arguments: tuple[str, ...]) -> None:
    assert tools(*arguments).returncode == 2


def test_an_unknown_tool_is_told_with_the_known_ones(tools: Run) -> None:
    done = tools("get", "helmet")
    assert done.returncode == 4
    assert "helm," in done.stderr

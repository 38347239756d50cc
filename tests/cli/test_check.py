"""`mininode check` as a process: its speed, its answer for scripts, and that it changes nothing."""

import json
import time
from pathlib import Path
from typing import Any


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_it_answers_in_json_changes_nothing_and_is_quick(blank: Any) -> None:
    before = files(blank.folder)
    began = time.monotonic()
    done = blank.run("check", "--cluster", "minikube", "-o", "json")
    took = time.monotonic() - began
    answer = json.loads(done.stdout)
    assert done.returncode == (4 if answer["level"] == "fail" else 0), done.stderr
    assert {"ports", "memory", "engine", "cgroups"} <= {one["check"] for one in answer["findings"]}
    assert all(one["fix"] for one in answer["findings"] if one["level"] != "ok")
    assert files(blank.folder) == before
    assert took < 6, "3 s on a machine of its own; tests share theirs"


def test_without_an_engine_it_fails_with_the_command_that_installs_one(blank: Any, tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    blank.extra["PATH"] = str(empty)
    done = blank.run("check")
    assert done.returncode == 4
    assert "there is no container engine" in done.stdout
    assert "sudo apt install docker.io" in done.stdout
    assert "Nothing was changed." in done.stdout


def test_a_wrong_configuration_is_told_first(blank: Any) -> None:
    blank.config(domain="My_Node")
    done = blank.run("check", "--cluster", "rehearsal")
    assert done.returncode == 2
    assert "node.domain" in done.stderr


def test_an_unknown_way_is_refused(blank: Any) -> None:
    done = blank.run("check", "--cluster", "cloud")
    assert done.returncode == 2
    assert "minikube, kind, current and rehearsal" in done.stderr

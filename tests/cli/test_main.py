"""The command itself: help, exit codes, and what a person sees of a fault."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

COMMANDS = (
    ("check",), ("install",), ("status",), ("plan",), ("reconcile",), ("uninstall",), ("support-bundle",), ("export",),
    ("config", "init"), ("config", "migrate"), ("config", "check"), ("secrets", "set"), ("secrets", "list"),
    ("credentials", "list"), ("credentials", "show"), ("credentials", "rotate"), ("credentials", "import"),
    ("rehearsal", "start"), ("rehearsal", "stop"), ("rehearsal", "status"), ("rehearsal", "reset"), ("rehearsal", "kubeconfig"),
    ("tools", "list"), ("tools", "get"), ("tools", "doctor"), ("tools", "lock"), ("storage", "folders"),
    ("images", "list"), ("images", "copy"), ("images", "pin"), ("operator", "run"), ("kubectl",), ("helm",),
    ("cluster", "status"), ("cluster", "start"), ("cluster", "stop"), ("cluster", "boot"), ("cluster", "delete"),
)  # fmt: skip
NAMES = ("cluster", "config", "secrets", "rehearsal", "tools", "images", "credentials", "storage", "operator")
GROUPS: tuple[tuple[str, ...], ...] = ((), *((name,) for name in NAMES))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_commands_help_has_an_example(blank: Any, command: tuple[str, ...]) -> None:
    done = blank.run(*command, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout
    assert f"mininode {' '.join(command)}" in " ".join(done.stdout.split())


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: " ".join(group) or "mininode")
def test_no_command_is_missing_above(blank: Any, group: tuple[str, ...]) -> None:
    listed = re.findall(r"^  ([a-z-]+) {2,}\S", blank.run(*group, "--help").stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed
    for name in listed:
        assert (*group, name) in COMMANDS or (*group, name) in GROUPS, f"test the help of {' '.join((*group, name))}, too"


def test_a_version_is_told(blank: Any) -> None:
    assert re.fullmatch(r"mininode \d+\.\d+\.\d+\S*\n", blank.run("--version").stdout)


MISTAKES = (("instal",), ("status", "--outptu", "json"), ("status", "-o", "xml"), ("install", "maxi", "--yes"))


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_a_mistake_on_the_command_line_is_exit_2_and_one_glance(blank: Any, arguments: tuple[str, ...]) -> None:
    done = blank.run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert 0 < len(done.stderr.splitlines()) < 12
    assert "Traceback" not in done.stderr
    assert list(blank.folder.rglob("*")) == []


@pytest.mark.parametrize("command", ["status", "plan", "reconcile", "uninstall"])
def test_before_the_first_install_it_says_what_to_do(blank: Any, command: str) -> None:
    done = blank.run(command, *(["--yes"] if command == "uninstall" else []))
    assert done.returncode == 4
    assert "mininode install" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def unreachable(tmp_path: Path) -> Path:
    """The access file of a cluster that does not answer."""
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "x", "user": {"token": "PLAINTEXT"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }  # fmt: skip
    path = tmp_path / "access"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize("command", ["status", "plan", "reconcile", "uninstall"])
def test_a_cluster_that_does_not_answer_is_named_with_advice(blank: Any, unreachable: Path, command: str) -> None:
    done = blank.run(command, "--kubeconfig", str(unreachable), *(["--yes"] if command == "uninstall" else []))
    assert done.returncode == 4
    assert "https://127.0.0.1:9 does not answer" in done.stderr
    assert "Is the cluster running" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "PLAINTEXT" not in done.stderr + done.stdout


@pytest.mark.parametrize("text", ["", "hello", "a: [", "clusters: 7", "- 1"])
def test_an_access_file_that_is_none_is_named(blank: Any, tmp_path: Path, text: str) -> None:
    path = tmp_path / "access"
    path.write_text(text)
    done = blank.run("status", "--kubeconfig", str(path))
    assert done.returncode == 4
    assert str(path) in done.stderr
    assert "fault of mininode" not in done.stderr


@pytest.mark.parametrize("module", ["yaml", "platformdirs"], ids=["at work", "as the commands are mounted"])
def test_a_fault_of_ours_is_a_sentence_and_a_file(blank: Any, tmp_path: Path, module: str) -> None:
    """A broken installation stands for any fault: a module that can't be imported."""
    (tmp_path / f"{module}.py").write_text("raise RuntimeError('boom')\n")
    blank.extra["PYTHONPATH"] = f"{tmp_path}:{blank.environment['PYTHONPATH']}"
    blank.extra["TMPDIR"] = str(tmp_path)
    done = blank.run("config", "check")
    assert done.returncode == 1
    assert "fault of mininode" in done.stderr
    assert "Traceback" not in done.stderr
    (file,) = tmp_path.glob("mininode-fault-*")
    assert str(file) in done.stderr
    assert "boom" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("command", [("install", "micro", "--cluster", "rehearsal", "--yes"), ("rehearsal", "start")])
def test_a_file_where_our_folder_is_to_be_is_no_fault_of_ours(blank: Any, command: tuple[str, ...]) -> None:
    file = blank.folder / "state/mininode"
    file.parent.mkdir()
    file.write_text("somebody's")
    done = blank.run(*command)
    assert done.returncode == 4, done.stdout + done.stderr
    assert f"{file} is a file where a folder is to be" in done.stderr
    assert "fault of mininode" not in done.stderr
    assert file.read_text() == "somebody's"


def test_somebody_who_stops_reading_is_no_fault(blank: Any) -> None:
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    command = f"{sys.executable} -m mininode.cli.main tools list | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=blank.environment, cwd=blank.folder, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr

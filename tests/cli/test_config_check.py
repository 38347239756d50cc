"""`mininode config check` as a process: what a person and what a script get, and nothing changed on disk."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "mininode.cli.main", "config", "check"]
BROKEN = """\
node:
  profile: maxi
  domain: https://node.hospital.example
  components:
    keycloak:
      values:
        adminPassword: PLAINTEXT
        env:
        - {name: DB_PASSWORD, value: PLAINTEXT}
"""

Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(tmp_path: Path) -> Iterator[Check]:
    """Runs the command in an empty folder; afterwards the folder holds what the test put there, unchanged."""
    environment = os.environ | {
        "PYTHONPATH": str(TREE / "operator"),
        "HOME": str(tmp_path / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    before: dict[Path, bytes] = {}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        before.update({path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()})
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    yield run
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_every_mistake_at_once_and_exit_2(check: Check, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(BROKEN)
    result = check()
    assert result.returncode == 2
    assert result.stdout == ""
    starts = (
        "config.yaml:2:12: node.profile: ",
        "config.yaml:3:11: node.domain: ",
        "config.yaml:7:24: node.components.keycloak.values.adminPassword: ",
        "config.yaml:9:38: node.components.keycloak.values.env[0].value: ",
        "4 mistakes. Nothing was changed.",
    )
    lines = result.stderr.splitlines()
    assert len(lines) == len(starts)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True)), result.stderr
    assert "PLAINTEXT" not in result.stderr


def test_json_for_scripts(check: Check, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(BROKEN)
    result = check("--config", "mine.yaml", "-o", "json")
    answer = json.loads(result.stdout)
    assert result.returncode == 2
    assert answer["ok"] is False
    assert [(mistake["line"], mistake["where"]) for mistake in answer["mistakes"]][:2] == [
        (2, "node.profile"),
        (3, "node.domain"),
    ]
    assert "PLAINTEXT" not in result.stdout + result.stderr


def test_a_right_file_is_summed_up(check: Check) -> None:
    result = check("--config", str(TREE / "config.example.yaml"))
    assert result.returncode == 0, result.stderr
    assert "nothing wrong" in result.stdout
    assert "https://node.hospital.example" in result.stdout
    assert "fine for a rehearsal" in result.stdout


def test_json_of_a_right_file(check: Check, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("node: {domain: node.hospital.eu}\n")
    result = check("-o", "json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"file": "config.yaml", "ok": True, "mistakes": [], "warnings": []}


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("none.yaml", "there is no file none.yaml"),
        (".", "is a directory"),
        ("/proc/self/mem", "can't be read"),
        ("/dev/null", "the file is empty"),
        ("/dev/zero", "larger than 1 MiB"),
        ("config.yaml/below", "can't be read"),
    ],
)
def test_what_is_no_readable_file(check: Check, tmp_path: Path, argument: str, words: str) -> None:
    (tmp_path / "config.yaml").write_text("node: {domain: node.hospital.eu}\n")
    result = check("--config", argument)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_it(check: Check, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("node: {}\n")
    file.chmod(0)
    before = file.stat().st_mode
    result = check()
    file.chmod(0o600)
    assert (result.returncode, before) == (2, 0o100000)
    assert "may not be read by you" in result.stderr


def test_ten_megabytes_of_nesting(check: Check, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("[" * 10_000_000)
    result = check()
    assert result.returncode == 2
    assert "larger than 1 MiB" in result.stderr


def in_terminal(folder: Path) -> str:
    """What a person sees: the command with a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(TREE / "operator")
        os.execv(COMMAND[0], COMMAND)  # noqa: S606 - no shell is what we want
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux says EIO when the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    return shown.decode().replace("\r\n", "\n")


def test_in_a_terminal_the_line_is_shown_with_a_caret_and_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(BROKEN)
    shown = in_terminal(tmp_path)
    assert "  |   profile: maxi\n  |            ^\n" in shown
    assert "adminPassword: looks like" in shown
    assert "PLAINTEXT" not in shown


def test_in_a_terminal_no_line_is_shown_after_a_secret_that_may_not_have_ended(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text('node:\n  token: "first\n  PLAINTEXT\n domain: x: y\n')
    shown = in_terminal(tmp_path)
    assert "not valid YAML" in shown
    assert "PLAINTEXT" not in shown
    assert "  |" not in shown

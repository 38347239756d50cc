"""`mininode install` as a person runs it."""

import time
from collections.abc import Callable
from typing import Any

from mininode.components.registry import all_components

COMPONENTS = tuple(all_components())
ALL = len(COMPONENTS)


def test_the_first_install_shows_the_way_and_says_what_was_proven(installed: Any) -> None:
    said = installed.install_output
    for component in COMPONENTS:
        assert component in said
    assert "waits for platform" in said
    assert f"Rehearsed: {ALL}/{ALL}" in said
    assert "Not proven" in said
    assert "Next: mininode status" in said
    assert "\x1b" not in said  # plain lines without a terminal
    assert "Ready:" not in said


def test_the_second_is_quick_and_changes_nothing(installed: Any, kubectl: Callable[..., str]) -> None:
    state = ("get", "emn,secrets", "-A", "-o", "jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}\n{end}")
    before = kubectl(*state)
    began = time.monotonic()
    done = installed.run("install", "micro", "--cluster", "rehearsal", "--yes")
    assert done.returncode == 0, done.stderr
    assert "as declared before" in done.stdout
    assert f"Rehearsed: {ALL}/{ALL}" in done.stdout
    assert kubectl(*state) == before
    assert time.monotonic() - began < installed.install_seconds


def test_the_operator_that_runs_is_the_one_that_ran(installed: Any) -> None:
    before = installed.run("rehearsal", "status", "-o", "json").stdout
    installed.run("install", "micro", "--cluster", "rehearsal", "--yes")
    assert _pids(installed.run("rehearsal", "status", "-o", "json").stdout) == _pids(before)
    assert "operator" in _pids(before)


def _pids(text: str) -> dict[str, int]:
    import json  # noqa: PLC0415

    return {one["name"]: one["pid"] for one in json.loads(text)["processes"]}


def test_on_a_terminal_it_asks_and_a_no_changes_nothing(blank: Any) -> None:
    code, screen = blank.terminal("install", "micro", "--cluster", "rehearsal", say="n")
    assert "Install profile micro for node.rehearsal.example" in screen
    assert code == 130
    assert list(blank.folder.rglob("*")) == []


def test_on_a_terminal_there_is_one_line_a_component(installed: Any) -> None:
    code, screen = installed.terminal("install", "micro", "--cluster", "rehearsal", "--yes")
    assert code == 0, screen
    for component in COMPONENTS:
        assert component in screen
    assert f"Rehearsed: {ALL}/{ALL}" in screen


def test_ctrl_c_ends_it_with_130_and_a_word_how_to_go_on(installed: Any) -> None:
    path = installed.config("interrupted.yaml", siteName="Interrupted")
    try:
        arguments = ("install", "--cluster", "rehearsal", "--config", str(path), "--yes")
        code, screen = installed.terminal(*arguments, interrupt_at=" cluster: ")
        assert code == 130, screen
        assert "Run the same command again" in screen
        assert "Traceback" not in screen
    finally:
        path.unlink()
        assert installed.run("install", "micro", "--cluster", "rehearsal", "--yes").returncode == 0


def test_the_next_run_knows_that_this_one_was_stopped_and_logs_are_private(installed: Any) -> None:
    path = installed.config("again.yaml", siteName="Again")
    arguments = ("install", "--cluster", "rehearsal", "--config", str(path), "--yes")
    try:
        assert installed.terminal(*arguments, interrupt_at=" follow: ")[0] == 130
        done = installed.run(*arguments)
        assert done.returncode == 0, done.stderr
        assert "was stopped at the step follow" in done.stdout
        logs = list((installed.folder / "state/mininode/install").glob("*.log"))
        assert {log.stem for log in logs} >= {"tools", "cluster", "rights", "operator", "node", "follow"}
        assert all(log.stat().st_mode & 0o077 == 0 for log in logs)
    finally:
        path.unlink()
        assert installed.run("install", "micro", "--cluster", "rehearsal", "--yes").returncode == 0


def test_without_an_engine_the_default_is_refused_with_advice(blank: Any, tmp_path: Any) -> None:
    blank.extra["PATH"] = str(tmp_path)
    done = blank.run("install", "micro", "--yes")
    assert done.returncode == 4
    assert "there is no program docker" in done.stderr
    assert "--cluster rehearsal" in done.stderr
    assert list(blank.folder.rglob("*")) == []


def test_without_a_terminal_it_says_that_it_goes_on(installed: Any) -> None:
    done = installed.run("install", "micro", "--cluster", "rehearsal")
    assert done.returncode == 0, done.stderr
    assert "This will:" in done.stdout
    assert "use the rehearsal that runs" in done.stdout
    assert "no terminal to ask on: going on" in done.stdout


def test_a_config_with_mistakes_changes_nothing(installed: Any, kubectl: Callable[..., str]) -> None:
    before = kubectl("get", "emn", "-A", "-o", "yaml")
    path = installed.config("broken.yaml", domain="https://x", profil="micro")
    try:
        done = installed.run("install", "--cluster", "rehearsal", "--config", str(path), "--yes")
    finally:
        path.unlink()
    assert done.returncode == 2
    assert "profil" in done.stderr
    assert "domain" in done.stderr
    assert kubectl("get", "emn", "-A", "-o", "yaml") == before


def test_a_node_that_can_not_come_true_is_exit_3_with_the_reason(installed: Any) -> None:
    path = installed.config("impossible.yaml", components={"keycloak": {"enabled": False}})
    try:
        done = installed.run("install", "--cluster", "rehearsal", "--config", str(path), "--yes")
        assert done.returncode in {2, 3}
        assert "requires keycloak, which is off" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        path.unlink()
        assert installed.run("install", "micro", "--cluster", "rehearsal", "--yes").returncode == 0


def test_the_time_is_up(installed: Any) -> None:
    path = installed.config("slow.yaml", components={"guacamole": {"resources": {"requests": {"cpu": "320m"}}}})
    try:
        done = installed.run("install", "--cluster", "rehearsal", "--config", str(path), "--yes", "--timeout", "1")
        assert done.returncode == 3
        assert "The time is up" in done.stderr
        assert "mininode status" in done.stderr
    finally:
        path.unlink()
        assert installed.run("install", "micro", "--cluster", "rehearsal", "--yes").returncode == 0

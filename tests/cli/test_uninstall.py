"""`mininode uninstall`: the software goes, data and passwords stay, and it says so. Puts the node back for the other tests."""

from collections.abc import Callable
from typing import Any


def test_it_says_what_it_kept_and_installing_again_finds_it(installed: Any, kubectl: Callable[..., str]) -> None:
    there = ("-n", "eucaim-node", "-o")
    kept = "owner notin (helm,mininode)"
    secrets = ("get", "secrets", "-l", kept, *there, "jsonpath={range .items[*]}{.metadata.name} {.data}\n{end}")
    claims = ("get", "pvc", *there, "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}\n{end}")
    before = kubectl(*secrets), kubectl(*claims)
    try:
        done = installed.run("uninstall", "--yes")
        assert done.returncode == 0, done.stderr
        listed = [line.strip() for line in done.stdout.partition("Kept")[2].splitlines() if line.startswith("  ")]
        kept = {line.partition(": ")[2] or line for line in listed}  # the component's name stands before it
        wanted = {f"Secret {line.split()[0]}" for line in before[0].splitlines()}
        wanted |= {f"PersistentVolumeClaim {line.split()[0]}" for line in before[1].splitlines()}
        assert kept == wanted
        assert kubectl("get", "deployments,statefulsets,jobs", "-n", "eucaim-node", "-o", "name") == ""

        again = installed.run("uninstall", "--yes")
        assert again.returncode == 0
        assert "nothing to remove" in again.stdout
        assert installed.run("status").returncode == 3
    finally:
        put_back = installed.run("install", "micro", "--cluster", "rehearsal", "--yes")
    assert put_back.returncode == 0, put_back.stderr
    assert (kubectl(*secrets), kubectl(*claims)) == before


def test_without_a_terminal_it_wants_a_yes(installed: Any) -> None:
    done = installed.run("uninstall")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert installed.run("status").returncode == 0


def test_on_a_terminal_it_asks_and_a_no_changes_nothing(installed: Any) -> None:
    code, screen = installed.terminal("uninstall", say="n")
    assert "Data and passwords stay" in screen
    assert code == 130
    assert installed.run("status").returncode == 0

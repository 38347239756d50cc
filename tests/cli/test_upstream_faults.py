"""Faults of the installer before us that show in what a run leaves on the computer. Numbers: tests/unit/faults/test_faults.py."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .conftest import TREE, Home

GIVEN = "A-password-that-the-site-gives-1"
SOURCE = (
    "operator", "charts", "manifests", "docs", "images.lock.yaml", "config.example.yaml", "pyproject.toml", "requirements.lock",
    "install.py",
)  # fmt: skip


@dataclass
class Processes:
    """The command line of every process of this computer, as `ps` shows it to everybody, as long as it is watched."""

    seen: set[str] = field(default_factory=set)

    @contextmanager
    def watched(self) -> Iterator[None]:
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.03):  # between two looks, which would else take a processor; Helm lives longer
                for name in os.listdir("/proc"):  # noqa: PTH208 - a Path for each would take longer than a process lives
                    if name.isdigit():
                        with contextlib.suppress(OSError):
                            self.seen.add(Path("/proc", name, "cmdline").read_bytes().decode(errors="replace"))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@dataclass(frozen=True)
class Runs:
    """What the commands left behind: processes, output, and the tree before and after."""

    processes: set[str]
    said: str
    tree: tuple[dict[str, str], dict[str, str]]


def tree(top: Path) -> dict[str, str]:
    """Every file of a source, by what is in it."""
    files = [path for path in top.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(top).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def runs(installed: Home, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """An install with another value and back, a password that is given, a secret of the site's, and the commands that tell."""
    folder, top = tmp_path_factory.mktemp("given"), tmp_path_factory.mktemp("source")
    for name in SOURCE:  # a checkout of this test's own: somebody may be working in the other
        copy = shutil.copytree if (TREE / name).is_dir() else shutil.copy2
        copy(TREE / name, top / name)
    installed.extra["PYTHONPATH"] = str(top / "operator")
    given = folder / "given"
    given.write_text(GIVEN)
    other = installed.config("other.yaml", components={"guacamole": {"resources": {"requests": {"cpu": "310m"}}}})
    install = ("install", "micro", "--cluster", "rehearsal", "--yes")
    before, processes, said = tree(top), Processes(), []
    with processes.watched():
        for arguments in (
            (*install, "--config", str(other)),
            install,
            ("plan",),
            ("credentials", "import", "guacamole-admin", "--from-file", str(given), "--yes"),
            ("secrets", "set", "mail-account", "password", "--from-file", str(given)),
            ("export", "--format", "kustomize", "--config", str(other), str(folder / "tree")),
            ("support-bundle",),
            ("status",),
        ):
            done = installed.run(*arguments, timeout=600)
            said.append(f"{' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    other.unlink()
    del installed.extra["PYTHONPATH"]
    return Runs(processes.seen, "".join(said), (before, tree(top)))


@pytest.fixture(scope="module")
def secrets(installed: Home, runs: Runs, kubectl: Callable[..., str]) -> list[str]:  # noqa: ARG001 - as they are after the runs
    """Every generated or given value of the node, and a line of every private key."""
    items = json.loads(kubectl("get", "secrets", "-n", "eucaim-node", "-o", "json"))["items"]
    found = [GIVEN]
    for one in items:
        if one["metadata"].get("labels", {}).get("owner") in {"helm", "mininode"}:
            continue
        for data in (one.get("data") or {}).values():
            text = base64.b64decode(data).decode(errors="replace")
            if "PRIVATE KEY-----" in text:
                found.append(text.splitlines()[1])
            elif len(text) >= 20 and text.isalnum():  # as credentials/generate.py makes them
                found.append(text)
    assert len(found) >= 8
    return found


def test_fault_19_no_file_of_the_source_is_written(runs: Runs) -> None:
    """Upstream wrote domains and passwords into files that its own checkout tracked."""
    before, after = runs.tree
    assert len(before) > 300
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()


def test_fault_74_no_secret_is_in_an_argument(runs: Runs, secrets: list[str]) -> None:
    helm = [one for one in runs.processes if "upgrade" in one and "helm" in one.partition("\0")[0]]
    assert helm, "Helm was at work and was seen"
    assert any("import" in one and "guacamole-admin" in one for one in runs.processes)
    assert [secret for secret in secrets for one in runs.processes if secret in one] == []


def test_fault_74_no_secret_is_in_a_log_or_on_a_screen(installed: Home, runs: Runs, secrets: list[str]) -> None:
    state = installed.folder / "state/mininode"
    logs = [path for path in state.rglob("*") if path.is_file() and (path.suffix in {".log", ".json"} or ".log." in path.name)]
    assert {"operator.log", "audit.log", "node.log"} <= {path.name for path in logs}
    assert [secret for secret in secrets if secret in runs.said] == []
    assert [path.name for path in logs for secret in secrets if secret in path.read_text(errors="replace")] == []


def test_fault_64_what_secrets_lie_in_is_for_its_owner_alone(installed: Home, secrets: list[str]) -> None:
    """The rehearsal's own store holds them, as every cluster's does: no other user of the computer may read it."""
    bytes_of = [secret.encode() for secret in secrets]
    open_to_others: list[Any] = []
    for path in installed.folder.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        within = [path, *path.parents[: path.parents.index(installed.folder)]]
        if all(one.stat().st_mode & 0o005 for one in within) and any(one in path.read_bytes() for one in bytes_of):
            open_to_others.append(path)
    assert open_to_others == []

"""What stands between PostgreSQL and its files: the guard of the major version, and one server at a time. On real files."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mininode.api.spec import NodeSpec, Size
from mininode.assets import asset

FOLDERS = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS])
USER = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
SCRIPTS = asset("charts") / "postgresql" / "files"
SECONDS = 30

server_here = pytest.mark.skipif(shutil.which("postgres", path=SEARCH) is None, reason="no PostgreSQL on this machine")


@pytest.fixture
def volume() -> Iterator[Path]:
    """The volume of the chart: the databases are in its folder pgdata."""
    home = Path(tempfile.mkdtemp(prefix="mininode-pgdata-"))
    if USER:
        shutil.chown(home, "postgres", "postgres")
    yield home
    shutil.rmtree(home)


def run(volume: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": SEARCH, "LC_ALL": "C", "PGDATA": f"{volume}/pgdata"} | more
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False, cwd=volume, **USER
    )


def initdb(volume: Path) -> None:
    made = run(volume, "initdb", "-U", "postgres", "-A", "trust", "-N")
    assert made.returncode == 0, made.stderr


def guard(volume: Path) -> subprocess.CompletedProcess[str]:
    return run(volume, "sh", str(SCRIPTS / "guard.sh"))


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and the time of its last change."""
    found = {str(one.relative_to(folder)): one.stat() for one in folder.rglob("*")}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}


@server_here
def test_databases_of_this_version_may_be_used(volume: Path) -> None:
    initdb(volume)
    before = files(volume)
    assert guard(volume).returncode == 0
    assert files(volume) == before


@server_here
def test_databases_of_another_major_version_are_refused_with_advice_and_not_touched(volume: Path) -> None:
    initdb(volume)
    own = (volume / "pgdata/PG_VERSION").read_text().strip()
    (volume / "pgdata/PG_VERSION").write_text("9\n")
    before = files(volume)
    result = guard(volume)
    assert result.returncode == 1
    assert f"the databases are PostgreSQL 9's and this is PostgreSQL {own}, which can't read them" in result.stdout
    assert "spec.components.postgresql.image" in result.stdout
    assert files(volume) == before


@server_here
def test_an_empty_volume_is_for_new_databases_unless_there_were_some(volume: Path) -> None:
    assert guard(volume).returncode == 0
    (volume / "served").touch()
    result = guard(volume)
    assert result.returncode == 1
    assert "No empty database is put in their place" in result.stdout


@server_here
def test_a_first_start_that_was_cut_off_begins_anew_but_a_damaged_database_does_not(volume: Path) -> None:
    initdb(volume)
    (volume / "pgdata/global/pg_control").unlink()
    (volume / "served").touch()
    before = files(volume)
    assert guard(volume).returncode == 1
    assert files(volume) == before

    (volume / "served").unlink()
    assert guard(volume).returncode == 0
    assert not (volume / "pgdata").exists()
    assert len(list(volume.glob("pgdata.interrupted-*/PG_VERSION"))) == 1


@contextmanager
def serving(volume: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """The chart's way to start the server; the image's own entry point is replaced by the server itself."""
    programs = volume / "bin"
    programs.mkdir(exist_ok=True)
    entry = programs / "docker-entrypoint.sh"
    entry.write_text('#!/bin/sh\nexec "$@"\n')
    entry.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PATH": f"{programs}{os.pathsep}{SEARCH}", "LC_ALL": "C", "PGDATA": f"{volume}/pgdata"} | more
    command = ["sh", str(SCRIPTS / "serve.sh"), "postgres", "-p", str(port), "-k", str(volume), "-h", "127.0.0.1"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **USER)  # type: ignore[call-overload]
    process.port = port
    try:
        yield process
    finally:
        process.terminate()
        process.wait(SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def until(what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@server_here
def test_two_servers_never_have_the_same_databases(volume: Path) -> None:
    """PostgreSQL's own lock file is taken away, as a server in another container does not see the process that it names."""
    initdb(volume)
    with serving(volume) as first:
        until(lambda: run(volume, "pg_isready", "-h", "127.0.0.1", "-p", str(first.port)).returncode == 0)
        (volume / "pgdata/postmaster.pid").unlink()
        with serving(volume, MININODE_LOCK_SECONDS="0") as second:
            assert second.wait(SECONDS) == 1
            assert second.stdout is not None
            assert "another server still has these databases" in second.stdout.read()


@server_here
def test_a_server_that_was_killed_leaves_no_lock(volume: Path) -> None:
    initdb(volume)
    with serving(volume) as first:
        until(lambda: run(volume, "pg_isready", "-h", "127.0.0.1", "-p", str(first.port)).returncode == 0)
        first.kill()
        first.wait(SECONDS)
        with serving(volume, MININODE_LOCK_SECONDS="20") as second:
            until(lambda: run(volume, "pg_isready", "-h", "127.0.0.1", "-p", str(second.port)).returncode == 0)


# ── Sizes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

UNITS = {"kB": 2**10, "MB": 2**20, "GB": 2**30, "Mi": 2**20, "Gi": 2**30}
PER_CONNECTION = 2 * 2**20  # a process of its own: about 2 MB beside work_mem, by the manual's chapter on memory
WORKERS = 3  # of autovacuum, by default; each may use maintenance_work_mem


def amount(text: str) -> int:
    return int(text[:-2]) * UNITS[text[-2:]]


@pytest.mark.parametrize("size", list(Size))
def test_the_server_fits_into_its_limit_at_every_size(render: Callable[..., list[dict[str, Any]]], size: Size) -> None:
    documents = render("postgresql", NodeSpec(domain="node.hospital.example", size=size))
    pod = next(one for one in documents if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    settings = dict(one.split("=") for one in container["args"] if "=" in one)
    connections = int(settings["max_connections"])
    most = (
        amount(settings["shared_buffers"])
        + connections * (amount(settings["work_mem"]) + PER_CONNECTION)
        + WORKERS * amount(settings["maintenance_work_mem"])
    )
    assert most <= amount(container["resources"]["limits"]["memory"])

    keycloak = next(
        one for one in render("keycloak", NodeSpec(domain="node.hospital.example", size=size)) if one["kind"] == "Deployment"
    )["spec"]["template"]["spec"]["containers"][0]
    pool = int(next(one["value"] for one in keycloak["env"] if one["name"] == "KC_DB_POOL_MAX_SIZE"))
    assert pool <= connections // 2, "the others need connections as well"


@server_here
@pytest.mark.parametrize("size", list(Size))
def test_a_real_server_takes_the_settings_of_every_size(
    render: Callable[..., list[dict[str, Any]]], size: Size, volume: Path
) -> None:
    documents = render("postgresql", NodeSpec(domain="node.hospital.example", size=size))
    pod = next(one for one in documents if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    initdb(volume)
    for one in pod["containers"][0]["args"][2::2]:
        name, value = one.split("=")
        found = run(volume, "postgres", "-C", name, "-c", one)
        assert found.returncode == 0, found.stderr
        assert found.stdout.strip(), value

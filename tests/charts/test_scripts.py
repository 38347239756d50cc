"""The scripts inside the charts, run for real against a PostgreSQL server of this machine."""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mininode.assets import asset
from mininode.components.postgresql import DATABASES

PROGRAMS = ("initdb", "pg_ctl", "psql", "pg_isready")
# A folder's programs where they are not on PATH: Debian keeps them per version.
FOLDERS = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS])
# PostgreSQL does not run as root.
USER = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

pytestmark = pytest.mark.skipif(
    any(shutil.which(program, path=SEARCH) is None for program in PROGRAMS),
    reason="no PostgreSQL server on this machine",
)

# What Guacamole 1.6's own two files leave behind, as far as our script reads and writes it: the tables' names and
# columns, and the account guacadmin with the password guacadmin, whose salt and hash are public.
SALT = "FE24ADC5E11E2B25288D1704ABE67A79E342ECC26064CE69C5B3177795A82264"
HASH = "CA458A7D494E3BE824F5E1E175A1556C0F8EEF2C2D7DF3633BEC4A29C4411960"
TABLES = """
CREATE TABLE guacamole_entity (entity_id serial PRIMARY KEY, name varchar(128) NOT NULL, type text NOT NULL);
CREATE TABLE guacamole_user (user_id serial PRIMARY KEY, entity_id integer NOT NULL, password_hash bytea NOT NULL,
    password_salt bytea, password_date timestamptz NOT NULL);
"""
ADMIN = """
INSERT INTO guacamole_entity (name, type) VALUES ('guacadmin', 'USER');
INSERT INTO guacamole_user (entity_id, password_hash, password_salt, password_date)
SELECT entity_id, decode('HASH', 'hex'), decode('SALT', 'hex'), CURRENT_TIMESTAMP FROM guacamole_entity;
""".replace("HASH", HASH).replace("SALT", SALT)
OWNERS = "SELECT datname, pg_get_userbyid(datdba) FROM pg_database"


@dataclass
class Server:
    """A PostgreSQL server with its files under `home`."""

    home: Path
    port: int

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={"PATH": SEARCH, "LC_ALL": "C", "PGHOST": str(self.home), "PGPORT": str(self.port), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **USER,
        )

    def ask(self, sql: str, **environment: str) -> str:
        result = self.run("psql", "-XAtc", sql, **({"PGUSER": "postgres", "PGDATABASE": "postgres"} | environment))
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def log(self) -> str:
        return (self.home / "log").read_text()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # Not pytest's own folder: that is closed to everybody but the user who runs the tests, and the server's is another.
    home = Path(tempfile.mkdtemp(prefix="mininode-postgresql-"))
    home.chmod(0o755)
    if USER:
        shutil.chown(home, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        one = Server(home, free.getsockname()[1])
    made = one.run(
        "initdb", "-D", f"{home}/data", "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "-N"
    )
    assert made.returncode == 0, made.stderr
    options = f"-c listen_addresses=127.0.0.1 -c port={one.port} -c unix_socket_directories={home} -c fsync=off"
    started = one.run("pg_ctl", "-D", f"{home}/data", "-w", "-t", "30", "-l", f"{home}/log", "-o", options, "start")
    assert started.returncode == 0, started.stdout + one.log()
    yield one
    one.run("pg_ctl", "-D", f"{home}/data", "-m", "immediate", "stop")
    shutil.rmtree(home)


@pytest.fixture
def secrets(server: Server) -> Path:
    """The applications' Secrets as the pod mounts them; passwords are the application's name and a suffix."""
    folder = server.home / "secrets"
    for application, name in DATABASES.items():
        (folder / application).mkdir(parents=True, exist_ok=True)
        for key, value in {"username": name, "database": name, "password": f"{application}-one"}.items():
            (folder / application / key).write_text(value)
    return folder


def make_roles(server: Server, secrets: Path) -> subprocess.CompletedProcess[str]:
    script = asset("charts") / "postgresql" / "files"
    target = server.home / "scripts"
    shutil.copytree(script, target, dirs_exist_ok=True)
    return server.run("sh", str(target / "roles.sh"), MININODE_SECRETS=str(secrets))


def login(server: Server, database: str, user: str, password: str) -> bool:
    """Over TCP, where a password is asked for."""
    sql = ("psql", "-XAtc", "SELECT 1")
    return server.run(*sql, PGHOST="127.0.0.1", PGDATABASE=database, PGUSER=user, PGPASSWORD=password).returncode == 0


def test_every_application_gets_in_and_only_into_its_own_database(server: Server, secrets: Path) -> None:
    result = make_roles(server, secrets)
    assert result.returncode == 0, result.stderr
    for application, name in DATABASES.items():
        assert login(server, name, name, f"{application}-one")
        assert not login(server, name, name, "wrong")
        for other in [*DATABASES.values(), "postgres", "template1"]:
            assert other == name or not login(server, other, name, f"{application}-one"), f"{name} got into {other}"
    owners = dict(line.split("|") for line in server.ask(OWNERS).splitlines())
    assert {name: owners[name] for name in DATABASES.values()} == {name: name for name in DATABASES.values()}


def test_an_application_has_no_power_over_the_server(server: Server, secrets: Path) -> None:
    assert make_roles(server, secrets).returncode == 0
    mighty = server.ask("SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication")
    assert mighty.splitlines() == ["postgres"]


def test_a_second_run_keeps_the_data_and_a_later_application_gets_its_own(server: Server, secrets: Path) -> None:
    assert make_roles(server, secrets).returncode == 0
    server.ask("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer", PGDATABASE="guacamole", PGUSER="guacamole")
    (secrets / "later").mkdir(exist_ok=True)
    for key, value in {"username": "later", "database": "later", "password": "later-one"}.items():
        (secrets / "later" / key).write_text(value)
    assert make_roles(server, secrets).returncode == 0
    assert server.ask("SELECT answer FROM kept", PGDATABASE="guacamole", PGUSER="guacamole") == "42"
    assert login(server, "later", "later", "later-one")
    shutil.rmtree(secrets / "later")


def test_a_changed_password_is_carried_out_and_stays_out_of_the_log(server: Server, secrets: Path) -> None:
    assert make_roles(server, secrets).returncode == 0
    server.ask("ALTER SYSTEM SET log_statement = 'all'")
    server.ask("SELECT pg_reload_conf()")
    (secrets / "keycloak" / "password").write_text("pass'word \\ two")
    result = make_roles(server, secrets)
    server.ask("ALTER SYSTEM RESET log_statement")
    server.ask("SELECT pg_reload_conf()")
    assert login(server, "keycloak", "keycloak", "pass'word \\ two")
    assert "word" not in server.log().replace("password", "")
    assert "two" not in result.stdout + result.stderr


def test_a_statement_that_fails_does_not_put_the_password_into_the_log(server: Server, secrets: Path) -> None:
    assert make_roles(server, secrets).returncode == 0
    server.ask("ALTER SYSTEM SET default_transaction_read_only = on")
    server.ask("SELECT pg_reload_conf()")
    (secrets / "dataset-service" / "password").write_text("unspeakable")
    result = make_roles(server, secrets)
    server.ask("ALTER SYSTEM RESET default_transaction_read_only")
    server.ask("SELECT pg_reload_conf()")
    assert result.returncode != 0
    assert "cannot execute ALTER ROLE" in result.stderr
    assert "unspeakable" not in server.log() + result.stdout + result.stderr


@pytest.fixture
def guacamole(server: Server, secrets: Path) -> Iterator[dict[str, str]]:
    """An empty database of Guacamole's and the environment of its schema step."""
    assert make_roles(server, secrets).returncode == 0
    folder = server.home / "guacamole"
    folder.mkdir()
    shutil.copytree(asset("charts") / "guacamole" / "files", folder / "scripts")
    (folder / "001-create-schema.sql").write_text(TABLES)
    (folder / "002-create-admin-user.sql").write_text(ADMIN)
    (folder / "database").write_text("guacamole-one")
    (folder / "admin").write_text("generated-one")
    yield {
        "PGHOST": "127.0.0.1",
        "PGDATABASE": "guacamole",
        "PGUSER": "guacamole",
        "MININODE_SCHEMA": str(folder),
        "MININODE_DATABASE_PASSWORD_FILE": str(folder / "database"),
        "MININODE_ADMIN_PASSWORD_FILE": str(folder / "admin"),
    }
    shutil.rmtree(folder)
    server.ask("DROP DATABASE guacamole")


def fill(server: Server, guacamole: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return server.run("sh", f"{guacamole['MININODE_SCHEMA']}/scripts/schema.sh", **guacamole)


def stored(server: Server) -> tuple[str, str]:
    sql = "SELECT upper(encode(password_salt, 'hex')), upper(encode(password_hash, 'hex')) FROM guacamole_user"
    salt, _, digest = server.ask(sql, PGDATABASE="guacamole").partition("|")
    return salt, digest


def accepts(server: Server, password: str) -> bool:
    """Guacamole's own rule, as its default account shows it (test below)."""
    salt, digest = stored(server)
    return hashlib.sha256((password + salt).encode()).hexdigest().upper() == digest


def test_the_rule_is_guacamole_s() -> None:
    assert hashlib.sha256(("guacadmin" + SALT).encode()).hexdigest().upper() == HASH


def test_the_first_run_makes_tables_and_leaves_no_default_password(server: Server, guacamole: dict[str, str]) -> None:
    result = fill(server, guacamole)
    assert result.returncode == 0, result.stderr
    assert accepts(server, "generated-one")
    assert not accepts(server, "guacadmin")
    assert len(stored(server)[0]) == 64
    assert stored(server)[0] != SALT


def test_a_second_run_changes_nothing(server: Server, guacamole: dict[str, str]) -> None:
    assert fill(server, guacamole).returncode == 0
    before = stored(server)
    assert fill(server, guacamole).returncode == 0
    assert stored(server) == before


def test_a_password_that_is_not_the_credential_s_is_set_again(server: Server, guacamole: dict[str, str]) -> None:
    assert fill(server, guacamole).returncode == 0
    server.ask("TRUNCATE guacamole_user, guacamole_entity", PGDATABASE="guacamole")
    server.ask(ADMIN, PGDATABASE="guacamole")
    assert accepts(server, "guacadmin")
    assert fill(server, guacamole).returncode == 0
    assert accepts(server, "generated-one")


def test_a_run_that_fails_half_way_leaves_nothing(server: Server, guacamole: dict[str, str]) -> None:
    (Path(guacamole["MININODE_SCHEMA"]) / "002-create-admin-user.sql").write_text(ADMIN + "SELECT broken;")
    assert fill(server, guacamole).returncode != 0
    assert server.ask("SELECT to_regclass('guacamole_user') IS NULL", PGDATABASE="guacamole") == "t"


def test_a_missing_administrator_is_not_made_again(server: Server, guacamole: dict[str, str]) -> None:
    assert fill(server, guacamole).returncode == 0
    server.ask("DELETE FROM guacamole_entity", PGDATABASE="guacamole")
    result = fill(server, guacamole)
    assert result.returncode == 1
    assert "no account guacadmin" in result.stderr


def test_the_script_gives_up_on_a_server_that_is_not_there(server: Server, secrets: Path) -> None:
    """With a `sleep` that does not wait: the ten minutes are counted in its calls."""
    assert make_roles(server, secrets).returncode == 0
    programs = server.home / "bin"
    programs.mkdir()
    (programs / "sleep").write_text("#!/bin/sh\n")
    (programs / "pg_isready").write_text("#!/bin/sh\nexit 2\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    began = time.monotonic()
    result = server.run(
        "sh",
        str(server.home / "scripts" / "roles.sh"),
        MININODE_SECRETS=str(secrets),
        PATH=f"{programs}{os.pathsep}{SEARCH}",
    )
    assert result.returncode == 1
    assert "did not answer within 600 s" in result.stderr
    assert time.monotonic() - began < 30


def test_the_superuser_s_password_is_the_secret_s_again_and_stays_out_of_the_log(server: Server, secrets: Path) -> None:
    """Databases that were kept while their Secrets were lost have another one."""
    assert make_roles(server, secrets).returncode == 0
    file = server.home / "superuser"
    file.write_text("regained-one")
    script = str(server.home / "scripts" / "roles.sh")
    pgdata = server.home / "volume" / "pgdata"
    pgdata.mkdir(parents=True)
    if USER:
        shutil.chown(pgdata.parent, "postgres", "postgres")
    result = server.run(
        "sh", script, MININODE_SECRETS=str(secrets), POSTGRES_PASSWORD_FILE=str(file), PGDATA=str(pgdata)
    )
    assert result.returncode == 0, result.stderr
    assert login(server, "postgres", "postgres", "regained-one")
    assert "regained" not in server.log() + result.stdout + result.stderr
    assert (pgdata.parent / "served").exists()

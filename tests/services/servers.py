"""A real PostgreSQL and a real Keycloak as plain processes on free ports, for the tests of this folder.

Needs, once per machine: `apt-get install postgresql maven` and a Java 21 or newer (Temurin 25 is what the node's image has).
Keycloak's distribution comes from Maven Central through Maven and is built (`kc.sh build`, about a minute) into
$XDG_CACHE_HOME/mininode/services/keycloak-VERSION-KEY/, KEY being a digest of the build's options.
"""

import contextlib
import datetime
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mininode.cluster.ports import free_ports

VERSION = "26.7.3"
BUILD_OPTIONS = ("--db=postgres", "--http-relative-path=/auth", "--health-enabled=true", "--metrics-enabled=true")
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
CONNECTIONS_TRIED = "QUARKUS_DATASOURCE_JDBC_FOREGROUND_VALIDATION_INTERVAL"
OLDEST_JAVA = 21
ADMIN = "mininode-admin"
DOMAIN = "node.hospital.example"
START_SECONDS = 600  # the first start makes the schema: 67 s alone on two cores, more when tests of others run beside it


class ServersMissing(Exception):
    """What this machine lacks for a real Keycloak, and how to get it."""


@dataclass(frozen=True)
class Postgres:
    port: int
    password: str


@dataclass(frozen=True)
class Keycloak:
    """As in a node: the operator asks inside, by plain HTTP; people come by TLS under the public name."""

    url: str  # inside, with /auth and without a slash at the end
    public: str  # what it calls itself
    https_port: int  # where the public name has to be led to
    admin: str
    password: str
    log: Path
    certificate: Path


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mininode" / "services"


def free_port() -> int:
    return free_ports(1)[0]


def java_home() -> Path:
    """A Java that Keycloak runs on: $JAVA_HOME when it is new enough, else the newest one below /usr/lib/jvm."""
    candidates = [Path(home)] if (home := os.environ.get("JAVA_HOME")) else []
    candidates += sorted(Path("/usr/lib/jvm").glob("*"), reverse=True) if Path("/usr/lib/jvm").is_dir() else []
    versions = {home: _java_version(home) for home in candidates if (home / "bin" / "java").exists()}
    best = max(versions, key=lambda home: versions[home], default=None)
    if best is None or versions[best] < OLDEST_JAVA:
        raise ServersMissing(f"no Java of version {OLDEST_JAVA} or newer: install one (temurin-25-jdk) or set JAVA_HOME")
    return best


def _java_version(home: Path) -> int:
    release = home / "release"
    found = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.exists() else None
    return int(found[1]) if found else 0


def postgres_bin() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise ServersMissing("no PostgreSQL: apt-get install postgresql")
    return found[-1].parent


def keycloak_home() -> Path:
    """The built distribution; made by the first who asks, while the others wait."""
    key = hashlib.sha256(" ".join(BUILD_OPTIONS).encode()).hexdigest()[:8]
    home = cache() / f"keycloak-{VERSION}-{key}"
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _build(home)
    return home


def _build(home: Path) -> None:
    if shutil.which("mvn") is None:
        raise ServersMissing("no Maven: apt-get install maven")
    archive = cache() / f"keycloak-quarkus-dist-{VERSION}.zip"
    if not archive.exists():
        wanted = f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
        subprocess.run(["mvn", "-q", "-B", MAVEN_COPY, wanted, f"-DoutputDirectory={cache()}"], check=True, timeout=600)
    scratch = Path(tempfile.mkdtemp(dir=cache()))
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(scratch)
    unpacked = scratch / f"keycloak-{VERSION}"
    command = ["bash", str(unpacked / "bin" / "kc.sh"), "build", *BUILD_OPTIONS]
    subprocess.run(command, env=_java_environment(), check=True, timeout=600, stdout=subprocess.DEVNULL)
    unpacked.rename(home)
    shutil.rmtree(scratch)


def _java_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "JAVA_HOME": str(java_home())}


def _as_postgres(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root; Debian's package made an account for it."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A server with a database `keycloak` and a login of that name; gone with its data at the end."""
    programs, port, password = postgres_bin(), free_port(), "only-for-this-test"
    data = folder / "postgres"
    data.mkdir()
    (folder / "password").write_text(password)
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        for path in (data, folder / "password"):
            os.chown(path, account.pw_uid, account.pw_gid)
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "keycloak", "-A", "scram-sha-256", "--no-sync"]
    subprocess.run(
        _as_postgres(*initdb, f"--pwfile={folder / 'password'}"), check=True, stdout=subprocess.DEVNULL, cwd=folder
    )
    # Nothing here has to survive a power cut: without flushes the schema is made in half the time.
    settings = ("fsync=off", "full_page_writes=off", "listen_addresses=127.0.0.1", f"port={port}", "shared_buffers=64MB")
    settings += ("unix_socket_directories=",)
    command = [str(programs / "postgres"), "-D", str(data), *(part for one in settings for part in ("-c", one))]
    environment = {**os.environ, "PGPASSWORD": password}
    with (folder / "postgres.log").open("w") as log, _running(_as_postgres(*command), log, os.environ, folder):
        connection = ["-h", "127.0.0.1", "-p", str(port), "-U", "keycloak"]
        _wait(lambda: subprocess.run([programs / "pg_isready", *connection], check=False, capture_output=True).returncode == 0, 60)
        subprocess.run([programs / "createdb", *connection, "keycloak"], env=environment, check=True)
        yield Postgres(port, password)


def certificate(folder: Path) -> None:
    """A certificate of its own for the node's name, for the browser of the tests only."""
    if (folder / "tls.crt").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(DOMAIN), x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.key").write_bytes(private)


@contextlib.contextmanager
def keycloak(folder: Path, database: Postgres, *, port: int = 0, local: bool = False) -> Iterator[Keycloak]:
    """A server on the database, answering when this returns; `port` 0 takes a free one.

    With `local` it calls itself by an address that this machine reaches, as a Keycloak of the site's does.
    """
    home, port, https_port, management = keycloak_home(), port or free_port(), free_port(), free_port()
    url, public = f"http://127.0.0.1:{port}/auth", f"https://localhost:{https_port}/auth" if local else f"https://{DOMAIN}/auth"
    certificate(folder)
    password = "bootstrap-only-for-this-test"  # noqa: S105 - of a throw-away server
    environment = _java_environment() | {
        "KC_DB_URL": f"jdbc:postgresql://127.0.0.1:{database.port}/keycloak",
        "KC_DB_USERNAME": "keycloak",
        "KC_DB_PASSWORD": database.password,
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
        "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx400m",
        CONNECTIONS_TRIED: _as_in_the_chart(CONNECTIONS_TRIED),
    }
    options = ("--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={port}", f"--hostname={public}")
    options += (f"--https-port={https_port}", f"--https-certificate-file={folder / 'tls.crt'}")
    options += (f"--https-certificate-key-file={folder / 'tls.key'}", f"--http-management-port={management}", "--cache=local")
    command = ["bash", str(home / "bin" / "kc.sh"), "start", "--optimized", *options]
    log_file = folder / "keycloak.log"
    with log_file.open("a") as log, _running(command, log, environment, folder) as process:

        def answers() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"Keycloak ended with {process.returncode}:\n{log_file.read_text()[-3000:]}")
            try:
                return httpx.get(f"{url}/realms/master", timeout=5, trust_env=False).status_code == 200
            except httpx.HTTPError:
                return False

        _wait(answers, START_SECONDS)
        yield Keycloak(url, public, https_port, ADMIN, password, log_file, folder / "tls.crt")


def _as_in_the_chart(variable: str) -> str:
    """What the chart sets a variable to, for what has to be tested as it is deployed."""
    pod = Path(__file__).parents[2] / "charts/keycloak/templates/deployment.yaml"
    found = re.search(rf"name: {variable}\n\s+value: (\S+)", pod.read_text())
    assert found, f"the chart does not set {variable}"
    return found[1]


def sql(database: Postgres, text: str, **values: str) -> None:
    """Run a statement in Keycloak's database; `:'name'` in it stands for a value, quoted by psql."""
    command = [str(postgres_bin() / "psql"), "-h", "127.0.0.1", "-p", str(database.port), "-U", "keycloak", "-q"]
    command += [part for name, value in values.items() for part in ("-v", f"{name}={value}")]
    environment = {**os.environ, "PGPASSWORD": database.password}
    subprocess.run([*command, "-v", "ON_ERROR_STOP=1"], input=text, text=True, env=environment, check=True, timeout=120)


@contextlib.contextmanager
def _running(command: list[str], log: object, environment: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a process group of its own: kc.sh leaves its Java behind when only the shell is ended."""
    process = subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, env=dict(environment), cwd=folder, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # PostgreSQL's fast shutdown, the JVM's ordinary one
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def _wait(condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not there within {seconds:.0f} s")
        time.sleep(0.2)

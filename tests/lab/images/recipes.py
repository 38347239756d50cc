"""The applications' images for the lab, out of packages: under the names of images.lock.yaml, in layers that they share.

Each keeps the contract of the official image that our charts rely on: user ids, paths, entry point, variables, file capabilities.
Where the application itself can't be had from packages, a stand-in takes its place (standin/, which says what it does not prove).

An image is given the digest's name, too, which the lock pins: a pod's reference then finds it without a registry. That the
content has that digest is what a registry would prove; here it has not.
"""

import hashlib
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import debian
from images import operator_image
from oci import Entry, Folder, Image, write_archive, write_layer
from places import TOP, Places, cannot_be_here, say
from programs import compiled

from mininode.cluster.minikube.image_source import by_source
from mininode.planning.images import ImageLock

HERE = Path(__file__).parent
KEYCLOAK = "26.7.3"
BASE = ("ca-certificates",)
POSTGRESQL = ("postgresql-15", "curl")
PYTHON = ("python3", "python3-cryptography", "python3-jwt", "python3-psycopg2", "python3-venv", "python3-yaml")
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Not what a program reads, or (LLVM) what PostgreSQL does without: compiling queries.
_LEFT_OUT = (
    "var/cache/apt/", "var/lib/apt/lists/", "var/log/", "usr/share/doc/", "usr/share/man/", "usr/share/locale/", "dev/",
    "usr/lib/x86_64-linux-gnu/libLLVM", "usr/lib/postgresql/15/lib/bitcode/", "usr/lib/postgresql/15/lib/llvmjit", "usr/lib/llvm",
)  # fmt: skip


@dataclass(frozen=True)
class Kitchen:
    """What recipes are made with. A layer is made once for a key."""

    where: Places

    def layer(self, name: str, key: str, make: Callable[[Path], object]) -> Path:
        """The layer file of this name and key; older ones of that name go."""
        folder = self.where.root / "layers"
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.tar"
        if not target.exists():
            say(f"layer: {name}")
            for old in folder.glob(f"{name}-????????????.tar*"):
                old.unlink()
            part = target.with_name(target.name + ".part")
            make(part)
            part.replace(target)
        return target

    def files(self, name: str, files: Mapping[str, Entry], modes: Mapping[str, int] | None = None, **more: bytes) -> Path:
        """A layer of single files. `more`: a file's capability."""
        parts = [f"{path} {_state(entry)}" for path, entry in sorted(files.items())]
        capabilities = {f"/usr/bin/{program}": value for program, value in more.items()}
        return self.layer(name, f"{parts}{modes}{more}", lambda part: write_layer(files, part, modes, capabilities))

    def base(self) -> Path:
        """A minimal Debian."""
        return self.whole("base", BASE)

    def whole(self, name: str, packages: tuple[str, ...], release: str = debian.RELEASE) -> Path:
        """A Debian with these packages."""
        packed = debian.packed(self.where, name, packages, release)
        return self.layer(name, f"{packed.name}{_LEFT_OUT}", lambda part: _difference(None, packed, part))

    def packages(self, name: str, packages: tuple[str, ...]) -> Path:
        """What these packages add to the base."""
        base, more = debian.packed(self.where, "base", BASE), debian.packed(self.where, name, (*BASE, *packages))
        return self.layer(name, f"{base.name}{more.name}{_LEFT_OUT}", lambda part: _difference(base, more, part))


def build(where: Places) -> list[Path]:
    """Archives with the images of every recipe that the lock names, and the operator's own."""
    kitchen = Kitchen(where)
    lock = ImageLock.load((TOP / "images.lock.yaml").read_text(encoding="utf-8"))
    images: list[Image] = []
    for name, locked in lock.images.items():
        if (recipe := RECIPES.get(name)) is None:
            say(f"images: no recipe for {name}, pods that want it won't start in the lab")
            continue
        names = [f"{locked.repository}:{locked.tag}", *([f"{locked.repository}@{locked.digest}"] if locked.digest else [])]
        layers, config = recipe(kitchen)
        images.append(Image(tuple(names), layers, config))
    layers, config = operator_image.recipe(kitchen)
    images.append(Image((operator_image.NAME, by_source(operator_image.NAME)), layers, config))
    layers, config = operator_image.base(kitchen)
    images.append(Image((operator_image.base_name(),), layers, config))
    key = hashlib.sha256(repr(images).encode()).hexdigest()[:12]
    target = where.root / "images" / f"applications-{key}.tar"
    if not target.exists():
        for old in target.parent.glob("applications-*"):
            old.unlink()
        write_archive(images, target)
    return [target]


Recipe = tuple[tuple[Path, ...], dict[str, object]]


def _postgresql(kitchen: Kitchen) -> Recipe:
    people = b"root:x:0:0:root:/root:/bin/bash\npostgres:x:999:999::/var/lib/postgresql:/bin/bash\n"
    ours: dict[str, Entry] = {
        "/etc/passwd": people,
        "/etc/group": b"root:x:0:\npostgres:x:999:\n",
        "/usr/local/bin/docker-entrypoint.sh": HERE / "postgresql" / "docker-entrypoint.sh",
        "/var/lib/postgresql": Folder(0o1777, 999, 999),
        "/var/lib/postgresql/data": Folder(0o1777, 999, 999),
        "/var/run/postgresql": Folder(0o3777, 999, 999),
    }
    layers = (kitchen.base(), kitchen.packages("postgresql", POSTGRESQL), kitchen.files("postgresql-entrypoint", ours))
    # PostgreSQL's own folder first: Debian's wrappers of psql look for Debian's clusters.
    path = _PATH.replace("PATH=", "PATH=/usr/lib/postgresql/15/bin:")
    return layers, {
        "Env": [path, "LANG=C.UTF-8", "PG_MAJOR=15", "PGDATA=/var/lib/postgresql/data"],
        "Entrypoint": ["docker-entrypoint.sh"], "Cmd": ["postgres"], "StopSignal": "SIGINT",
        "ExposedPorts": {"5432/tcp": {}}, "Volumes": {"/var/lib/postgresql/data": {}},
    }  # fmt: skip


def _keycloak(kitchen: Kitchen) -> Recipe:
    java = _jdk()
    runtime = kitchen.layer("java", str(java.resolve()), lambda part: _java(java, part))
    server = kitchen.layer("keycloak", KEYCLOAK, lambda part: _unzipped(_keycloak_zip(kitchen.where), part))
    people: dict[str, Entry] = {
        "/etc/passwd": b"root:x:0:0:root:/root:/bin/bash\nkeycloak:x:1000:0::/opt/keycloak:/sbin/nologin\n",
    }
    layers = (kitchen.base(), runtime, server, kitchen.files("keycloak-people", people))
    return layers, {
        "Env": [_PATH, "LANG=en_US.UTF-8", "JAVA_HOME=/opt/java", "KC_RUN_IN_CONTAINER=true"],
        "Entrypoint": ["/opt/keycloak/bin/kc.sh"], "User": "1000",
        "ExposedPorts": {"8080/tcp": {}, "8443/tcp": {}, "9000/tcp": {}},
    }  # fmt: skip


def _caddy(kitchen: Kitchen) -> Recipe:
    # cap_net_bind_service=ep, as the official image's binary has it: vfs_cap_data of linux/capability.h, version 2, effective.
    capability = (0x02000001).to_bytes(4, "little") + (1 << 10).to_bytes(4, "little") + bytes(12)
    files: dict[str, Entry] = {
        "/usr/bin/caddy": compiled(kitchen.where, os.environ, "caddy")["caddy"],
        "/etc/caddy/Caddyfile": b":80\n\nroot * /usr/share/caddy\nfile_server\n",
        "/config/caddy": Folder(0o755),
        "/data/caddy": Folder(0o755),
        "/srv": Folder(0o755),
    }
    layers = (kitchen.base(), kitchen.files("caddy", files, caddy=capability))
    return layers, {
        "Env": [_PATH, "CADDY_VERSION=v2.11.9", "XDG_CONFIG_HOME=/config", "XDG_DATA_HOME=/data"],
        "Cmd": ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"], "WorkingDir": "/srv",
        "ExposedPorts": {"80/tcp": {}, "443/tcp": {}, "443/udp": {}, "2019/tcp": {}},
    }  # fmt: skip


def _standin(kitchen: Kitchen, name: str, files: Mapping[str, Entry], config: Mapping[str, object]) -> Recipe:
    program: dict[str, Entry] = {
        f"/opt/standin/{file}": (HERE / "standin" / file).read_bytes() for file in (f"{name.replace('-', '_')}.py", "tokens.py")
    }
    layers = (kitchen.base(), kitchen.packages("python", PYTHON), kitchen.files(f"{name}-standin", {**program, **files}))
    entry = ["/usr/bin/python3", "-B", "-u", f"/opt/standin/{name.replace('-', '_')}.py"]
    return layers, {"Env": [_PATH, "LANG=C.UTF-8"], "Entrypoint": entry, **config}


def _dataset_service(kitchen: Kitchen) -> Recipe:
    return _standin(kitchen, "dataset-service", {}, {"WorkingDir": "/opt/dataset-service", "ExposedPorts": {"11000/tcp": {}}})


def _guacamole(kitchen: Kitchen) -> Recipe:
    where = "/opt/guacamole/extensions/guacamole-auth-jdbc/postgresql/schema"  # of the image of 1.6
    schema: dict[str, Entry] = {f"{where}/{path.name}": path.read_bytes() for path in (HERE / "guacamole-schema").iterdir()}
    people: dict[str, Entry] = {"/etc/passwd": b"root:x:0:0::/root:/bin/sh\nguacamole:x:1001:1001::/home/guacamole:/bin/sh\n"}
    return _standin(kitchen, "guacamole", {**schema, **people}, {"User": "1001", "ExposedPorts": {"8080/tcp": {}}})


def _guacd(kitchen: Kitchen) -> Recipe:
    return _standin(kitchen, "guacd", {}, {"User": "1000", "ExposedPorts": {"4822/tcp": {}}})


RECIPES: dict[str, Callable[[Kitchen], Recipe]] = {
    "postgresql": _postgresql,
    "keycloak": _keycloak,
    "caddy": _caddy,
    "edge": _caddy,
    "dataset-service-backend": _dataset_service,
    "guacamole": _guacamole,
    "guacd": _guacd,
}


def _state(entry: Entry) -> str:
    if isinstance(entry, Path):
        return hashlib.sha256(entry.read_bytes()).hexdigest()
    return hashlib.sha256(entry).hexdigest() if isinstance(entry, bytes) else repr(entry)


def _difference(base: Path | None, more: Path, target: Path) -> None:
    """What `more` has that `base` has not, as a layer. Nothing is ever removed: packages only add."""
    known: dict[str, tuple[object, ...]] = {}
    if base:
        with tarfile.open(base) as tar:
            known = {member.name: _looks(member) for member in tar}
    with tarfile.open(more) as tar, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as out:
        for member in tar:
            name = member.name.removeprefix("./")
            if name in ("", ".") or name.startswith(_LEFT_OUT) or known.get(member.name) == _looks(member):
                continue
            member.name = name
            if member.islnk():
                member.linkname = member.linkname.removeprefix("./")
            out.addfile(member, tar.extractfile(member) if member.isreg() else None)


def _looks(member: tarfile.TarInfo) -> tuple[object, ...]:
    time = member.mtime if member.isreg() else 0
    return (member.type, member.mode, member.uid, member.gid, member.size, member.linkname, time)


def _jdk() -> Path:
    """The newest JDK of this machine that can make a runtime."""
    found = [path for path in Path("/usr/lib/jvm").glob("*") if (path / "bin" / "jlink").exists() and (path / "jmods").is_dir()]
    if not found:
        cannot_be_here("No JDK with jlink in /usr/lib/jvm: install openjdk-17-jdk-headless or Temurin 25.")

    def version(path: Path) -> list[int]:
        release = (path / "release").read_text(encoding="utf-8")
        text = release.partition('JAVA_VERSION="')[2].partition('"')[0]
        return [int(part) for part in text.split(".") if part.isdigit()]

    return max(found, key=version)


def _java(jdk: Path, target: Path) -> None:
    """A Java runtime without compiler, headers and documents."""
    folder = target.with_suffix(".folder")
    shutil.rmtree(folder, ignore_errors=True)
    more = ("crypto.ec", "jfr", "localedata", "management", "naming.dns", "net", "security.auth", "unsupported", "zipfs")
    modules = ",".join(("java.se", *(f"jdk.{name}" for name in more)))
    command = [
        jdk / "bin" / "jlink",
        "--add-modules",
        modules,
        "--strip-debug",
        "--no-header-files",
        "--no-man-pages",
        "--output",
        folder,
    ]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        authorities = folder / "lib" / "security" / "cacerts"
        authorities.unlink(missing_ok=True)  # a link into the machine's own store in some packages
        shutil.copyfile((jdk / "lib" / "security" / "cacerts").resolve(), authorities)
        with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(folder, "opt/java", filter=_of_root)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _of_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info


def _keycloak_zip(where: Places) -> Path:
    """Keycloak's distribution, from Maven Central."""
    target = where.root / "downloads" / f"keycloak-quarkus-dist-{KEYCLOAK}.zip"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        artifact = f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{KEYCLOAK}:zip"
        copy = ["mvn", "-q", "-B", "dependency:copy", artifact, f"-DoutputDirectory={target.parent}"]
        subprocess.run([*copy, "-Dmdep.useBaseVersion=true"], check=True)
    return target


def _unzipped(archive: Path, target: Path) -> None:
    """The distribution under /opt/keycloak, of user 1000 and group 0 as in the official image."""
    with zipfile.ZipFile(archive) as packed, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for folder in ("opt", "opt/keycloak", "opt/keycloak/data"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755 if folder == "opt" else 0o775
            info.uid = 0 if folder == "opt" else 1000
            tar.addfile(info)
        for entry in packed.infolist():
            name = entry.filename.partition("/")[2].rstrip("/")
            if not name:
                continue
            info = tarfile.TarInfo(f"opt/keycloak/{name}")
            info.uid, info.mode = 1000, 0o775 if entry.is_dir() or name.endswith(".sh") else 0o664
            if entry.is_dir():
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = entry.file_size
                with packed.open(entry) as content:
                    tar.addfile(info, content)

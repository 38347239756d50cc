"""The operator's image: the steps of operator/Dockerfile, on this machine, with the Python of the lab's Debian.

And the base image that the Dockerfile itself begins with, for the test that lets a cluster build it.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from oci import Link, write_layer
from places import TOP, say

from mininode.toolbox import Toolbox

if TYPE_CHECKING:
    from images.recipes import Kitchen, Recipe

NAME = "docker.io/library/mininode-operator:0.1.0"
_VERSION = "3.11"  # of Debian 12
_BASE_PACKAGES = ("ca-certificates", "python3", "python3-venv")


def recipe(kitchen: "Kitchen") -> "Recipe":
    """Base, Python, the locked packages, and our own package above them: only the last changes often."""
    from images.recipes import PYTHON  # noqa: PLC0415 - the recipes import this one

    helm = Toolbox.from_environment(say).get("helm").path
    lock = TOP / "requirements.lock"
    packages = kitchen.layer("operator-packages", f"{lock.read_text()}{helm}", lambda part: _packages(lock, helm, part))
    ours = kitchen.layer("operator", _state(), _ours)
    layers = (kitchen.base(), kitchen.packages("python", PYTHON), packages, ours)
    return layers, {
        "Env": [
            "PATH=/opt/mininode/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "HOME=/tmp", "LANG=C.UTF-8",
        ],
        "User": "10001:10001", "Entrypoint": ["mininode"], "Cmd": ["operator", "run"],
    }  # fmt: skip


def base_name() -> str:
    """As the Dockerfile calls its base image."""
    return re.findall(r"^FROM (\S+)", (TOP / "operator/Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)[0]


def base(kitchen: "Kitchen") -> "Recipe":
    """Debian 13 with its Python 3.13, under the paths of the official image. Its patch release is Debian's."""
    debian = kitchen.whole("trixie", _BASE_PACKAGES, "trixie")
    links = {f"/usr/local/bin/{name}": Link("/usr/bin/python3") for name in ("python", "python3")}
    layers = (debian, kitchen.layer("trixie-python", repr(links), lambda part: write_layer(links, part)))
    return layers, {
        "Env": ["PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
        "Cmd": ["python3"],
    }


def _packages(lock: Path, helm: Path, target: Path) -> None:
    folder = target.with_suffix(".folder")
    try:
        _install(folder, "--require-hashes", "-r", str(lock))
        with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
            _venv(tar)
            tar.add(folder, _site(), filter=_of_root)
            tar.add(helm, "opt/mininode/bin/helm", filter=_of_root)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ours(target: Path) -> None:
    folder = target.with_suffix(".folder")
    try:
        _install(folder, "--no-deps", "--no-build-isolation", str(TOP))
        with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(folder, _site(), filter=_of_root)
            _text(
                tar, "opt/mininode/bin/mininode", "#!/opt/mininode/bin/python\nfrom mininode.cli.main import run\n\nrun()\n", 0o755
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install(folder: Path, *arguments: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--python-version", _VERSION]
    subprocess.run([*command, "--link-mode", "copy", "--target", folder, *arguments], check=True)


def _site() -> str:
    return f"opt/mininode/lib/python{_VERSION}/site-packages"


def _venv(tar: tarfile.TarFile) -> None:
    """What `python3 -m venv /opt/mininode` makes."""
    _text(tar, "opt/mininode/pyvenv.cfg", f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {_VERSION}\n", 0o644)
    link = tarfile.TarInfo("opt/mininode/bin/python")
    link.type, link.linkname = tarfile.SYMTYPE, "/usr/bin/python3"
    tar.addfile(link)


def _text(tar: tarfile.TarFile, name: str, text: str, mode: int) -> None:
    import io  # noqa: PLC0415

    info = tarfile.TarInfo(name)
    info.size, info.mode = len(text), mode
    tar.addfile(info, io.BytesIO(text.encode()))


def _of_root(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return None if "__pycache__" in info.name else info


def _state() -> str:
    """Everything that goes into our wheel, in short."""
    state = hashlib.sha256(Path(__file__).read_bytes())
    for name in ("operator/mininode", "charts", "manifests"):
        for path in sorted((TOP / name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                state.update(f"{path.relative_to(TOP)}\0".encode() + path.read_bytes())
    for name in ("pyproject.toml", "images.lock.yaml", "README.md"):
        state.update((TOP / name).read_bytes())
    return state.hexdigest()

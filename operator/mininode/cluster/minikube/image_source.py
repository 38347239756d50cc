"""What the operator's image is built from: the source, with the packages and the Helm that this computer fetched for it.

They are fetched here and not in the build: this computer's environment says where the proxy, the mirror and the certificate
authority are, and it was made with them. The build itself then asks nobody for anything but its base image.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from mininode.cluster.way import Progress
from mininode.errors import ToolError, Unavailable

_TOP = Path(__file__).parents[4]  # of the source, where this is no installed package
_DOCKERFILE = "operator/Dockerfile"
NEEDED = (
    _DOCKERFILE, "operator/mininode", "charts", "manifests", "requirements.lock", "pyproject.toml", "README.md", "images.lock.yaml",
    "config.example.yaml",
)  # fmt: skip
_LEFT_OUT = ("__pycache__", "_assets")
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # as Windows and macOS call them -> as wheels do
_PLATFORMS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")  # the base image's C library is newer than these
_BASE = re.compile(r"^FROM \S+/python:(\d+)\.(\d+)", re.MULTILINE)
_LAST_ERROR = re.compile(r"^ERROR: (.*)$", re.MULTILINE)


def source_there(top: Path = _TOP) -> bool:
    """Whether there is a source to build from; an installed package has none."""
    return (top / _DOCKERFILE).is_file()


def by_source(image: str, top: Path = _TOP) -> str:
    """The name of the image that this source makes: `mininode-operator:0.1.0-3f2a…`, by what the source is."""
    state = hashlib.sha256()
    for part in NEEDED:
        for path in sorted([top / part, *(top / part).rglob("*")]):
            if path.is_file() and not set(path.parts) & set(_LEFT_OUT):
                state.update(f"{path.relative_to(top)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"{image}-{state.hexdigest()[:12]}"


def lay_out(folder: Path, helm: Path | None, progress: Progress, top: Path = _TOP) -> None:
    """Fill a folder with all that the build takes. Without `helm`, a program for Linux, the build gets its own.

    Raises ToolError when the packages can't be fetched, Unavailable when the time is up.
    """
    for part in NEEDED:
        source, target = top / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        else:
            shutil.copy2(source, target)
    fetched = folder / "fetched"
    _wheels(folder, fetched / "wheels", progress)
    if helm:
        shutil.copy2(helm, fetched / "helm")


def _wheels(folder: Path, target: Path, progress: Progress) -> None:
    """The locked packages for the image's Python and this computer's kind of processor."""
    major, minor = _BASE.findall((folder / _DOCKERFILE).read_text(encoding="utf-8"))[0]
    machine = platform.machine().lower()
    command = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--no-deps", "--require-hashes",
        "--only-binary=:all:", "--implementation=cp", f"--python-version={major}.{minor}",
        *(f"--abi={abi}" for abi in (f"cp{major}{minor}", "abi3", "none")),
        *(f"--platform={one}_{_MACHINES.get(machine, machine)}" for one in _PLATFORMS),
        f"--requirement={folder / 'requirements.lock'}", f"--dest={target}",
    ]  # fmt: skip
    progress.say("fetching the packages of the operator's image")
    try:
        done = subprocess.run(  # noqa: S603 - our own Python
            command, env=dict(os.environ), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=progress.left, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unavailable(
            "The Python packages of the operator's image were not fetched in time.",
            "Run the same command again: what came is kept. Or name an image of your registry: operator.image.",
            reason="NoOperatorImage",
        ) from None
    if done.returncode:
        said = _LAST_ERROR.findall(done.stderr) or (done.stderr or done.stdout).strip().splitlines() or ["no reason was given"]
        raise ToolError(
            f"The Python packages of the operator's image can't be fetched: {said[-1][:300]}",
            "Set HTTPS_PROXY for a proxy, PIP_INDEX_URL for a mirror, PIP_CERT for a certificate authority, and run it again. "
            "Or name an image of your registry: operator.image.",
            reason="NoOperatorImage",
        )

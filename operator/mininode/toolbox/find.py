"""Find a tool that is already on this machine: named by the person, in our cache, or on PATH in a version that fits."""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mininode.errors import ToolError
from mininode.toolbox.lock import ToolPin, parse_version
from mininode.toolbox.model import CannotHave, Origin, Tool

_VERSION_TIMEOUT = 20  # seconds; a version command takes a fraction of one on an idle machine
_NO_RELEASE = re.compile(r"\d+\.\d+\.\d+[-.+\w]*(alpha|beta|rc|dispatcher)", re.IGNORECASE)


def variable(name: str) -> str:
    """The environment variable that names a tool's path: MININODE_TOOL_KUBE_APISERVER."""
    return "MININODE_TOOL_" + name.upper().replace("-", "_")


def version_of(path: Path, pin: ToolPin) -> str:
    """The version as the tool itself tells it, with a `v`. CannotHave when it doesn't run or says none."""
    try:
        file = path.stat()
    except OSError as error:
        raise CannotHave(f"{path} does not run: {error.strerror}") from error
    return _told((str(path), *pin.version_command), (file.st_dev, file.st_ino, file.st_mtime_ns, file.st_size))


@functools.cache
def _told(command: tuple[str, ...], _file: tuple[int, ...]) -> str:
    """Asked once a run as long as the file is the same: a start of such a program costs a tenth of a second."""
    path = command[0]
    try:
        done = subprocess.run(  # noqa: S603 - the path is one that the person or the lock names
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError as error:
        raise CannotHave(f"{path} does not run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise CannotHave(f"{path} did not tell its version within {_VERSION_TIMEOUT} s") from error
    said = done.stdout + done.stderr
    found = re.search(r"\d+\.\d+\.\d+[-+.\w]*", said)
    if done.returncode or not found:
        lines = said.strip().splitlines()
        last = lines[-1] if lines else "no output"
        raise CannotHave(f"{path} does not tell its version (exit code {done.returncode}): {last}")
    return "v" + found.group()


def given(name: str, pin: ToolPin, environment: Mapping[str, str]) -> Tool | None:
    """The tool that an environment variable names. A wrong path there is an error, not a reason to look further."""
    named = environment.get(variable(name), "")
    assets = environment.get("KUBEBUILDER_ASSETS", "")
    if named:
        path, origin = Path(named).expanduser(), variable(name)
        if not path.is_file() or not os.access(path, os.X_OK):
            raise ToolError(f"{origin} is {named}, which is no program that can be run.", f"Correct or unset {origin}.")
    elif assets and os.access(path := Path(assets) / name, os.X_OK):
        origin = "KUBEBUILDER_ASSETS"
    else:
        return None
    try:
        return Tool(name, path.absolute(), version_of(path.absolute(), pin), Origin.GIVEN)
    except CannotHave as error:
        raise ToolError(f"{origin} names {path}, but {error}.", f"Correct or unset {origin}.") from error


def cached(name: str, pin: ToolPin, folder: Path) -> Tool | None:
    """The tool in our cache. It got there by a rename after it was checked, so that being there is enough."""
    path = folder / name
    return Tool(name, path, pin.version, Origin.CACHE) if path.is_file() and os.access(path, os.X_OK) else None


def on_path(name: str, pin: ToolPin, search: str) -> Tool:
    """The tool on PATH, when its version is one that the lock accepts. CannotHave says why it isn't."""
    if (place := shutil.which(name, path=search)) is None:
        raise CannotHave(f"no {name} on PATH")
    path = Path(place).absolute()
    version = version_of(path, pin)
    if _NO_RELEASE.search(version):
        raise CannotHave(f"{path} is {version}, which is no ordinary release")
    if not pin.accept.holds(parse_version(version)):
        raise CannotHave(f"{path} is {version}, needed is {pin.accept}")
    return Tool(name, path, version, Origin.ON_PATH)

"""Programs of others that only tests need, compiled once from a pinned Go module beside the test, into the user's cache."""

import hashlib
import os
from pathlib import Path

import platformdirs

from mininode.toolbox.build import GoBuilder
from mininode.toolbox.lock import WrapperModule
from mininode.toolbox.locking import only_one


def program(module: Path, package: str, version: str) -> Path:
    """The path of a program: `module` is the folder with go.mod and go.sum. Raises CannotHave without Go, ToolError."""
    name = package.rpartition("/")[2]
    content = hashlib.sha256((module / "go.mod").read_bytes() + (module / "go.sum").read_bytes()).hexdigest()[:12]
    folder = platformdirs.user_cache_path("mininode", appauthor=False) / "tests" / f"{name}-{version}-{content}"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    with only_one(folder / ".lock", _say, f"it compiles {name}"):
        if not target.exists():
            builder = GoBuilder(_say, module.parent, os.environ)
            with builder.compiled(name, version, WrapperModule(folder=module.name), package, "-s -w", folder) as part:
                part.replace(target)
    return target


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - compiling takes minutes: a person waits

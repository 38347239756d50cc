"""The lock of tools: what `tools.lock.yaml` says, as checked data."""

import platform as host
import re
import sys
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from mininode.documents import yaml_document
from mininode.errors import ToolError

HOME = Path(__file__).parent  # the lock file and the wrapper modules lie beside this code
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Version = tuple[int, int, int]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Accept(_Strict):
    """The versions that a binary found on PATH may have: `at_least` and later, `below` excluded."""

    at_least: str
    below: str

    def holds(self, version: Version) -> bool:
        """Whether this version is in the range."""
        return parse_version(self.at_least) <= version < parse_version(self.below)

    def __str__(self) -> str:
        return f"{self.at_least} or later, below {self.below}"


class LeaveOut(_Strict):
    """Files of a Go module that are not compiled (a copy of the module is made without them)."""

    module: str
    files: tuple[str, ...]


class WrapperModule(_Strict):
    """A go.mod and go.sum of ours that pin a publisher's module."""

    folder: str
    leave_out: LeaveOut | None = None


class Build(_Strict):
    """How a tool is compiled from its pinned module."""

    module: str
    package: str
    ldflags: str


class Download(_Strict):
    """The publisher's addresses, with placeholders."""

    url: str
    checksum: str
    inside: str = ""  # the tool's path inside the archive; empty: the file is the tool


class Platform(_Strict):
    """What the publisher has for one operating system and machine."""

    sha256: Sha256 | None
    source: str = ""
    url: str = ""  # where it differs from the tool's own address

    @model_validator(mode="after")
    def _a_checksum_has_a_source(self) -> "Platform":
        if self.sha256 and not self.source:
            raise ValueError("a pinned sha256 names the source where it was looked up")
        return self


class Artifact(_Strict):
    """One file to download, every placeholder filled in."""

    url: str
    checksum_url: str
    inside: str
    sha256: Sha256 | None


class ToolPin(_Strict):
    """One tool of the lock."""

    version: str
    accept: Accept
    version_command: tuple[str, ...]
    build: Build | None
    download: Download
    platforms: dict[str, Platform]

    def artifact(self, platform: str) -> Artifact | None:
        """What to download for `linux/amd64` and the like; None where the publisher has nothing."""
        if (there := self.platforms.get(platform)) is None:
            return None
        system, machine = platform.split("/")

        def fill(text: str) -> str:
            return text.format(version=self.version, bare=self.version.removeprefix("v"), os=system, arch=machine)

        return Artifact(
            url=fill(there.url or self.download.url),
            checksum_url=fill(self.download.checksum),
            inside=fill(self.download.inside),
            sha256=there.sha256,
        )


class ToolLock(_Strict):
    """The whole lock file."""

    modules: dict[str, WrapperModule]
    tools: dict[str, ToolPin]

    @classmethod
    def load(cls, path: Path = HOME / "tools.lock.yaml") -> "ToolLock":
        """Read the lock file. It is part of the package, so that a mistake in it is a bug and raises as one."""
        return cls.model_validate(yaml_document(path.read_text(encoding="utf-8")))

    def pin(self, name: str) -> ToolPin:
        """The pin of one tool; ToolError when there is none of that name."""
        if name not in self.tools:
            raise ToolError(f"There is no tool named {name}.", f"The tools are: {', '.join(self.tools)}.")
        return self.tools[name]


def parse_version(text: str) -> Version:
    """The first version number in a text: `Client Version: v1.35.1` is (1, 35, 1). ValueError without one."""
    if not (found := re.search(r"(\d+)\.(\d+)\.(\d+)", text)):
        raise ValueError(f"no version in {text!r}")
    major, minor, patch = found.groups()
    return int(major), int(minor), int(patch)


def this_platform() -> str:
    """Say what machine this is in the publishers' words, `linux/amd64` for example."""
    machine = host.machine().lower()
    return f"{'darwin' if sys.platform == 'darwin' else 'linux'}/{_MACHINES.get(machine, machine)}"

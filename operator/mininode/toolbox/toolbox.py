"""The toolbox: ask it for a tool by name and get one that fits, whatever it takes on this machine."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from mininode.errors import ToolError
from mininode.toolbox import find
from mininode.toolbox.build import GoBuilder
from mininode.toolbox.download import Downloader
from mininode.toolbox.lock import HOME, ToolLock, ToolPin, this_platform
from mininode.toolbox.locking import only_one
from mininode.toolbox.model import CannotHave, Origin, Say, Tool
from mininode.toolbox.recorded import RecordedSums


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Pinned tools, found, downloaded or built. `from_environment` makes one; its fields are for tests and doctor."""

    lock: ToolLock
    cache: Path
    downloader: Downloader
    builder: GoBuilder
    environment: Mapping[str, str]
    platform: str
    say: Say

    @classmethod
    def from_environment(cls, say: Say = lambda _line: None, mirror: str | None = None) -> "Toolbox":
        """The toolbox of this user on this machine. `mirror` goes before the environment's MININODE_MIRROR."""
        environment = dict(os.environ)
        sums = RecordedSums(platformdirs.user_config_path("mininode", appauthor=False) / "tools.lock.yaml", say)
        return cls(
            lock=ToolLock.load(),
            cache=platformdirs.user_cache_path("mininode", appauthor=False) / "tools",
            downloader=Downloader(say, sums, mirror or environment.get("MININODE_MIRROR") or None),
            builder=GoBuilder(say, HOME / "modules", environment),
            environment=environment,
            platform=this_platform(),
            say=say,
        )

    def names(self) -> tuple[str, ...]:
        """Every tool of the lock."""
        return tuple(self.lock.tools)

    def folder(self, name: str) -> Path:
        """Where our own copy of a tool lies."""
        return self.cache / name / self.lock.pin(name).version

    def find(self, name: str) -> Tool | None:
        """The tool when it is on this machine; nothing is downloaded or built. ToolError for a wrong explicit path."""
        return self._look(name, self.lock.pin(name), [])

    def get(self, name: str) -> Tool:
        """The tool, downloaded or built when it must be. ToolError says what was tried and what to do."""
        pin = self.lock.pin(name)
        tried: list[str] = []
        if tool := self._look(name, pin, tried):
            return tool
        folder = self.folder(name)
        with self._alone(name, folder):
            if tool := find.cached(name, pin, folder):  # the process that we waited for has it
                return tool
            target = folder / name
            for origin, way in ((Origin.DOWNLOADED, self._download), (Origin.BUILT, self._build)):
                try:
                    way(name, pin, target)
                except CannotHave as error:
                    tried.append(f"{'download' if origin is Origin.DOWNLOADED else 'build'}: {error}")
                    self.say(f"{name}: {error}")
                else:
                    self.say(f"{name}: {pin.version} is in {target}")
                    return Tool(name, target, pin.version, origin)
        raise self._not_to_be_had(name, pin, tried)

    def _look(self, name: str, pin: ToolPin, tried: list[str]) -> Tool | None:
        if tool := find.given(name, pin, self.environment):
            return tool
        if tool := find.cached(name, pin, self.folder(name)):
            return tool
        tried.append(f"cache: nothing in {self.folder(name)}")
        try:
            return find.on_path(name, pin, self.environment.get("PATH", os.defpath))
        except CannotHave as error:
            tried.append(f"PATH: {error}")
            return None

    @contextmanager
    def _alone(self, name: str, folder: Path) -> Iterator[None]:
        """Hold this tool's folder for ourselves, without what a killed process left in it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with only_one(folder / ".lock", self.say, f"it gets {name}"):
                for left in folder.glob(".part-*"):
                    shutil.rmtree(left, ignore_errors=True)  # only room is lost: such a name is never taken for a tool
                yield
        except OSError as error:
            raise ToolError(
                f"{name} could not be put into {folder}: {error.strerror or error}.",
                "Make room and look who owns the folder, or let XDG_CACHE_HOME name a folder that you may write to.",
            ) from error

    def _download(self, name: str, pin: ToolPin, target: Path) -> None:
        if (artifact := pin.artifact(self.platform)) is None:
            raise CannotHave(f"the publisher has no {name} for {self.platform}")
        self.downloader.fetch(name, artifact, target)

    def _build(self, name: str, pin: ToolPin, target: Path) -> None:
        if pin.build is None:
            raise CannotHave("the lock has no way to build it")
        self.builder.build(name, pin, self.lock.modules[pin.build.module], target)

    def _not_to_be_had(self, name: str, pin: ToolPin, tried: list[str]) -> ToolError:
        artifact = pin.artifact(self.platform)
        by_hand = f"get it on another machine from {artifact.url}" if artifact else "install it"
        go = ""
        if pin.build:
            needed = self.builder.needed(self.lock.modules[pin.build.module])
            go = f" With Go {needed} or later on PATH it is built here."
        return ToolError(
            f"{name} {pin.version} could not be had. Tried: " + "; ".join(tried) + ".",
            "Behind a proxy set HTTPS_PROXY (and SSL_CERT_FILE for a certificate authority of your own), or name a "
            f"mirror with --mirror. Or {by_hand} and let {find.variable(name)} name it.{go}",
            reason="ToolMissing",
        )

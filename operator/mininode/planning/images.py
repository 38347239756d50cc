"""The lock file of images: which image, by exact version, runs under which name. Pure; `mininode images pin` writes it.

With a mirror an image is `<mirror>/<repository without its registry's host>:<tag>@<digest>`: docker.io/library/postgres
becomes registry.hospital.example/eucaim/library/postgres. That is how a copy looks when a person or a tool such as
skopeo copies by repository path, and the digest makes sure that it is the same image.
"""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from mininode.documents import yaml_document
from mininode.errors import MininodeError

# At least two numbers: `17`, `stable` and `latest` name another image every month.
EXACT_TAG = r"^v?[0-9]+(\.[0-9]+)+([-.+_][A-Za-z0-9]+)*$"
# With the registry's host in front, so that nothing depends on a runtime's idea of a default registry.
REPOSITORY = r"^[a-z0-9]+([.-][a-z0-9]+)*\.[a-z0-9]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$"
DIGEST = r"^sha256:[a-f0-9]{64}$"
NAME = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
_ADVICE = "Put the file of this release of mininode back."


class _Entry(BaseModel):
    """One image as the file has it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    repository: str = Field(pattern=REPOSITORY)
    tag: str = Field(pattern=EXACT_TAG)
    digest: str | None = Field(pattern=DIGEST)
    source: str = Field(min_length=1)


class _File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    images: dict[Annotated[str, StringConstraints(pattern=NAME)], _Entry]


_FILE: TypeAdapter[_File] = TypeAdapter(_File)


@dataclass(frozen=True, slots=True)
class LockedImage:
    """One image of the lock file."""

    name: str
    repository: str  # with the registry's host
    tag: str
    digest: str | None  # of the tag's multi-platform index
    source: str  # where tag and digest are from

    @property
    def registry(self) -> str:
        """The registry's host."""
        return self.repository.partition("/")[0]

    @property
    def path(self) -> str:
        """The repository without its registry's host."""
        return self.repository.partition("/")[2]

    def reference(self, mirror: str | None = None) -> str:
        """Return what a pod's `image` says."""
        repository = f"{mirror.rstrip('/')}/{self.path}" if mirror else self.repository
        return f"{repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, slots=True)
class ImageLock:
    """Every image that a node may run, by name."""

    images: Mapping[str, LockedImage]

    @classmethod
    def load(cls, text: str) -> "ImageLock":
        """Read the file's text. Raises MininodeError that names every entry that is wrong."""
        try:
            parsed = _FILE.validate_python(yaml_document(text))
        except yaml.YAMLError as error:
            raise _wrong([str(error)]) from error
        except ValidationError as error:
            raise _wrong([_sentence(one) for one in error.errors()]) from error
        images = {name: LockedImage(name=name, **entry.model_dump()) for name, entry in parsed.images.items()}
        repositories = {image.repository: image.path for image in images.values()}
        if twice := [path for path, count in Counter(repositories.values()).items() if count > 1]:
            raise _wrong([f"two registries have a repository {path}: in a mirror they would be one" for path in twice])
        return cls(images)

    def reference(self, name: str, mirror: str | None = None) -> str:
        """Return what a pod's `image` says for the image called `name`. Raises MininodeError when there is none."""
        if name not in self.images:
            raise MininodeError(f"images.lock.yaml has no image called {name}, only {', '.join(self.images)}", _ADVICE)
        return self.images[name].reference(mirror)


def copy_commands(lock: ImageLock, mirror: str, bundle: str | None = None) -> str:
    """A shell script for skopeo that copies every image to the mirror, at once or by way of a folder.

    All platforms are copied and digests kept: what runs is by digest the same image. skopeo takes a tag or a digest, never both.
    """
    fetch, push = [], []
    for one in lock.images.values():
        source = f"docker://{one.repository}@{one.digest}" if one.digest else f"docker://{one.repository}:{one.tag}"
        target = f"docker://{mirror.rstrip('/')}/{one.path}:{one.tag}"
        if bundle is None:
            push.append(_copy(source, target))
        else:
            folder = f"dir:{bundle}/{one.name}"
            fetch.append(_copy(source, folder))
            push.append(_copy(folder, target))
    if bundle is None:
        return "\n".join(["#!/bin/sh", "set -eu", *push]) + "\n"
    script = ["#!/bin/sh", "# Where there is Internet: sh THIS fetch. Where there is none: sh THIS push.", "set -eu"]
    script += ["case ${1:-} in", "fetch)", f"mkdir -p {shlex.quote(bundle)}", *fetch, ";;", "push)", *push, ";;"]
    script += ['*) echo "say fetch or push" >&2; exit 2;;', "esac"]
    return "\n".join(script) + "\n"


def _copy(source: str, target: str) -> str:
    return f"skopeo copy --all --preserve-digests {shlex.quote(source)} {shlex.quote(target)}"


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "string_pattern_mismatch":
        wanted = {
            "tag": "is no exact version such as 17.11",
            "repository": "needs the registry's host, as in docker.io/library/postgres",
            "digest": "is not sha256: and 64 hexadecimal digits",
        }
        return f"{where}: {error['input']!r} {wanted.get(str(error['loc'][-1]), 'has a character that is not allowed')}"
    return f"{where}: {error['msg']}"


def _wrong(problems: list[str]) -> MininodeError:
    return MininodeError("\n".join(["images.lock.yaml is wrong:", *problems]), _ADVICE, reason="ImageLock")

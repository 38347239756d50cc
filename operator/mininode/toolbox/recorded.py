"""Checksums that were taken from a publisher once and must stay what they were: the user's own lock of tools."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mininode.documents import yaml_document
from mininode.errors import ToolError
from mininode.toolbox.locking import only_one

_HEAD = "# Written by mininode: checksums taken from the publishers on first use. A later different value is refused.\n"
_ANEW = "Correct it, or delete it to have it written anew."


@dataclass(frozen=True, slots=True)
class RecordedSums:
    """The file `tools.lock.yaml` in the user's configuration folder: address of a file -> its SHA-256."""

    path: Path
    say: Callable[[str], None]

    def get(self, url: str) -> str | None:
        """The checksum recorded for this publisher's address."""
        entry = self._read().get(url)
        return str(entry["sha256"]) if entry else None

    def keep(self, url: str, sha256: str, source: str) -> None:
        """Record a checksum; ToolError when another one is there already."""
        with only_one(self.path.with_name(self.path.name + ".lock"), self.say, "the user's lock of tools"):
            sums = self._read()
            if (there := sums.get(url)) and there["sha256"] != sha256:
                raise ToolError(
                    f"{source} now says {sha256} for {url}, but {self.path} recorded {there['sha256']} earlier: the "
                    "publisher's file was changed, or somebody stands between.",
                    "Find out why before you go on. Only if the change is known to be right, "
                    f"delete that entry in {self.path}.",
                    reason="ChecksumChanged",
                )
            if not there:
                sums[url] = {"sha256": sha256, "source": source}
                self._write(sums)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            content: Any = yaml_document(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ToolError(f"{self.path} cannot be read: {error}", _ANEW) from error
        sums = content.get("files", {}) if isinstance(content, dict) else None
        if not isinstance(sums, dict) or not all(_is_entry(entry) for entry in sums.values()):
            raise ToolError(f"{self.path} is not a lock of tools.", _ANEW)
        return sums

    def _write(self, sums: dict[str, dict[str, str]]) -> None:
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".tools.lock-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_HEAD + yaml.safe_dump({"files": sums}, sort_keys=True))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("sha256"), str)

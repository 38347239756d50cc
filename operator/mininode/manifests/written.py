"""Putting a tree on a disk: only what differs is written, and nothing that is somebody else's is touched.

A record in the folder, `.mininode-export.json`, holds the checksum of each file as it was written. A file that is not in it, or is
not as it says, was made or changed by a person: it stays, and the export stops before its first change.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mininode.errors import ConfigError, MininodeError, Mistake

RECORD = ".mininode-export.json"
_NOTE = "Made by `mininode export`. Keep it with the other files: it tells which are its own."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, by path."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


def write_tree(folder: Path, tree: Mapping[str, str]) -> Outcome:
    """Make `folder` hold the tree. Raises ConfigError naming every file in the way, before anything was changed."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError([Mistake("DIR", f"{folder} is a file", "Name a folder")])
    known = _known(folder)
    gone = [path for path in known if path not in tree and _there(folder / path)]
    if foreign := [path for path in (*tree, *gone) if not _ours(folder, path, tree.get(path), known.get(path, []))]:
        raise ConfigError(
            [Mistake("DIR", f"{folder / path} was made or changed by hand") for path in foreign],
            "Nothing was written. Move these files away, or export into another folder; what you want different belongs into "
            "the configuration or into files of your own.",
        )
    different = [path for path, text in tree.items() if _text(folder / path) != text]
    try:
        _write(folder, tree, known, different, gone)
    except OSError as error:
        raise MininodeError(
            f"{error.filename or folder} can't be written: {error.strerror or error}", "Check the folder's rights and the disk."
        ) from error
    return Outcome(tuple(different), tuple(gone), tuple(path for path in tree if path not in different))


def _write(
    folder: Path, tree: Mapping[str, str], known: Mapping[str, list[str]], different: list[str], gone: list[str]
) -> None:
    sums = {path: [_sum(text)] for path, text in tree.items()}
    if different or gone:
        # Both the old and the new sum: after a kill in the middle every file is still known as ours.
        both = {path: [*known.get(path, []), *sums.get(path, [])] for path in (*known, *sums)}
        _put(folder / RECORD, _record(both))
    for path in different:
        _put(folder / path, tree[path])
    for path in gone:
        (folder / path).unlink()
        _drop_empty((folder / path).parent, folder)
    if _text(folder / RECORD) != _record(sums):
        _put(folder / RECORD, _record(sums))


def _ours(folder: Path, path: str, text: str | None, sums: list[str]) -> bool:
    """Whether this file may be written: it is not there, says this already, or is as we wrote it. Links lead elsewhere."""
    place = folder / path
    above = [folder.joinpath(*Path(path).parts[:depth]) for depth in range(1, len(Path(path).parts))]
    if place.is_symlink() or any(one.is_symlink() or (one.exists() and not one.is_dir()) for one in above):
        return False
    if not _there(place):
        return True
    found = _text(place)
    return found is not None and (found == text or _sum(found) in sums)


def _there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _known(folder: Path) -> dict[str, list[str]]:
    text = _text(folder / RECORD)
    if text is None:
        return {}
    try:
        files = json.loads(text)["files"]
        known = {str(path): [str(one) for one in sums] for path, sums in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            [Mistake("DIR", f"{folder / RECORD} is damaged, so it is not known which files are ours")],
            "Restore it from Git, or export into another folder.",
        ) from None
    if any(Path(path).is_absolute() or ".." in Path(path).parts for path in known):
        raise ConfigError([Mistake("DIR", f"{folder / RECORD} names files outside of the folder")], "Restore it from Git.")
    return known


def _record(sums: Mapping[str, list[str]]) -> str:
    return json.dumps({"note": _NOTE, "files": {path: sums[path] for path in sorted(sums)}}, indent=1) + "\n"


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, "utf-8")
    os.replace(new, path)  # noqa: PTH105 - Path.replace is the same; os.replace says that it is atomic


def _drop_empty(folder: Path, top: Path) -> None:
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent

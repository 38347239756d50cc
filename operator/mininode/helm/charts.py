"""The charts in the tree: where they lie, their versions, and what digest each has."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mininode.assets import asset
from mininode.documents import yaml_document


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as it is in this installation."""

    path: Path
    version: str
    digest: str


def chart(name: str, folder: Path | None = None) -> Chart:
    """A component's chart; from another folder than our own if wished, as the benchmarks do."""
    path = chart_path(name, folder)
    about = yaml_document((path / "Chart.yaml").read_text())
    return Chart(path, str(about["version"]), chart_digest(name, folder))


def chart_path(name: str, folder: Path | None = None) -> Path:
    """Folder of a component's chart."""
    return (folder or asset("charts")) / name


def chart_digest(name: str, folder: Path | None = None) -> str:
    """SHA-256 over names and contents of all files of a chart, links followed; the same wherever the chart was copied to."""
    root = chart_path(name, folder)
    state = hashlib.sha256()
    for file, path in sorted(_files(root)):
        content = path.read_bytes()
        state.update(f"{file}\0{len(content)}\0".encode())
        state.update(content)
    return state.hexdigest()


def _files(folder: Path, prefix: str = "") -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for path in folder.iterdir():
        if path.is_dir():  # follows links: Path.rglob does not on Python 3.11
            found += _files(path, f"{prefix}{path.name}/")
        else:
            found.append((prefix + path.name, path))
    return found

"""Reading the configuration file: what can go wrong before its first character is looked at."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mininode.errors import ConfigError, Mistake

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

DEFAULT = Path("config.yaml")


def read_bytes(path: Path) -> bytes:
    """The file's content, at most a little more than is allowed. Raises ConfigError when there is none to be had."""
    from mininode.api.text import MAX_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # a device or a pipe may have no end
    except FileNotFoundError:
        problem = f"there is no file {path}"
        advice = "Copy config.example.yaml to config.yaml and set node.domain, or name your file with --config"
    except IsADirectoryError:
        problem, advice = f"{path} is a directory", "Name the file inside it"
    except PermissionError:
        problem, advice = (
            f"{path} may not be read by you",
            "Run as the user it belongs to, or give yourself the right to read it",
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        problem, advice = (
            f"{path} can't be read: {getattr(error, 'strerror', None) or error}",
            "Check the disk, or name another file",
        )
    raise ConfigError([Mistake(where="", problem=problem, advice=advice)])


def read_config(path: Path) -> "SiteConfig":
    """The configuration in a file, checked against the model, the components and their charts.

    Raises ConfigError with every mistake and its place.
    """
    from mininode.api.config import parse_config
    from mininode.cli.planned import check_plan
    from mininode.components.registry import all_components

    content = read_bytes(path)
    site = parse_config(content, str(path), all_components())
    try:
        check_plan(site)
    except ConfigError as error:
        raise ConfigError(_placed(error.mistakes, content, str(path))) from None
    return site


def _placed(mistakes: tuple[Mistake, ...], content: bytes, source: str) -> list[Mistake]:
    """Mistakes about fields of the node's spec, with where those stand in the file."""
    from mininode.api.source import read
    from mininode.api.text import decode

    document = read(decode(content, source), source)
    found = []
    for mistake in mistakes:
        place = document.place(("node", *mistake.where.split(".")), key=True)
        found.append(replace(mistake, where=f"node.{mistake.where}", source=source, line=place.line, column=place.column))
    return found

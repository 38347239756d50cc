"""What the toolbox hands out: a tool, and where it was had from."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Say = Callable[[str], None]


class Origin(enum.StrEnum):
    """Where a tool was had from, in the order in which the places are tried."""

    GIVEN = "given"  # an environment variable names it
    CACHE = "cache"  # ours, downloaded or built earlier
    ON_PATH = "path"
    DOWNLOADED = "downloaded"
    BUILT = "built"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that is there and of a version that fits."""

    name: str
    path: Path
    version: str
    origin: Origin


class CannotHave(Exception):
    """One way to a tool is not open here; the next one may be. Never leaves the toolbox."""

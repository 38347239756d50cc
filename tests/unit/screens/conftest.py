"""Screens as people see them, kept as text: `make golden` writes them anew, and the difference is reviewed."""

from collections.abc import Callable
from pathlib import Path

import pytest

Golden = Callable[[str, str], None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares a screen with its file in golden/, or writes it there with --update-golden."""

    def check(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        # The option is that of tests/charts: pytest knows it only where that folder is named, too (make golden).
        if request.config.getoption("--update-golden", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {name}: run `make golden` and read what it wrote"
        assert text == path.read_text(encoding="utf-8"), "the screen is another; `make golden` if that is meant"

    return check

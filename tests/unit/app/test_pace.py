"""How often is tried, as the environment says it."""

import inspect
from dataclasses import fields

import pytest

import mininode.app.settings as module
from mininode.app.settings import Settings
from mininode.engine.pace import USUAL, Pace


def test_nothing_said_is_the_usual_pace() -> None:
    assert Settings.from_environment({}).pace == USUAL


@pytest.mark.parametrize("name", [one.name for one in fields(Pace)])
def test_every_figure_has_a_variable_that_is_documented(name: str) -> None:
    variable = f"MININODE_{name.upper()}"
    pace = Settings.from_environment({variable: "7"}).pace
    assert getattr(pace, name) == 7
    assert type(getattr(pace, name)) is type(getattr(USUAL, name))
    assert [one.name for one in fields(Pace) if getattr(pace, one.name) != getattr(USUAL, one.name)] == [name]
    assert variable in inspect.getsource(module)


def test_a_figure_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="often"):
        Settings.from_environment({"MININODE_RETRY_LIMIT": "often"})

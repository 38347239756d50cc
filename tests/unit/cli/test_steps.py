"""The steps of an install: order, record, log, time-out, and what the next run says of the last."""

import json
from pathlib import Path

import pytest

from mininode.cli.steps import Step, last_run, run_steps
from mininode.cluster.way import Progress
from mininode.errors import Exit, NotThereYet, Unavailable


def step(name: str, run: object = None, seconds: float = 5) -> Step:
    return Step(name, f"do {name}", seconds, run or (lambda _progress: ""))  # type: ignore[arg-type]


def failing(progress: Progress) -> str:
    progress.say("looked at it")
    raise Unavailable("It is not there.", "Get it.")


def stopped(_progress: Progress) -> str:
    raise KeyboardInterrupt


def late(_progress: Progress) -> str:
    raise TimeoutError


def faulty(_progress: Progress) -> str:
    raise ZeroDivisionError


def test_they_run_in_order_and_say_so(tmp_path: Path) -> None:
    said: list[str] = []
    run_steps([step("one"), step("two", lambda _progress: "came of it")], tmp_path, said.append)
    assert [line for line in said if "/2 " in line] == ["1/2 one: do one", "2/2 two: do two"]
    assert "  ✓ came of it" in said
    assert last_run(tmp_path).outcome == "done"  # type: ignore[union-attr]


def test_an_error_names_the_log_which_has_it_and_what_was_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        run_steps([step("one", failing), step("two")], tmp_path, lambda _line: None)
    log = tmp_path / "one.log"
    assert caught.value.advice == f"Get it. The log of the step one: {log}"
    assert "looked at it" in log.read_text()
    assert "It is not there." in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "two.log").exists()


@pytest.mark.parametrize(
    ("run", "error", "word"),
    [(failing, Unavailable, "failed"), (stopped, KeyboardInterrupt, "stopped"), (faulty, ZeroDivisionError, "failed")],
)
def test_the_next_run_knows_how_the_last_ended(tmp_path: Path, run: object, error: type[BaseException], word: str) -> None:
    with pytest.raises(error):
        run_steps([step("one"), step("two", run)], tmp_path, lambda _line: None)
    said: list[str] = []
    run_steps([step("one"), step("two")], tmp_path, said.append)
    assert f"{word} at the step two: going on from there" in said[0]
    run_steps([step("one")], tmp_path, said.clear() or said.append)
    assert "last run" not in said[0]


def test_a_killed_run_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "last.json").write_text(json.dumps({"step": "cluster", "outcome": "running", "at": "then"}))
    said: list[str] = []
    run_steps([step("one")], tmp_path, said.append)
    assert "was killed at the step cluster" in said[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"step": 1, "other": 2}'])
def test_a_damaged_record_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "last.json").write_text(text)
    assert last_run(tmp_path) is None
    run_steps([step("one")], tmp_path, lambda _line: None)


def test_a_step_that_takes_too_long_ends_with_advice(tmp_path: Path) -> None:
    with pytest.raises(NotThereYet, match="was not done within 5 s") as caught:
        run_steps([step("one", late)], tmp_path, lambda _line: None)
    assert str(tmp_path / "one.log") in caught.value.advice
    assert caught.value.exit_code == Exit.NOT_THERE_YET


def test_time_is_counted_down() -> None:
    assert 0 < Progress.within(100, lambda _line: None).left <= 100
    assert Progress(lambda _line: None, 0.0).left == 0.1

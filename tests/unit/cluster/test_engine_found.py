"""The container engine of this computer, by what docker says."""

from pathlib import Path

import pytest

from mininode.cluster.engine import ADVICE, EngineState, find_engine, judge

DENIED = "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock"
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


@pytest.mark.parametrize(
    ("code", "said", "complained", "state"),
    [
        (0, "29.0.1\n", "", EngineState.USABLE),
        (1, "\n", DENIED, EngineState.FORBIDDEN),
        (1, "", DOWN, EngineState.NOT_RUNNING),
        (0, "", "", EngineState.NOT_RUNNING),
        (1, "", "", EngineState.NOT_RUNNING),
    ],
)
def test_its_answer_is_judged(code: int, said: str, complained: str, state: EngineState) -> None:
    engine = judge(code, said, complained)
    assert engine.state is state
    assert engine.usable is (state is EngineState.USABLE)
    assert engine.detail


def test_none_on_path_is_absent(tmp_path: Path) -> None:
    assert find_engine({"PATH": str(tmp_path)}).state is EngineState.ABSENT


def test_every_state_that_stops_has_advice() -> None:
    assert all(ADVICE[state] for state in EngineState if state is not EngineState.USABLE)

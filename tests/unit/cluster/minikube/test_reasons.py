"""minikube's streams replayed: every reason becomes advice of ours, and its own is never passed on."""

import json
from typing import Any

import pytest

from mininode.cluster.minikube.events import Failure, told
from mininode.cluster.minikube.reasons import REASONS, Auto, reason_of

IDS = [name for reason in REASONS for name in reason.ids]
PREFIX = "io.k8s.sigs.minikube."


def line(kind: str, **data: Any) -> str:
    return json.dumps({"specversion": "1.0", "type": PREFIX + kind, "data": {key: str(value) for key, value in data.items()}})


def stream(name: str, code: int, message: str = "it went wrong") -> list[str]:
    """A start that fails, as minikube tells it, with lines in between that are no events."""
    return [
        line("step", currentstep=0, totalsteps=19, name="Initial Minikube Setup", message="minikube v1.38.1"),
        "E1125 08:09:03.727247   11351 docker.go:243] Failed to disable",
        line("download", artifact="preload"),
        line("download.progress", artifact="preload", progress="0.1"),
        line("step", currentstep="", totalsteps=19, name="Creating Container", message="Creating docker container ..."),
        line("error", message="a message, not the end"),
        line("error", message=message, name=name, exitcode=code, advice="minikube delete --all --purge", url="", issues=""),
    ]


@pytest.mark.parametrize("name", IDS)
def test_every_reason_becomes_advice(name: str) -> None:
    failure = told(stream(name, 80)).failure
    assert failure == Failure(name, 80, "it went wrong")
    reason = reason_of(failure)
    assert reason.problem
    assert reason.advice
    assert "delete" not in reason.advice
    assert "purge" not in reason.advice


def test_no_reason_is_there_twice() -> None:
    assert len(IDS) == len(set(IDS))


@pytest.mark.parametrize(
    "name", ["K8S_APISERVER_MISSING", "K8S_APISERVER_TIMEOUT", "K8S_UNHEALTHY_CONTROL_PLANE", "K8S_INSTALL_FAILED"]
)
def test_what_could_end_in_a_reset_is_never_tried_again(name: str) -> None:
    assert reason_of(Failure(name, 105)).auto is Auto.NOTHING


def test_an_unknown_reason_is_shown_with_its_code_and_one_line() -> None:
    reason = reason_of(Failure("SOMETHING_NEW", 99, "first line\nsecond line"))
    assert "SOMETHING_NEW" in reason.problem
    assert "99" in reason.problem
    assert "first line" in reason.problem
    assert "second line" not in reason.problem


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("Bind for 0.0.0.0:80 failed: port is already allocated", "port is in use"),
        ("write /var: no space left on device", "disk is full"),
    ],
)
def test_words_of_docker_inside_a_general_reason_are_heard(message: str, says: str) -> None:
    assert says in reason_of(Failure("GUEST_PROVISION", 80, message)).problem


def test_a_stream_is_told_as_phases_each_once() -> None:
    said: list[str] = []
    from mininode.cluster.minikube.events import Story  # noqa: PLC0415

    story = Story(said.append)
    for one in [*stream("GUEST_START", 80), *stream("GUEST_START", 80)[1:4]]:
        story.hear(one)
    assert said == ["minikube v1.38.1", "downloading preload", "Creating docker container ..."]
    assert story.warnings == ["a message, not the end"]


NO_EVENTS = ("", "null", "[]", "{", "7", '{"type": 1}', '{"type": "io.k8s.sigs.minikube.step", "data": []}', "\x00")


@pytest.mark.parametrize("text", NO_EVENTS)
def test_lines_that_are_no_events_do_no_harm(text: str) -> None:
    assert told([text]).failure is None

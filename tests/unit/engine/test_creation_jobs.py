"""Which of the dataset service's Jobs are made again, and as what."""

from typing import Any

import kubernetes_validate
import pytest

from mininode.engine.creation_jobs import admitted, refused


def job(**more: Any) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "containers": [{"name": "one", "image": "registry.example/one:1.0", "args": ["x"]}],
    }
    labels = {"job-name": "crea-dataset-1", "batch.kubernetes.io/controller-uid": "u", "kept": "yes"}
    return {
        "metadata": {"name": "crea-dataset-1", "namespace": "eucaim", "uid": "u", "resourceVersion": "7"},
        "spec": {
            "backoffLimit": 0,
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    } | more


@pytest.mark.parametrize(
    ("change", "yes"),
    [
        ({}, True),
        ({"status": {"failed": 1}}, False),
        ({"status": {"active": 1}}, False),
        ({"metadata": {"name": "other", "namespace": "eucaim", "uid": "u"}}, False),
        ({"metadata": {"name": "crea-dataset-1", "namespace": "eucaim", "uid": "u", "deletionTimestamp": "now"}}, False),
    ],
)
def test_only_one_that_no_pod_came_of(change: dict[str, Any], yes: bool) -> None:
    assert refused(job(**change)) is yes


def test_what_was_made_again_is_not_made_again() -> None:
    assert not refused(admitted(job()))


def test_it_is_a_job_that_can_be_created_and_says_the_same() -> None:
    before = job()
    made = admitted(before)
    kubernetes_validate.validate(made, "1.35", strict=True)
    assert "selector" not in made["spec"]
    assert made["spec"]["template"]["metadata"]["labels"].keys() == {
        "kept", "app.kubernetes.io/name", "app.kubernetes.io/component"
    }  # fmt: skip
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["args"]) == ("registry.example/one:1.0", ["x"])
    assert before == job(), "what was seen is not changed"

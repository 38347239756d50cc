"""KWOK's stages are well-formed, no two want the same pod at once, and the names people use are those in the stages."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mininode.cluster.control_plane import NODE
from mininode.cluster.simulation import BEHAVE, READY_AFTER, RUN_FOR, SIMULATED, THEN, objects, stages, write_stages


def selector(stage: dict[str, Any]) -> str:
    return yaml.safe_dump(stage["spec"].get("selector")) + yaml.safe_dump(stage["spec"].get("delay"))


def by_name() -> dict[str, dict[str, Any]]:
    return {stage["metadata"]["name"]: stage for stage in stages(500)}


def test_every_stage_selects_something_and_does_something() -> None:
    found = stages(500)

    assert len(by_name()) == len(found)  # no name twice
    for stage in found:
        assert (stage["apiVersion"], stage["kind"]) == ("kwok.x-k8s.io/v1alpha1", "Stage")
        assert stage["spec"]["selector"]["matchExpressions"]
        assert stage["spec"]["steps"]
        # KWOK ignores an expression with an unknown operator only at run time.
        operators = {expression["jq"]["operator"] for expression in stage["spec"]["selector"]["matchExpressions"]}
        assert operators <= {"In", "NotIn", "Exists", "DoesNotExist"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pod-ready", [BEHAVE, READY_AFTER]),
        ("pod-complete", [BEHAVE, RUN_FOR]),
        ("pod-crash", [BEHAVE, "crash"]),
        ("pod-unready", [BEHAVE, "unready"]),
        ("pod-run-for-unready", [RUN_FOR, THEN, "unready"]),
        ("pod-run-for-crash", [RUN_FOR, THEN, "crash"]),
    ],
)
def test_stages_listen_to_the_documented_names(name: str, words: list[str]) -> None:
    text = selector(by_name()[name])

    assert [word for word in words if word not in text] == []


def test_the_delay_until_ready_can_be_set(tmp_path: Path) -> None:
    write_stages(tmp_path / "kwok.yaml", 1234)

    written = list(yaml.safe_load_all((tmp_path / "kwok.yaml").read_text()))
    delays = {one["metadata"]["name"]: one["spec"].get("delay", {}).get("durationMilliseconds") for one in written}
    assert delays["pod-ready"] == 1234
    assert delays["pod-start"] != 1234


def test_there_is_one_simulated_node_and_one_default_class_that_retains() -> None:
    nodes = [item for item in objects() if item["kind"] == "Node"]
    classes = [item for item in objects() if item["kind"] == "StorageClass"]

    assert [node["metadata"]["name"] for node in nodes] == [NODE]
    assert nodes[0]["metadata"]["labels"][SIMULATED] == "true"
    assert nodes[0]["metadata"]["annotations"]["kwok.x-k8s.io/node"] == "fake"
    assert [one["reclaimPolicy"] for one in classes] == ["Retain"]
    assert classes[0]["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"


def test_kwok_may_do_nothing_with_secrets() -> None:
    rules = [rule for item in objects() if item["kind"] == "ClusterRole" for rule in item["rules"]]

    assert rules
    assert not any({"secrets", "*"} & {*rule["resources"], *rule["verbs"]} for rule in rules)

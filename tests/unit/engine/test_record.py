"""Records and facts: what the operator writes down is read back from metadata alone."""

import json
from typing import Any

import pytest

from mininode.api.spec import NodeSpec
from mininode.components.base import NOTHING_SEEN, Facts, Node
from mininode.engine.record import FACTS_ANNOTATION, facts_in, facts_name, joined, write_facts, write_record
from mininode.planning.release import ReleaseStatus, newest

NODE = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"))


class Kept:
    """A Kubernetes API that keeps what is applied."""

    def __init__(self) -> None:
        self.bodies: dict[str, Any] = {}

    async def apply(self, _resource: Any, body: Any, namespace: str, *, manager: str, force: bool) -> Any:
        assert (namespace, manager, force) == ("eucaim", "mininode-operator", True)
        self.bodies[body["metadata"]["name"]] = body
        return {**body, "metadata": {**body["metadata"], "resourceVersion": "7"}}

    def listed(self) -> list[Any]:
        return [{"metadata": body["metadata"]} for body in self.bodies.values()]


@pytest.fixture
def kube() -> Any:
    return Kept()


async def test_a_record_reads_as_a_release(kube: Any) -> None:
    await write_record(kube, NODE, "identity", "v1-abc", 3)
    release = newest(kube.listed())["identity"]
    assert (release.revision, release.status, release.node, release.digest) == (3, ReleaseStatus.DEPLOYED, "demo", "v1-abc")


async def test_a_record_and_facts_hold_no_data(kube: Any) -> None:
    await write_record(kube, NODE, "identity", "v1-abc", 1)
    await write_facts(kube, NODE, Facts(signing_key_id="one"), "uid")
    assert [body for body in kube.bodies.values() if "data" in body or "stringData" in body] == []


async def test_facts_are_read_back_and_are_no_release(kube: Any) -> None:
    facts = Facts(signing_key_id="one", door_ip="10.0.0.7")
    assert await write_facts(kube, NODE, facts, "uid") == "7"
    assert facts_in(kube.listed(), "demo") == facts
    assert facts_in(kube.listed(), "other") == NOTHING_SEEN
    assert newest(kube.listed()) == {}


async def test_facts_go_with_the_node_s_resource(kube: Any) -> None:
    await write_facts(kube, NODE, Facts(signing_key_id="one"), "the-uid")
    (owner,) = kube.bodies[facts_name("demo")]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("EucaimNode", "the-uid")


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"of": "a later version"}', "null"])
def test_facts_that_can_t_be_read_are_not_seen_yet(text: str) -> None:
    secret = {"metadata": {"name": facts_name("demo"), "annotations": {FACTS_ANNOTATION: text}}}
    assert facts_in([secret], "demo") == NOTHING_SEEN


def test_what_an_older_version_wrote_beside_is_left_out() -> None:
    text = json.dumps({"signing_key_id": "one", "moon": "full"})
    secret = {"metadata": {"name": facts_name("demo"), "annotations": {FACTS_ANNOTATION: text}}}
    assert facts_in([secret], "demo") == Facts(signing_key_id="one")


def test_facts_that_somebody_deleted_are_remembered() -> None:
    assert joined(NOTHING_SEEN, Facts(signing_key_id="one")) == Facts(signing_key_id="one")
    assert joined(Facts(signing_key_id="two"), Facts(signing_key_id="one", door_ip="10.0.0.7")) == Facts("two", "10.0.0.7")

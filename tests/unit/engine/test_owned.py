"""Telling a change by hand from Helm's and our own, by who owns which field."""

import asyncio
import copy
from typing import Any

import pytest

from mininode.api import COMPONENT_LABEL, DRIFT_ANNOTATION
from mininode.engine.owned import Owned, by_hand
from mininode.kube.reflector import Reflector
from mininode.kube.resources import DEPLOYMENTS


def entry(manager: str, fields: dict[str, Any], time: str = "2026-01-01T00:00:00Z", subresource: str = "") -> dict[str, Any]:
    found = {"manager": manager, "operation": "Apply", "time": time, "fieldsV1": fields}
    return found | ({"subresource": subresource} if subresource else {})


REPLICAS, IMAGE = {"f:replicas": {}}, {"f:image": {}}


def item(*entries: dict[str, Any], version: str = "1", annotations: dict[str, str] | None = None) -> dict[str, Any]:
    meta = {
        "name": "web", "resourceVersion": version, "labels": {COMPONENT_LABEL: "guacamole"}, "managedFields": list(entries)
    }  # fmt: skip
    return {"metadata": meta | ({"annotations": annotations} if annotations else {})}


OURS = item(entry("helm", REPLICAS | IMAGE))
IGNORED = {DRIFT_ANNOTATION: "ignore"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(OURS, None, True, id="deleted"),
        pytest.param(OURS, item(entry("helm", IMAGE), entry("kubectl", REPLICAS, subresource="scale")), True, id="scaled"),
        pytest.param(OURS, item(entry("kubectl", REPLICAS)), True, id="replaced as a whole"),
        pytest.param(OURS, item(entry("helm", IMAGE, "2026-01-01T00:00:05Z")), False, id="Helm gave it up itself"),
        pytest.param(OURS, item(entry("helm", REPLICAS | IMAGE), entry("kubectl", {"f:x": {}})), False, id="a field added"),
        pytest.param(
            OURS, item(entry("helm", REPLICAS | IMAGE), entry("kcm", {"f:status": {}}, subresource="status")), False, id="status"
        ),
        pytest.param(None, OURS, False, id="new"),
        pytest.param(item(entry("kubectl", REPLICAS)), None, False, id="never ours"),
        pytest.param(item(entry("helm", IMAGE), annotations=IGNORED), None, False, id="exempt and deleted"),
        pytest.param(OURS, item(entry("helm", IMAGE), annotations=IGNORED), False, id="exempt from now on"),
        pytest.param(item(entry("mininode", IMAGE)), None, True, id="a password of ours deleted"),
        pytest.param(item(entry("mininode-operator", IMAGE)), item(entry("kubectl", IMAGE)), True, id="a computed Secret changed"),
        pytest.param(item(entry("helm", IMAGE, subresource="status")), None, False, id="only a status was Helm's"),
    ],
)
def test_what_counts_as_a_change_by_hand(before: Any, after: Any, expected: bool) -> None:
    assert by_hand(before, after) is expected


class Told:
    def __init__(self, *, left: Any = None, synced: bool = True) -> None:
        self.stirred: list[str] = []
        self.drifted: list[str] = []
        self.owned = Owned(None, "demo", "eucaim", self.stirred.append, self.drifted.append, left or {})  # type: ignore[arg-type]
        self.kind = Reflector(None, "Deployment", DEPLOYMENTS, "eucaim", "", self.owned._changed)  # type: ignore[arg-type] # noqa: SLF001
        if synced:
            self.kind.synced.set()

    def change(self, before: Any, after: Any) -> None:
        self.kind.changed(self.kind, before, after)


SCALED = item(entry("helm", IMAGE), version="2")


async def test_a_change_by_hand_names_the_object_and_wakes_the_component() -> None:
    told = Told()
    told.change(OURS, SCALED)
    assert told.drifted == ["guacamole"]
    assert told.stirred == ["guacamole"]
    assert told.owned.suspects == {"guacamole": {("Deployment", "web")}}


async def test_what_the_first_list_brings_is_no_change() -> None:
    told = Told(synced=False)
    told.change(OURS, SCALED)
    assert told.drifted == []


async def test_what_was_left_so_is_looked_at_when_people_put_it_right() -> None:
    told = Told(left={"guacamole": {("Deployment", "web"): "was changed"}})
    told.change(SCALED, item(entry("helm", IMAGE), entry("kubectl", REPLICAS)))
    assert told.drifted == ["guacamole"]
    other = Told(left={"guacamole": {("Service", "web"): "was changed"}})
    other.change(SCALED, item(entry("helm", IMAGE), entry("kubectl", REPLICAS)))
    assert other.drifted == []


async def test_what_carries_no_component_is_nobodys() -> None:
    told, nameless = Told(), copy.deepcopy(OURS)
    del nameless["metadata"]["labels"]
    told.change(nameless, None)
    await asyncio.sleep(0)
    assert (told.drifted, told.stirred) == ([], [])

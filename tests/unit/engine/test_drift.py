"""Putting right what was changed: which objects are touched, and what counts as a change."""

import base64
import copy
import gzip
import json
from typing import Any

import pytest
import yaml

from mininode.engine.drift import correct
from mininode.engine.leftover import remove_leftovers
from mininode.engine.stored import manifest
from mininode.errors import KubeError
from mininode.kube.resources import BY_KIND, SECRETS, Resource

SERVICE = {
    "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {"a": "b"}}, "spec": {"type": "ClusterIP"}
}  # fmt: skip
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "texts"}, "data": {"x": "1"}}


class Cluster:
    """Objects by kind and name; an apply overlays what is given, as the API server does it for the fields of one manager."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], Any] = {}
        self.applied: list[tuple[str, str, bool]] = []
        self.meanwhile: Any = None  # called between our look and our word
        manifest = yaml.safe_dump_all([SERVICE, CONFIG])
        packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps({"manifest": manifest}).encode()))).decode()
        self.release: Any = {"data": {"release": packed}}
        for item in (SERVICE, CONFIG):
            meta = {
                "name": item["metadata"]["name"], "namespace": "eucaim", "resourceVersion": "1",
                "labels": {**item["metadata"].get("labels", {}), "app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "eucaim"},
            }  # fmt: skip
            self.there[item["kind"], meta["name"]] = {**copy.deepcopy(item), "metadata": meta}

    def kind(self, resource: Resource) -> str:
        return next(kind for kind, one in BY_KIND.items() if one == resource)

    async def get(self, resource: Resource, name: str, _: str) -> Any:
        if resource is SECRETS:
            return self.release if name == "sh.helm.release.v1.web.v3" else None
        found = copy.deepcopy(self.there.get((self.kind(resource), name)))
        if self.meanwhile:
            self.meanwhile(self.there[self.kind(resource), name])
        return found

    async def apply(self, resource: Resource, body: Any, _: str, *, manager: str, force: bool, dry_run: bool) -> Any:
        assert (manager, force) == ("helm", True)
        which = (self.kind(resource), body["metadata"]["name"])
        self.applied.append((*which, dry_run))
        before = self.there.get(which, {})
        after = overlaid(before, body)
        if after != before:
            after["metadata"]["resourceVersion"] = str(int(before.get("metadata", {}).get("resourceVersion", 0)) + 1)
        if not dry_run:
            self.there[which] = after
        return copy.deepcopy(after)


def overlaid(below: Any, over: Any) -> Any:
    if isinstance(below, dict) and isinstance(over, dict):
        return {**below, **{key: overlaid(below.get(key), value) for key, value in over.items()}}
    return copy.deepcopy(over)


async def run(cluster: Cluster, suspects: Any = None, *, enforce: bool = True) -> list[str]:
    items = await manifest(cluster, "web", 3, "eucaim")  # type: ignore[arg-type]
    found = await correct(cluster, items, "eucaim", suspects=suspects, enforce=enforce)  # type: ignore[arg-type]
    return [drift.sentence for drift in found]


async def test_what_is_as_it_should_be_is_no_drift() -> None:
    assert await run(Cluster()) == []


async def test_only_what_is_suspected_is_looked_at() -> None:
    cluster = Cluster()
    cluster.there.clear()
    assert await run(cluster, {("Service", "web")}) == ["Service web was deleted by hand and was put right"]
    assert cluster.there.keys() == {("Service", "web")}


async def test_a_changed_field_and_a_deleted_object_are_told_apart() -> None:
    cluster = Cluster()
    cluster.there["ConfigMap", "texts"]["data"]["x"] = "2"
    del cluster.there["Service", "web"]
    assert await run(cluster) == [
        "Service web was deleted by hand and was put right",
        "ConfigMap texts was changed by hand and was put right",
    ]
    assert cluster.there["ConfigMap", "texts"]["data"]["x"] == "1"
    labels = cluster.there["Service", "web"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "Helm", "Helm must know its own again"
    assert await run(cluster) == []


async def test_to_tell_changes_nothing() -> None:
    cluster = Cluster()
    cluster.there["ConfigMap", "texts"]["data"]["x"] = "2"
    del cluster.there["Service", "web"]
    assert [text.rsplit(" and ", 1)[1] for text in await run(cluster, enforce=False)] == ["is left so"] * 2
    assert cluster.there["ConfigMap", "texts"]["data"]["x"] == "2"
    assert {dry for _, _, dry in cluster.applied} == {True}


async def test_what_others_added_is_no_drift() -> None:
    cluster = Cluster()
    cluster.there["Service", "web"]["metadata"]["annotations"]["someone.example/note"] = "hello"
    assert await run(cluster) == []
    assert "someone.example/note" in cluster.there["Service", "web"]["metadata"]["annotations"]


async def test_a_controller_that_writes_the_status_meanwhile_is_no_drift() -> None:
    cluster = Cluster()

    def controller(item: Any) -> None:
        item["status"] = {"seen": True}
        item["metadata"]["resourceVersion"] = "77"

    cluster.meanwhile = controller
    assert await run(cluster) == []


@pytest.mark.parametrize(
    "mark",
    [{"annotations": {"mininode.cancerimage.eu/drift": "ignore"}}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}],
    ids=["exempt", "going away"],
)
async def test_what_is_exempt_or_on_its_way_out_is_left_alone(mark: dict[str, Any]) -> None:
    cluster = Cluster()
    cluster.there["Service", "web"]["spec"]["type"] = "NodePort"
    cluster.there["Service", "web"]["metadata"] |= mark
    assert await run(cluster) == []
    assert ("Service", "web", False) not in cluster.applied


async def test_a_revision_that_is_gone_by_now_is_an_error_and_no_guess() -> None:
    cluster = Cluster()
    cluster.release = None
    with pytest.raises(KubeError, match="is gone"):
        await run(cluster)


class Followed:
    """What the watches know of Helm's objects."""

    namespace = "eucaim"

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def made_by_helm(self, component: str) -> list[tuple[str, str]]:
        assert component == "web"
        return list(self.cluster.there)


class Leftovers(Cluster):
    """With a Job of an earlier revision that Helm did not delete."""

    def __init__(self, **meta: Any) -> None:
        super().__init__()
        mine = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "eucaim"}
        annotations = mine | meta.pop("annotations", {})
        self.there["Job", "trial-1"] = {"metadata": {"name": "trial-1", "uid": "u", "annotations": annotations, **meta}}
        self.deleted: list[tuple[str, str]] = []

    async def get_metadata(self, resource: Resource, name: str, _: str) -> Any:
        return self.there.get((self.kind(resource), name))

    async def delete(self, resource: Resource, name: str, _: str, *, uid: str) -> bool:
        assert uid == "u"
        self.deleted.append((self.kind(resource), name))
        return True

    async def tidied(self, *, enforce: bool = True) -> list[str]:
        items = await manifest(self, "web", 3, "eucaim")  # type: ignore[arg-type]
        found = await remove_leftovers(self, Followed(self), "web", items, enforce=enforce)  # type: ignore[arg-type]
        return [drift.sentence for drift in found]


async def test_what_helm_left_behind_is_removed_and_nothing_else() -> None:
    cluster = Leftovers()
    assert await cluster.tidied() == ["Job trial-1 was left behind by an earlier revision and was removed"]
    assert cluster.deleted == [("Job", "trial-1")]


async def test_to_tell_of_leftovers_removes_nothing() -> None:
    cluster = Leftovers()
    assert await cluster.tidied(enforce=False) == ["Job trial-1 was left behind by an earlier revision and is left so"]
    assert cluster.deleted == []


@pytest.mark.parametrize(
    "meta",
    [
        {"annotations": {"meta.helm.sh/release-name": "another"}},
        {"annotations": {"meta.helm.sh/release-namespace": "another"}},
        {"annotations": {"helm.sh/resource-policy": "keep"}},
        {"annotations": {"mininode.cancerimage.eu/drift": "ignore"}},
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
    ],
    ids=lambda meta: str(next(iter(meta.get("annotations", meta)))),
)
async def test_what_is_another_s_or_to_be_kept_or_going_is_left(meta: Any) -> None:
    cluster = Leftovers(**meta)
    assert await cluster.tidied() == []
    assert cluster.deleted == []


async def test_what_the_watch_still_shows_and_is_gone_costs_nothing() -> None:
    cluster = Leftovers()
    followed = Followed(cluster)
    names = followed.made_by_helm("web")
    del cluster.there["Job", "trial-1"]
    followed.made_by_helm = lambda _: names  # type: ignore[method-assign]
    items = await manifest(cluster, "web", 3, "eucaim")  # type: ignore[arg-type]
    assert await remove_leftovers(cluster, followed, "web", items, enforce=True) == ()  # type: ignore[arg-type]
    assert cluster.deleted == []

"""A credential's change: every place gets the value, in order, and a change that is cut off anywhere goes on to the same end."""

import base64
from typing import Any

import pytest

from mininode.api.spec import NodeSpec
from mininode.components.base import Component, Node
from mininode.components.registry import all_components
from mininode.credentials.store import new_secret, next_name, next_secret, rendered_secret
from mininode.engine import rotate as module
from mininode.engine.credentials import made, value
from mininode.engine.rotate import Rotation, reads
from mininode.errors import KubeError, MininodeError

NODE = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"), on=tuple(all_components().values()))
READY = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}


class Killed(BaseException):
    """The operator was killed here."""


class Cluster:
    """An API server that keeps objects, and may kill its caller before or after the k-th request."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Any] = {}
        self.calls = 0
        self.kill_at: float = 0
        self.log: list[str] = []

    def _call(self, what: str) -> None:
        self.calls += 1
        self.log.append(what)
        if self.calls == self.kill_at:
            raise Killed

    def put(self, body: Any) -> None:
        meta = body["metadata"]
        meta.setdefault("uid", f"uid-of-{meta['name']}")
        self.objects[body["kind"], meta["name"]] = body

    async def get(self, resource: Any, name: str, _namespace: str) -> Any:
        self._call(f"get {name}")
        return self.objects.get(({"secrets": "Secret", "deployments": "Deployment"}[resource.plural], name))

    get_metadata = get

    async def create(self, _resource: Any, body: Any, _namespace: str) -> Any:
        self._call(f"create {body['metadata']['name']}")
        if ("Secret", body["metadata"]["name"]) in self.objects:
            return None
        self.put(body)
        return body

    async def delete(self, _resource: Any, name: str, _namespace: str) -> bool:
        self._call(f"delete {name}")
        return self.objects.pop(("Secret", name), None) is not None

    async def merge(self, resource: Any, name: str, patch: Any, _namespace: str) -> None:
        self._call(f"merge {name}")
        kind = {"secrets": "Secret", "deployments": "Deployment"}[resource.plural]
        found = self.objects[kind, name]
        if found.get("immutable") and "data" in patch:
            raise KubeError("field is immutable", code=422)
        if kind == "Secret":
            found["data"] = {**found["data"], **patch["data"]}
        else:
            found["spec"]["template"]["metadata"].setdefault("annotations", {}).update(
                patch["spec"]["template"]["metadata"]["annotations"]
            )

    async def list(self, resource: Any, _namespace: str, *, labels: str) -> list[Any]:
        assert labels == "mininode.cancerimage.eu/node=demo"
        self._call(f"list {resource.plural}")
        return [one for (kind, _), one in self.objects.items() if kind == "Deployment"] if resource.plural == "deployments" else []

    def text(self, name: str) -> dict[str, str]:
        return {key: base64.b64decode(one).decode() for key, one in self.objects["Secret", name]["data"].items()}

    def marks(self, name: str) -> dict[str, str]:
        found: dict[str, str] = self.objects["Deployment", name]["spec"]["template"]["metadata"].get("annotations", {})
        return found


def deployment(name: str, *secrets: str) -> Any:
    volumes = [{"name": one, "secret": {"secretName": one}} for one in secrets]
    template = {"metadata": {"labels": {}}, "spec": {"containers": [], "volumes": volumes}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"of": name}}, "template": template}
    return {"kind": "Deployment", "metadata": {"name": name, "generation": 1}, "spec": spec, "status": READY}


@pytest.fixture
def cluster() -> Cluster:
    one = Cluster()
    for component in NODE.on:
        for credential in component.credentials:
            one.put(new_secret(NODE, component.name, credential))
    one.put(rendered_secret(NODE, "dataset-service", "dataset-service-config", {"dataset-service.yaml": "old"}))
    one.put(deployment("keycloak", "postgresql-keycloak", "keycloak-admin"))
    one.put(deployment("dataset-service-backend", "dataset-service-config"))
    one.put(deployment("guacamole", "postgresql-guacamole", "guacamole-admin"))
    return one


class Outside:
    """PostgreSQL's logins and the realm's clients."""

    def __init__(self) -> None:
        self.taught: list[str] = []


def rotation(cluster: Any, name: str, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> Rotation:
    component, credential = next((one, found) for one in NODE.on for found in one.credentials if found.name == name)

    async def checked(self: Rotation, new: dict[str, str], old: dict[str, str]) -> None:
        del old
        outside.taught.append(f"{self.credential.checked.name} {new}")

    async def render(one: Component) -> None:
        password = await value(cluster, NODE, "postgresql-dataset-service", "password")
        secret = await value(cluster, NODE, "dataset-service-client", "secret")
        cluster.put(rendered_secret(NODE, one.name, "dataset-service-config", {"dataset-service.yaml": f"{password} {secret}"}))

    monkeypatch.setattr(Rotation, "_checked", checked)
    return Rotation(cluster, NODE, component, credential, render, simulated=())


def wish(cluster: Cluster, name: str) -> str:
    component, credential = next((one, found) for one in NODE.on for found in one.credentials if found.name == name)
    body = next_secret(NODE, component.name, credential)
    cluster.put(body)
    key = credential.generated[0].key
    return base64.b64decode(body["data"][key]).decode()


NAMES = ("postgresql-keycloak", "postgresql-dataset-service", "guacamole-admin", "dataset-service-client", "keycloak-admin")
RESTARTED = {
    "postgresql-keycloak": {"keycloak"},
    "postgresql-dataset-service": {"dataset-service-backend"},
    "guacamole-admin": {"guacamole"},
    "dataset-service-client": {"dataset-service-backend"},
    "keycloak-admin": set(),  # nobody looks at it after the first start
}


@pytest.mark.parametrize("name", NAMES)
async def test_every_place_gets_it_and_only_who_reads_it_starts_again(
    cluster: Cluster, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, outside = wish(cluster, name), Outside()
    fixed = {key: text for key, text in cluster.text(name).items() if key in ("username", "database", "client-id")}
    await rotation(cluster, name, outside, monkeypatch).run()
    assert new in cluster.text(name).values()
    assert cluster.text(name).items() >= fixed.items()
    assert ("Secret", next_name(name)) not in cluster.objects
    assert {one for _, one in cluster.objects if ("Deployment", one) in cluster.objects and cluster.marks(one)} == RESTARTED[name]
    if RESTARTED[name] == {"dataset-service-backend"}:
        assert new in cluster.text("dataset-service-config")["dataset-service.yaml"]


@pytest.mark.parametrize("name", NAMES)
async def test_killed_at_every_request_it_goes_on_to_the_same_end(
    cluster: Cluster, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("Secret", "Deployment")
    for k in range(1, 60):
        new, outside = wish(cluster, name), Outside()
        cluster.calls, cluster.kill_at, killed = 0, k, False
        try:
            await rotation(cluster, name, outside, monkeypatch).run()
        except Killed:
            killed = True
            cluster.kill_at = 0
            component, credential = next((one, found) for one in NODE.on for found in one.credentials if found.name == name)
            # Whoever makes missing credentials meanwhile must not make up a third value.
            await made(cluster, NODE, component.name, credential)  # type: ignore[arg-type]
            await rotation(cluster, name, outside, monkeypatch).run()
        assert new in cluster.text(name).values(), f"killed at request {k}: {cluster.log[-10:]}"
        assert not [one for kind, one in cluster.objects if kind in kinds and one.endswith(".next")]
        marks = {one for kind, one in cluster.objects if kind == "Deployment" and cluster.marks(one)}
        assert marks == RESTARTED[name]
        cluster.log.clear()
        if not killed:
            assert k > 5
            return
    raise AssertionError("it never came through in one go")


async def test_who_checks_it_learns_it_before_anybody_uses_it(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    wish(cluster, "postgresql-keycloak")
    outside = Outside()
    one = rotation(cluster, "postgresql-keycloak", outside, monkeypatch)
    monkeypatch.setattr(Cluster, "merge", _stop)
    with pytest.raises(Killed):
        await one.run()
    assert len(outside.taught) == 1


async def _stop(*_: Any) -> None:
    raise Killed


async def test_without_a_next_value_nothing_is_done(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(cluster.objects)
    await rotation(cluster, "guacamole-admin", Outside(), monkeypatch).run()
    assert cluster.objects == before


async def test_pods_that_do_not_come_back_are_told_and_the_change_goes_on_later(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(cluster, "guacamole-admin")
    cluster.objects["Deployment", "guacamole"]["status"] = {**READY, "readyReplicas": 0}
    monkeypatch.setattr(module, "_READY_SECONDS", -1.0)
    with pytest.raises(MininodeError, match="after the change of guacamole-admin: Deployment guacamole has 0 of 1 pods ready"):
        await rotation(cluster, "guacamole-admin", Outside(), monkeypatch).run()
    assert ("Secret", "guacamole-admin.next") in cluster.objects
    cluster.objects["Deployment", "guacamole"]["status"] = READY
    await rotation(cluster, "guacamole-admin", Outside(), monkeypatch).run()
    assert ("Secret", "guacamole-admin.next") not in cluster.objects


def test_secrets_are_found_wherever_a_pod_may_name_them() -> None:
    def of(**spec: Any) -> Any:
        return {"spec": {"template": {"spec": spec}}}

    variable = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}}
    assert reads(of(containers=[{"env": [variable]}]), {"one"})
    assert reads(of(initContainers=[{"envFrom": [{"secretRef": {"name": "one"}}]}]), {"one"})
    assert reads(of(volumes=[{"secret": {"secretName": "one"}}]), {"one"})
    assert reads(of(volumes=[{"projected": {"sources": [{"secret": {"name": "one"}}]}}]), {"one"})
    assert not reads(of(containers=[{"env": [variable]}]), {"two"})

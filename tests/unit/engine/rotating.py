"""What a credential's change works on in tests: objects of a cluster, with workloads that run with what they started with."""

import base64
from typing import TYPE_CHECKING, Any

from mininode.api.spec import NodeSpec
from mininode.components.base import Component, Credential, Node
from mininode.components.registry import all_components
from mininode.credentials.store import new_secret, next_secret, rendered_secret
from mininode.engine.rotate import reads
from mininode.errors import KubeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

NODE = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"), on=tuple(all_components().values()))
READY = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
CONFIG = "dataset-service-config"
NEEDS = ("postgresql-dataset-service", "dataset-service-client")  # what that is computed from


class Killed(BaseException):
    """The operator was killed here."""


class Cluster:
    """An API server that keeps objects, and may kill its caller before or after the k-th request."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Any] = {}
        self.calls = 0
        self.kill_at: float = 0
        self.log: list[str] = []
        self.running: dict[str, dict[str, dict[str, str]]] = {}  # workload -> the Secrets it started with
        self.ending: set[str] = set()  # those that were told to stop, and run until somebody looks at their pods
        self.watch: Callable[[], Awaitable[None]] | None = None  # looks at every request whether all who run can work

    async def _call(self, what: str) -> None:
        if self.watch is not None:
            await self.watch()
        self.calls += 1
        self.log.append(what)
        if self.calls == self.kill_at:
            raise Killed

    def put(self, body: Any) -> None:
        meta = body["metadata"]
        meta.setdefault("uid", f"uid-of-{meta['name']}")
        self.objects[body["kind"], meta["name"]] = body

    async def get(self, resource: Any, name: str, _namespace: str) -> Any:
        await self._call(f"get {name}")
        return self.objects.get(({"secrets": "Secret", "deployments": "Deployment"}[resource.plural], name))

    get_metadata = get

    async def create(self, _resource: Any, body: Any, _namespace: str) -> Any:
        await self._call(f"create {body['metadata']['name']}")
        if ("Secret", body["metadata"]["name"]) in self.objects:
            return None
        self.put(body)
        return body

    async def delete(self, _resource: Any, name: str, _namespace: str) -> bool:
        await self._call(f"delete {name}")
        return self.objects.pop(("Secret", name), None) is not None

    async def merge(self, resource: Any, name: str, patch: Any, _namespace: str) -> None:
        await self._call(f"merge {name}")
        kind = {"secrets": "Secret", "deployments": "Deployment"}[resource.plural]
        found = self.objects[kind, name]
        if found.get("immutable") and "data" in patch:
            raise KubeError("field is immutable", code=422)
        if kind == "Secret":
            found["data"] = {**found["data"], **patch["data"]}
            return
        annotations = found["metadata"].setdefault("annotations", {})
        annotations |= patch.get("metadata", {}).get("annotations", {})
        found["metadata"]["annotations"] = {key: text for key, text in annotations.items() if text is not None}
        spec = patch.get("spec", {})
        found["spec"]["replicas"] = spec.get("replicas", found["spec"]["replicas"])
        if "template" in spec:
            of_pods = found["spec"]["template"]["metadata"]
            of_pods["annotations"] = of_pods.get("annotations", {}) | spec["template"]["metadata"]["annotations"]
        self.start(name)

    def start(self, name: str) -> None:
        """The workload's pods are made anew, or only end."""
        found = self.objects["Deployment", name]
        if not found["spec"]["replicas"]:
            self.ending.add(name)
            return
        secrets = [one for kind, one in self.objects if kind == "Secret" and reads(found, {one})]
        self.running[name] = {one: self.text(one) for one in secrets}

    async def list(self, resource: Any, _namespace: str, *, labels: str) -> list[Any]:
        assert labels == "mininode.cancerimage.eu/node=demo"
        await self._call(f"list {resource.plural}")
        if resource.plural == "deployments":
            return [one for (kind, _), one in self.objects.items() if kind == "Deployment"]
        ending, self.ending = self.ending, set()
        for name in ending:
            self.running.pop(name, None)
        return [{"metadata": {"name": f"{one}-1", "labels": {"of": one}}, "spec": {}, "status": {}} for one in ending]

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


def filled() -> Cluster:
    """A node's credentials, and the workloads that read them."""
    one = Cluster()
    for component in NODE.on:
        for credential in component.credentials:
            one.put(new_secret(NODE, component.name, credential))
    one.put(rendered_secret(NODE, "dataset-service", CONFIG, config(one)))
    one.put(deployment("keycloak", "postgresql-keycloak", "keycloak-admin"))
    one.put(deployment("dataset-service-backend", CONFIG))
    one.put(deployment("guacamole", "postgresql-guacamole", "guacamole-admin"))
    for kind, name in list(one.objects):
        if kind == "Deployment":
            one.start(name)
    return one


def config(cluster: Cluster) -> dict[str, str]:
    """What dataset-service's configuration is, as far as credentials go."""
    database, client = (cluster.text(name) for name in NEEDS)
    return {"password": database["password"], "secret": client["secret"]}


def held(cluster: Cluster) -> list[tuple[str, str]]:
    """Credential and value of whatever runs and reads one, as it started with it."""
    found = []
    for secrets in cluster.running.values():
        for name, data in secrets.items():
            if name == CONFIG:
                found += [(NEEDS[0], data["password"]), (NEEDS[1], data["secret"])]
            else:
                found.append((name, data[known(name)[1].generated[0].key]))
    return found


def known(name: str) -> tuple[Component, Credential]:
    return next((one, found) for one in NODE.on for found in one.credentials if found.name == name)


def wish(cluster: Cluster, name: str) -> str:
    """Ask for a change; the next value."""
    component, credential = known(name)
    body = next_secret(NODE, component.name, credential)
    cluster.put(body)
    return base64.b64decode(body["data"][credential.generated[0].key]).decode()

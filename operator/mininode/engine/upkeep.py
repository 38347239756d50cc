"""What components keep by themselves beside their charts' objects: read, compared and written through the API server."""

import base64
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import certifi

from mininode.api import COMPONENT_LABEL, NODE_LABEL
from mininode.components.base import Node
from mininode.credentials.store import kept_secret
from mininode.engine.drift import Drift
from mininode.engine.owned import FIELD_MANAGER
from mininode.kube.client import Kube, Object
from mininode.kube.resources import CONFIG_MAPS, PODS, SECRETS, SERVICES

MACHINE_CLASS = "mininode.cancerimage.eu/machine"


@dataclass(slots=True)
class LiveUpkeep:
    """Implements `components.base.Upkeep` for one component; with `make` off it only tells what differs."""

    kube: Kube
    node: Node
    component: str
    make: bool = True
    drifts: list[Drift] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime.datetime:
        """The time."""
        return datetime.datetime.now(datetime.UTC)

    async def secret(self, name: str) -> Mapping[str, str] | None:
        """What a Secret holds."""
        found = await self.kube.get(SECRETS, name, self.node.namespace)
        return None if found is None else _decoded(found)

    async def config_map(self, name: str) -> Mapping[str, str] | None:
        """What a ConfigMap holds."""
        found = await self.kube.get(CONFIG_MAPS, name, self.node.namespace)
        return None if found is None else dict(found.get("data") or {})

    async def make_secret(self, name: str, data: Mapping[str, str]) -> None:
        """Make a Secret that is never overwritten."""
        self.drifts.append(Drift("Secret", name, "deleted", self.make))
        if self.make:
            await self.kube.create(SECRETS, kept_secret(self.node, self.component, name, dict(data)), self.node.namespace)

    async def put_secret(self, name: str, data: Mapping[str, str]) -> None:
        """Make a Secret as it should be."""
        present = await self.kube.get(SECRETS, name, self.node.namespace)
        if present is not None and _decoded(present) == data:
            return
        self.drifts.append(Drift("Secret", name, "deleted" if present is None else "changed", self.make))
        if self.make:
            body = kept_secret(self.node, self.component, name, dict(data))
            await self.kube.apply(SECRETS, body, self.node.namespace, manager=FIELD_MANAGER, force=True)

    async def put_config_map(self, name: str, data: Mapping[str, str], binary: Mapping[str, Callable[[], bytes]]) -> None:
        """Make a ConfigMap as it should be."""
        present = await self.kube.get(CONFIG_MAPS, name, self.node.namespace)
        if present is not None and (present.get("data") or {}) == data and set(present.get("binaryData") or {}) == set(binary):
            return
        self.drifts.append(Drift("ConfigMap", name, "deleted" if present is None else "changed", self.make))
        if self.make:
            body = self._config_map(name, data, {key: value() for key, value in binary.items()})
            await self.kube.apply(CONFIG_MAPS, body, self.node.namespace, manager=FIELD_MANAGER, force=True)

    async def announce(self, service: str) -> None:
        """Give the Service the address of its pod's machine, as a load balancer's controller would.

        kube-proxy then brings what comes to that address and port to the pod. That is no change by hand when it differs:
        pods move, machines get other addresses.
        """
        present = await self.kube.get(SERVICES, service, self.node.namespace)
        if not self.make or present is None or present["spec"].get("loadBalancerClass") != MACHINE_CLASS:
            return
        labels = ",".join(f"{key}={value}" for key, value in present["spec"]["selector"].items())
        pods = await self.kube.list(PODS, self.node.namespace, labels=labels)
        machines = {pod["status"]["hostIP"] for pod in pods if _ready(pod) and pod["status"].get("hostIP")}
        ingress = [{"ip": address, "ipMode": "VIP"} for address in sorted(machines)]
        if not ingress or (present.get("status") or {}).get("loadBalancer", {}).get("ingress") == ingress:
            return
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service, "namespace": self.node.namespace},
            "status": {"loadBalancer": {"ingress": ingress}},
        }
        await self.kube.apply(SERVICES, body, self.node.namespace, manager=FIELD_MANAGER, force=True, subresource="status")

    def tell(self, **facts: str) -> None:
        """What was seen of the node on the way."""
        self.facts |= facts

    def public_authorities(self) -> str:
        """Mozilla's list, as the package certifi of our lock file has it: the same on every machine."""
        return _mozilla()

    def _config_map(self, name: str, data: Mapping[str, str], binary: Mapping[str, bytes]) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "namespace": self.node.namespace,
                "labels": {
                    NODE_LABEL: self.node.name,
                    COMPONENT_LABEL: self.component,
                    "app.kubernetes.io/managed-by": "mininode",
                },
            },
            "data": dict(data),
            "binaryData": {key: base64.b64encode(value).decode() for key, value in binary.items()},
        }


def _ready(pod: Object) -> bool:
    conditions = {one["type"]: one["status"] for one in pod.get("status", {}).get("conditions") or []}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _decoded(secret: Object) -> dict[str, str]:
    """A Secret's texts; what is no text is left out, no certificate or key of ours is such."""
    found = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            found[key] = base64.b64decode(value).decode()
        except UnicodeDecodeError:
            continue
    return found


@cache
def _mozilla() -> str:
    lines = Path(certifi.where()).read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.startswith("#")) + "\n"

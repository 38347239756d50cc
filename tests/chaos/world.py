"""What chaos is let loose on: a rehearsal with instant pods, the fault proxy, the operator behind it, and one node.

The operator is started again whenever it ended, as a kubelet would, but without waiting for the Lease of the dead one to
run out: the harness removes it, since that wait is the subject of other tests and would cost 15 s a kill.
"""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import psutil
from proxy import Lane, Proxy, through

from mininode.cluster.control_plane import Layout
from mininode.cluster.operator_process import operator_spec
from mininode.cluster.pki import CLUSTER
from mininode.cluster.processes import ProcessSpec
from mininode.cluster.rehearsal import Rehearsal, RehearsalSettings
from mininode.cluster.setup import prepare
from mininode.kube.client import Kube
from mininode.planning.release import newest

State = dict[str, Any]

KINDS = (
    "apis/apps/v1 deployments", "apis/apps/v1 statefulsets", "apis/batch/v1 jobs", "api/v1 services", "api/v1 configmaps",
    "api/v1 serviceaccounts", "api/v1 persistentvolumeclaims", "apis/rbac.authorization.k8s.io/v1 roles",
    "apis/rbac.authorization.k8s.io/v1 rolebindings", "apis/networking.k8s.io/v1 networkpolicies",
)  # fmt: skip
# What the cluster itself writes into an object, different in each life of it.
_VOLATILE = frozenset({
    "status", "clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "volumeName", "kubectl.kubernetes.io/restartedAt",
    "deployment.kubernetes.io/revision", "pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/selected-node", "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner", "batch.kubernetes.io/controller-uid", "controller-uid",
})  # fmt: skip
# Trouble comes more often here than in life, so it is tried again sooner and more often: the loops are the same.
PACE = {"MININODE_RETRY_FIRST": "0.5", "MININODE_RETRY_LAST": "4", "MININODE_RETRY_LIMIT": "100"}
_RENDERED = frozenset({"dataset-service-config"})  # written anew when its inputs change; every other Secret is made once
LIMIT = 240.0  # s until a node must be as it should be once nothing disturbs it any more: several retries


@dataclass
class Operator:
    """The operator process behind the proxy."""

    spec: ProcessSpec
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None
    ended: list[int] = field(default_factory=list)  # exit codes of ends that nobody here brought about
    killed: bool = False  # the end of the present process is ours
    lock: threading.RLock = field(default_factory=threading.RLock)  # several lanes keep it alive, and kill it

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.spec.argv, env=dict(self.spec.env), cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def helms(self, namespace: str = "") -> list[psutil.Process]:
        """The Helm processes at work, for one namespace or for all."""
        if self.process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.process.pid).children(recursive=True)
            return [one for one in found if not namespace or namespace in one.cmdline()]
        return []

    def kill(self, *, helm_too: bool) -> bool:
        """SIGKILL, if it lives; quick enough to be done between two requests."""
        with self.lock:
            if self.process is None or not self.alive():
                return False
            self.killed = True
            helms = self.helms() if helm_too else []
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
            for helm in helms:
                with contextlib.suppress(psutil.NoSuchProcess):
                    helm.kill()
            return True

    def stop(self) -> None:
        if self.process is not None and self.alive():
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


@dataclass
class World:
    """One node at a time in a namespace of its own, on a rehearsal, a proxy and an operator that other lanes may use as well."""

    rehearsal: Rehearsal
    proxy: Proxy
    operator: Operator
    api: httpx.Client
    namespace: str = "chaos"
    name: str = "node"

    @property
    def lane(self) -> Lane:
        """The proxy's requests about this namespace."""
        return self.proxy.lane(self.namespace)

    def beside(self, namespace: str) -> "World":
        """Another lane: a node in another namespace."""
        prepared(self.rehearsal, namespace)
        return replace(self, namespace=namespace)

    # ── The operator ───────────────────────────────────────────────────────────────────────────────────────────────

    def kill(self, *, helm_too: bool) -> bool:
        """SIGKILL of the operator, if it lives; `revive` brings it back."""
        return self.operator.kill(helm_too=helm_too)

    def revive(self) -> None:
        """Start the operator if it ended."""
        with self.operator.lock:
            if self.operator.alive():
                return
            if self.operator.process is not None and not self.operator.killed:
                self.operator.ended.append(self.operator.process.returncode)
            self.operator.killed = False
            self.api.delete("/apis/coordination.k8s.io/v1/namespaces/mininode-system/leases/mininode-operator")
            self.operator.start()

    # ── The node ───────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def path(self) -> str:
        return f"/apis/mininode.cancerimage.eu/v1alpha1/namespaces/{self.namespace}/eucaimnodes/{self.name}"

    def declare(self, spec: Mapping[str, Any]) -> httpx.Response:
        """Put this spec; what the API server answered. Fields that are not in it any more go."""
        body = {
            "apiVersion": "mininode.cancerimage.eu/v1alpha1", "kind": "EucaimNode",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {"domain": "node.hospital.example", **spec},
        }  # fmt: skip
        return self.api.patch(
            self.path, params={"fieldManager": "chaos", "force": "true"}, content=json.dumps(body),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )  # fmt: skip

    def resource(self) -> dict[str, Any] | None:
        answer = self.api.get(self.path)
        return None if answer.status_code == 404 else answer.raise_for_status().json()

    def conditions(self) -> dict[str, dict[str, Any]]:
        """By type, if they are about the present spec; else none."""
        resource = self.resource() or {"metadata": {}}
        status = resource.get("status") or {}
        if not status or status.get("observedGeneration") != resource["metadata"].get("generation"):
            return {}
        return {one["type"]: one for one in status["conditions"]}

    def converged(self) -> bool:
        conditions = self.conditions()
        return bool(conditions) and (conditions["Rehearsed"]["status"], conditions["Reconciling"]["status"]) == ("True", "False")

    def until(self, what: Callable[[], bool], seconds: float = LIMIT) -> bool:
        """Whether it came true in time; the operator is kept alive meanwhile."""
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                return False
            self.revive()
            time.sleep(0.1)
        return True

    def remove(self) -> bool:
        """Delete the node and wait until it is gone; whether it went in time."""
        self.api.delete(self.path)
        return self.until(lambda: self.resource() is None)

    def purge(self) -> None:
        """Take away what a removed node leaves on purpose: Secrets and claims."""
        for kind in ("secrets", "persistentvolumeclaims"):
            self.api.delete(f"/api/v1/namespaces/{self.namespace}/{kind}").raise_for_status()
        left = f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims"
        assert self.until(lambda: not self.api.get(left).json()["items"]), "claims of a removed node do not go"

    def move(self) -> None:
        """Leave a broken node behind for whoever wants to look, and go on in another namespace."""
        resource = self.resource()
        if resource is not None:
            self.api.patch(
                self.path, content=json.dumps({"metadata": {"finalizers": None}}),
                headers={"Content-Type": "application/merge-patch+json"},
            )  # fmt: skip
            self.api.delete(self.path)
        self.namespace = f"{self.namespace.partition('.')[0][:20]}-{uuid.uuid4().hex[:6]}"
        prepared(self.rehearsal, self.namespace)

    # ── What there is ──────────────────────────────────────────────────────────────────────────────────────────────

    def end_state(self) -> State:
        """Releases by digest and status, and every object that a chart made, without what differs from life to life."""
        state: State = {}
        for kind in KINDS:
            group, plural = kind.split()
            for item in self._items(f"/{group}/namespaces/{self.namespace}/{plural}"):
                if (item["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "Helm":
                    state[f"{plural} {item['metadata']['name']}"] = _settled(item)
        for release in self.releases().values():
            state[f"release {release.name}"] = (release.status.value, release.digest)
        return state

    def releases(self) -> dict[str, Any]:
        """The newest revision of each release."""
        return newest(self._secrets("owner in (helm,mininode)"))

    def revisions(self) -> dict[str, int]:
        return {name: release.revision for name, release in self.releases().items()}

    def credentials(self) -> dict[str, dict[str, str]]:
        """The contents of every Secret that is made once."""
        return {
            one["metadata"]["name"]: one.get("data") or {}
            for one in self._secrets("owner notin (helm,mininode)")
            if one["metadata"]["name"] not in _RENDERED
        }

    def _secrets(self, labels: str) -> list[dict[str, Any]]:
        return self._items(f"/api/v1/namespaces/{self.namespace}/secrets", labels)

    def _items(self, path: str, labels: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get(path, params={"labelSelector": labels}).raise_for_status().json()["items"]
        return found


def _settled(item: dict[str, Any]) -> Any:
    meta = item["metadata"]
    return _bare({**item, "metadata": {key: meta[key] for key in ("labels", "annotations") if key in meta}})


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if key not in _VOLATILE}
    return [_bare(one) for one in value] if isinstance(value, list) else value


def differences(found: State, wanted: State) -> list[str]:
    """Names of what is missing, too much or different."""
    return [
        f"{name}: {'missing' if name not in found else 'too much' if name not in wanted else 'different'}"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]


@contextmanager
def world(folder: Path, tool: Callable[[str], Path], say: Callable[[str], None]) -> Iterator[World]:
    """Everything started, in a folder of its own; everything ended afterwards."""
    rehearsal = Rehearsal(folder / "rehearsal", tool, RehearsalSettings(ready_after_ms=0))
    try:
        server = rehearsal.start(say).server
        pki = Layout(rehearsal.home).pki
        tls = ssl.create_default_context(cafile=str(pki.certificate(CLUSTER)))
        tls.load_cert_chain(pki.certificate("admin"), pki.key("admin"))
        with (
            Proxy(server, pki).running() as proxy,
            httpx.Client(base_url=server, verify=tls, timeout=20, trust_env=False) as api,
        ):
            admin = through(rehearsal.kubeconfig, proxy, folder / "proxied.kubeconfig")
            prepared(rehearsal, "chaos")  # makes the account whose token the operator gets
            spec = asyncio.run(_spec(rehearsal, folder, admin, tool("helm")))
            one = World(rehearsal, proxy, Operator(spec, folder, folder / "operator.log"), api)
            try:
                one.revive()
                yield one
            finally:
                for lane in proxy.lanes.values():
                    lane.disarm()
                one.operator.stop()
    finally:
        rehearsal.stop(say)


def prepared(rehearsal: Rehearsal, namespace: str) -> None:
    """What `mininode install` does before it declares a node."""

    async def go() -> None:
        async with await Kube.connect(rehearsal.kubeconfig) as kube:
            await prepare(kube, namespace)

    asyncio.run(go())


async def _spec(rehearsal: Rehearsal, folder: Path, admin: Path, helm: Path) -> ProcessSpec:
    async with await Kube.connect(rehearsal.kubeconfig) as kube:
        spec = await operator_spec(kube, folder, admin, helm)
    return replace(spec, env={**spec.env, **PACE})

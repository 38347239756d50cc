"""The rehearsal's own questions to its servers: are you ready, take these objects, forget that lease.

Not by the room `kube`, which serves a cluster that is there: these are asked while there is none yet, by commands that
block, and of etcd and the health doors, too.
"""

import json
import ssl
from collections.abc import Mapping
from typing import Any, Self

import httpx

from mininode.cluster.control_plane import NODE, server_url
from mininode.cluster.pki import CLUSTER, ETCD, Pki
from mininode.cluster.ports import HOST
from mininode.errors import KubeError

_TIMEOUT = 5.0  # s, for one answer of a server on this machine
_OK = 200
_MANAGER = "mininode-rehearsal"
_PATHS = {
    "Node": "/api/v1/nodes",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}


class Access:
    """A connection to a rehearsal's servers with its own certificates; use it in a `with`."""

    def __init__(self, pki: Pki, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._api = httpx.Client(
            base_url=server_url(ports), verify=_tls(pki, CLUSTER, "admin"), timeout=_TIMEOUT, trust_env=False
        )
        self._etcd = httpx.Client(verify=_tls(pki, ETCD, "etcd-client"), timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        self._etcd.close()

    def ready(self, name: str) -> str:
        """Empty when this process does its work; else what is missing."""
        port = self._ports.get(name, 0)
        match name:
            case "etcd":
                return self._asks(self._etcd, f"https://{HOST}:{port}/health")
            case "kube-apiserver":
                return self._asks(self._api, "/readyz")
            case "kwok":
                return self._node_ready()
            case "kube-controller-manager":
                # Its last step of a namespace: from then on a pod can be made there.
                return self._asks(self._api, f"https://{HOST}:{port}/healthz") or self._asks(
                    self._api, "/api/v1/namespaces/default/serviceaccounts/default"
                )
            case _:
                return self._asks(self._api, f"https://{HOST}:{port}/healthz")

    def version(self) -> str:
        """The API server's version, as `v1.35.1`; empty when it does not answer."""
        try:
            return str(self._api.get("/version").raise_for_status().json()["gitVersion"])
        except (httpx.HTTPError, ValueError, KeyError):
            return ""

    def apply(self, objects: list[dict[str, Any]]) -> None:
        """Make the objects as given, on the server's side."""
        for item in objects:
            path = f"{_PATHS[item['kind']]}/{item['metadata']['name']}"
            self._send(
                "PATCH",
                path,
                params={"fieldManager": _MANAGER, "force": "true"},
                content=json.dumps(item),
                headers={"Content-Type": "application/apply-patch+yaml"},
            )

    def forget_lease(self) -> None:
        """Remove the simulated node's lease: a KWOK started anew would wait until its forerunner's has run out."""
        self._send("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NODE}", absent_ok=True)

    def _node_ready(self) -> str:
        try:
            node = self._api.get(f"/api/v1/nodes/{NODE}").raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            return _reason(error)
        states = {condition["type"]: condition["status"] for condition in node.get("status", {}).get("conditions", [])}
        if states.get("Ready") != "True":
            return "the simulated node is not ready"
        # The controller manager takes the taint away a moment later; until then nothing is scheduled.
        return "the simulated node is not ready for pods" if node["spec"].get("taints") else ""

    def _asks(self, client: httpx.Client, url: str) -> str:
        try:
            answer = client.get(url)
        except httpx.HTTPError as error:
            return _reason(error)
        if answer.status_code == _OK:
            return ""
        # A health door lists its checks, a line each; those that fail begin with [-].
        failing = [line[3:].split()[0] for line in answer.text.splitlines() if line.startswith("[-]")]
        return f"not ready: {', '.join(failing)}" if failing else f"it answers {answer.status_code}"

    def _send(self, method: str, path: str, *, absent_ok: bool = False, **request: Any) -> None:
        try:
            answer = self._api.request(method, path, **request)
        except httpx.HTTPError as error:
            raise KubeError(f"the rehearsal's API server does not answer {method} {path}: {_reason(error)}") from error
        if not answer.is_success and not (absent_ok and answer.status_code == httpx.codes.NOT_FOUND):
            raise KubeError(
                f"the rehearsal's API server refuses {method} {path}: {answer.text[:300]}", code=answer.status_code
            )


def _reason(error: Exception) -> str:
    return "it does not answer yet" if isinstance(error, httpx.ConnectError) else f"{type(error).__name__}: {error}"


def _tls(pki: Pki, authority: str, user: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki.certificate(authority)))
    context.load_cert_chain(pki.certificate(user), pki.key(user))
    return context

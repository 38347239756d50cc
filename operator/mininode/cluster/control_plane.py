"""What the rehearsal's five processes are told: one function a program, from paths and ports to its arguments.

Everything listens on 127.0.0.1 and asks for a certificate or a token. The flags' meanings are those of Kubernetes 1.35
and etcd 3.7 (`--help` of each).
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mininode.cluster.pki import CLUSTER, ETCD, Pki
from mininode.cluster.ports import HOST
from mininode.cluster.processes import ProcessSpec

ORDER = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
AUDIT_POLICY = Path(__file__).with_name("audit.yaml")
NODE = "rehearsal"

SERVICE_NETWORK = "10.96.0.0/16"
POD_NETWORK = "10.244.0.0/16"
LEASE_SECONDS = 40  # a kubelet's default; the node counts as lost after 50 s without renewal

# Left out are those without work here (clouds, routes, attached disks, autoscaling, certificates for kubelets), and
# taint eviction: a laptop that slept must not lose its pods.
CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "node-lifecycle-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "service-cidr-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "ttl-after-finished-controller",
    "validatingadmissionpolicy-status-controller",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies under the rehearsal's home."""

    home: Path

    @property
    def pki(self) -> Pki:
        """Keys and certificates."""
        return Pki(self.home / "pki")

    @property
    def data(self) -> Path:
        """Files of etcd: every object of the rehearsal."""
        return self.home / "etcd"

    @property
    def logs(self) -> Path:
        """The processes' output and the audit log."""
        return self.home / "logs"

    @property
    def audit_log(self) -> Path:
        """One JSON line a request of the operator and of the admin."""
        return self.logs / "audit.log"

    @property
    def records(self) -> Path:
        """Which processes were started."""
        return self.home / "run"

    @property
    def ports(self) -> Path:
        """The ports in use."""
        return self.home / "ports.json"

    @property
    def stages(self) -> Path:
        """What KWOK is told."""
        return self.home / "kwok.yaml"

    @property
    def admin(self) -> Path:
        """The person's kubeconfig."""
        return self.home / "kubeconfig"

    def access(self, user: str) -> Path:
        """The kubeconfig of a part of the control plane."""
        return self.home / "access" / f"{user}.yaml"


def server_url(ports: Mapping[str, int]) -> str:
    """Where the Kubernetes API is."""
    return f"https://{HOST}:{ports['kube-apiserver']}"


def specs(layout: Layout, ports: Mapping[str, int], tool: Callable[[str], Path]) -> list[ProcessSpec]:
    """The five processes, in the order of their start.

    The files that they read must be there: what is in them is part of the fingerprint.
    """
    pki = layout.pki
    authority, etcd_authority = pki.certificate(CLUSTER), pki.certificate(ETCD)
    health = {"tls-cert-file": pki.certificate("health"), "tls-private-key-file": pki.key("health")}
    flags: dict[str, dict[str, object]] = {
        "etcd": _etcd(layout, ports),
        "kube-apiserver": _api_server(layout, ports),
        "kube-controller-manager": {
            **_client(layout.access("kube-controller-manager"), ports["kube-controller-manager"]),
            **health,
            "controllers": ",".join(CONTROLLERS),
            "use-service-account-credentials": "true",
            "service-account-private-key-file": pki.service_account_key,
            "root-ca-file": authority,
            "kube-api-qps": 200,  # the default of 20 makes its start wait for its own controllers' tokens
            "kube-api-burst": 400,
            "concurrent-gc-syncs": 5,
        },
        "kube-scheduler": {
            **_client(layout.access("kube-scheduler"), ports["kube-scheduler"]),
            **health,
        },
        "kwok": {
            "kubeconfig": layout.access("kwok"),
            "config": layout.stages,
            "manage-all-nodes": "false",
            "manage-nodes-with-annotation-selector": "kwok.x-k8s.io/node=fake",
            "node-lease-duration-seconds": LEASE_SECONDS,
            "node-ip": "10.245.0.1",
            "cidr": POD_NETWORK,
        },
    }
    inputs: dict[str, tuple[Path, ...]] = {
        "etcd": (pki.certificate("etcd"), etcd_authority),
        "kube-apiserver": (
            authority, etcd_authority, AUDIT_POLICY, pki.certificate("kube-apiserver"), pki.certificate("etcd-client"),
        ),
        "kube-controller-manager": (layout.access("kube-controller-manager"), authority, pki.certificate("health")),
        "kube-scheduler": (layout.access("kube-scheduler"), pki.certificate("health")),
        "kwok": (layout.access("kwok"), layout.stages),
    }  # fmt: skip
    return [_spec(name, tool(name), flags[name], inputs[name], layout.home) for name in ORDER]


def _etcd(layout: Layout, ports: Mapping[str, int]) -> dict[str, object]:
    """One member that only a certificate of its own authority opens, on both of its doors: it holds every Secret."""
    pki = layout.pki
    door, peers = f"https://{HOST}:{ports['etcd']}", f"https://{HOST}:{ports['etcd-peer']}"
    certificate, key, authority = pki.certificate("etcd"), pki.key("etcd"), pki.certificate(ETCD)
    return {
        "name": "rehearsal",
        "data-dir": layout.data,
        "listen-client-urls": door,
        "advertise-client-urls": door,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"rehearsal={peers}",
        "cert-file": certificate,
        "key-file": key,
        "client-cert-auth": "true",
        "trusted-ca-file": authority,
        "peer-cert-file": certificate,
        "peer-key-file": key,
        "peer-client-cert-auth": "true",
        "peer-trusted-ca-file": authority,
        "unsafe-no-fsync": "true",  # throw-away: a power cut may cost the rehearsal, and a start takes half the time
        "snapshot-count": 5000,  # fewer past entries in memory
        "log-level": "warn",
    }


def _api_server(layout: Layout, ports: Mapping[str, int]) -> dict[str, object]:
    pki = layout.pki
    return {
        "bind-address": HOST,
        "advertise-address": HOST,
        "secure-port": ports["kube-apiserver"],
        "endpoint-reconciler-type": "none",  # loopback can't be an endpoint of Service `kubernetes`
        "tls-cert-file": pki.certificate("kube-apiserver"),
        "tls-private-key-file": pki.key("kube-apiserver"),
        "client-ca-file": pki.certificate(CLUSTER),
        "anonymous-auth": "false",
        # Nobody holds a certificate of this name, so nobody may speak for others. Without the two the controller
        # manager and the scheduler, who learn them from the API server, complain twice a second.
        "requestheader-client-ca-file": pki.certificate(CLUSTER),
        "requestheader-allowed-names": "rehearsal-front-proxy",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction,PodSecurity",
        "allow-privileged": "true",  # as in minikube: whether a pod may is for Pod Security to say
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-signing-key-file": pki.service_account_key,
        "service-account-key-file": pki.service_account_key,
        "service-cluster-ip-range": SERVICE_NETWORK,
        "etcd-servers": f"https://{HOST}:{ports['etcd']}",
        "etcd-cafile": pki.certificate(ETCD),
        "etcd-certfile": pki.certificate("etcd-client"),
        "etcd-keyfile": pki.key("etcd-client"),
        "audit-policy-file": AUDIT_POLICY,
        "audit-log-path": layout.audit_log,
        "audit-log-maxsize": 20,  # MB
        "audit-log-maxbackup": 3,
        "profiling": "false",
    }


def _client(kubeconfig: Path, port: int) -> dict[str, object]:
    """What the controller manager and the scheduler share. One of each: no election, and no wait for one."""
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": HOST,
        "secure-port": port,
        "leader-elect": "false",
        "profiling": "false",
    }


def _spec(name: str, program: Path, flags: Mapping[str, object], inputs: tuple[Path, ...], home: Path) -> ProcessSpec:
    argv = (str(program), *(f"--{flag}={value}" for flag, value in flags.items()))
    env = {"HOME": str(home), "PATH": os.defpath}  # no proxy, no kubeconfig, no GODEBUG of the person's
    digest = hashlib.sha256("\0".join([*argv, *(f"{key}={value}" for key, value in env.items())]).encode())
    for path in inputs:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return ProcessSpec(name, argv, env, digest.hexdigest())

"""minikube's reasons in the words of a hospital: its ids, what each means, what to do, and whether trying once more helps.

minikube's own advice is never passed on: some of it deletes. Ids are those of minikube v1.38.1, pkg/minikube/reason.
"""

import enum
from dataclasses import dataclass

from mininode.cluster.minikube.events import Failure


class Auto(enum.StrEnum):
    """What may be done without asking."""

    NOTHING = "nothing"
    AGAIN = "again"  # once more: such faults pass
    DOWNLOAD = "download"  # up to three times, with a wait between


@dataclass(frozen=True, slots=True)
class Reason:
    """One meaning, of one or several ids."""

    ids: tuple[str, ...]
    problem: str
    advice: str
    auto: Auto = Auto.NOTHING


_STOP = "Don't start it again by hand: minikube could reset the cluster. Look at the log"
_HOSTS = (
    "Let these hosts through your network: gcr.io, registry.k8s.io, *.pkg.dev, dl.k8s.io, storage.googleapis.com, github.com, "
    "docker.io; or set HTTPS_PROXY; or give the files by computer.minikube.cacheFolder"
)

REASONS: tuple[Reason, ...] = (
    Reason(
        ("PROVIDER_DOCKER_NOT_FOUND", "PROVIDER_PODMAN_NOT_FOUND"),
        "Docker is not installed",
        "Install it: https://docs.docker.com/engine/install/ (Debian, Ubuntu: sudo apt install docker.io)",
    ),
    Reason(
        ("PROVIDER_DOCKER_NOT_RUNNING",),
        "Docker is installed but does not answer",
        "Start it: sudo systemctl enable --now docker; see what `docker version` says",
    ),
    Reason(
        ("PROVIDER_DOCKER_NEWGRP",),
        "your user may not use Docker",
        "sudo usermod -aG docker $USER, then log out and in. Members of that group can become root",
    ),
    Reason(
        (
            "PROVIDER_DOCKER_INCORRECT_ARCH", "PROVIDER_DOCKER_DESKTOP_VERSION_BAD", "PROVIDER_DOCKER_VERSION_ERROR",
            "PROVIDER_DOCKER_VERSION_EXIT_1",
        ),
        "this Docker can't be used: its version or its processor type",
        "Install a newer Docker for this processor",
    ),
    Reason(("PROVIDER_DOCKER_CONTAINER_OS",), "Docker runs Windows containers", "Switch Docker Desktop to Linux containers"),
    Reason(
        ("PROVIDER_DOCKER_NOEXEC",), "Docker's disk is mounted noexec", "Mount the disk of /var/lib/docker without noexec"
    ),
    Reason(
        ("PROVIDER_KVM2_NOT_FOUND", "PR_KVM_USER_PERMISSION", "PR_KVM_SOCKET", "PR_KVM_MISSING_NETWORK"),
        "libvirt is missing, stopped or closed to you",
        "mininode uses Docker: install it and run the same command again",
    ),
    Reason(
        ("PR_HYPERV_AS_ADMIN", "PR_HYPERV_MODULE_NOT_INSTALLED", "DRV_HYPERV_NO_VSWITCH"),
        "Hyper-V is not ready",
        "mininode uses Docker Desktop: install it and run the same command again",
    ),
    Reason(
        ("DRV_NOT_DETECTED", "DRV_DOCKER_NOT_RUNNING", "DRV_NOT_HEALTHY", "DRV_NOT_FOUND"),
        "no container engine works here",
        "Install Docker, start it, and try `docker run --rm hello-world`",
    ),
    Reason(("DRV_UNSUPPORTED_OS",), "this kind of computer can't run the node", "Use Linux on amd64 or arm64"),
    Reason(
        ("DRV_AS_ROOT",), "minikube refuses to run as root", "Run the command as an ordinary user of the group docker, without sudo"
    ),
    Reason(("DRV_NEEDS_ROOT",), "this driver needs root", "mininode uses Docker: leave the driver as it is"),
    Reason(("DRV_CP_ENDPOINT",), "the node's address could not be read", "sudo systemctl restart docker", Auto.AGAIN),
    Reason(
        ("RSRC_INSUFFICIENT_CORES", "RSRC_DOCKER_CORES"),
        "there are too few processors",
        "A node needs 2 at least. With Docker Desktop: Settings, Resources",
    ),
    Reason(
        (
            "RSRC_INSUFFICIENT_REQ_MEMORY", "RSRC_INSUFFICIENT_SYS_MEMORY", "RSRC_INSUFFICIENT_CONTAINER_MEMORY",
            "RSRC_DOCKER_MEMORY", "RSRC_OVER_ALLOC_MEM",
        ),
        "there is too little memory",
        "Set computer.memory lower, or give the computer (with Docker Desktop: Settings, Resources) more",
    ),
    Reason(
        ("RSRC_INSUFFICIENT_STORAGE", "RSRC_DOCKER_STORAGE", "RSRC_PODMAN_STORAGE", "GUEST_PROVISION_NOSPACE"),
        "the disk is full",
        "Make room on the disk of /var/lib/docker (df -h; docker system df shows what images take). Nothing was removed for you",
    ),
    Reason(
        ("HOST_HOME_PERMISSION", "HOST_HOME_MKDIR", "HOST_HOME_CHOWN", "HOST_KUBECONFIG_PERMISSION", "HOST_KUBECONFIG_WRITE"),
        "files of the installation belong to somebody else, perhaps from a run with sudo",
        "sudo chown -R $USER ~/.local/state/mininode",
    ),
    Reason(
        ("HOST_JUJU_LOCK_PERMISSION",),
        "a lock file of another user is in the temporary folder",
        "Ask that user to remove /tmp/juju-*, or restart the computer",
    ),
    Reason(
        ("HOST_CONFIG_LOAD", "GUEST_CONFIG_CORRUPT"),
        "the cluster's settings file is damaged",
        "Put the copy back that lies in .mininode/snapshots of the data folder",
    ),
    Reason(
        ("HOST_VIRT_UNAVAILABLE", "HOST_VTX_DISABLED", "HOST_VTX_UNAVAILABLE", "HOST_SVM_DISABLED"),
        "the processor's virtualisation is off",
        "Switch it on in the firmware, or use Docker on Linux, which needs none",
    ),
    Reason(
        ("HOST_CPU_DELEGATION", "HOST_PIDS_CGROUP", "HOST_ROOT_CGROUP", "HOST_CGROUP_NOT_SUPPORTED"),
        "the kernel's control groups are not set up for this engine",
        "Use Docker with root rights (not rootless) on a system with control groups v2",
    ),
    Reason(("HOST_PATH_MISSING",), "a folder of this computer is not there", "Mount the disk of computer.dataFolder"),
    Reason(
        ("IF_DEDICATED_NETWORK", "IF_HOST_CIDR_CONFLICT", "PR_DOCKER_IP_CONFLICT"),
        "the address range of the node's network is in use here",
        'Name a free one: computer.minikube.startArguments: ["--subnet=172.30.0.0/24"]',
    ),
    Reason(
        ("IF_SSH_AUTH", "IF_SSH_NO_RESPONSE", "IF_SSH_TIMEOUT", "PR_DOCKER_NO_SSH"),
        "the node's machine does not answer",
        "A firewall or a VPN may block Docker's networks: let 192.168.49.0/24 through",
        Auto.AGAIN,
    ),
    Reason(
        ("INET_LOOKUP_HOST", "INET_PROXY_CONFUSION", "INET_NOT_TLS", "INET_PROXY_503"),
        "a name can't be looked up, or the proxy's settings are wrong",
        "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and the computer's name server",
    ),
    Reason(
        (
            "INET_DOWNLOAD_TIMEOUT", "INET_DOWNLOAD_BLOCKED", "INET_PULL_TIMEOUT", "INET_GCR_UNAVAILABLE",
            "INET_RESET_BY_PEER", "INET_TLS_OVERSIZED",
        ),
        "a download is blocked",
        _HOSTS,
        Auto.DOWNLOAD,
    ),
    Reason(
        (
            "INET_CACHE_BINARIES", "INET_CACHE_KUBECTL", "INET_CACHE_TAR", "INET_REPO", "INET_VERSION_UNAVAILABLE",
            "K8S_FAIL_CONNECT",
        ),
        "a file of Kubernetes could not be had",
        _HOSTS,
        Auto.DOWNLOAD,
    ),
    Reason(("INET_DEFAULT_ROUTE",), "this computer has no network route", "Connect it to a network"),
    Reason(
        ("GUEST_DRIVER_MISMATCH",),
        "the cluster that is there uses another engine",
        "It is kept as it is: run the same command with the engine that it was made with",
    ),
    Reason(
        ("GUEST_MOUNT_CONFLICT",),
        "the cluster that is there keeps its data in another folder",
        "Nothing was changed on the data. Set computer.dataFolder back; docs/move-data.md tells how to move it",
    ),
    Reason(
        ("GUEST_PORT_IN_USE",),
        "a port is in use by another program",
        "`sudo ss -ltnp` names it; or set computer.ports",
    ),
    Reason(
        ("GUEST_MOUNT", "GUEST_MOUNT_COULD_NOT_CONNECT"),
        "the data folder can't be shared with the node",
        "A firewall may block it; with Docker Desktop the folder must be shared in its settings",
    ),
    Reason(
        (
            "GUEST_PROVISION", "GUEST_PROVISION_CONTAINER_EXITED", "GUEST_PROVISION_EXIT_UNEXPECTED", "GUEST_START",
            "GUEST_STATUS", "GUEST_NODE_START", "GUEST_NODE_PROVISION", "GUEST_CERT",
        ),
        "the node's machine could not start",
        "Look at the log for a word of Docker's; a port in use and a full disk are the usual causes",
        Auto.AGAIN,
    ),
    Reason(
        ("GUEST_PROVISION_ACQUIRE_LOCK",), "another minikube command is at work", "Wait until it is done", Auto.AGAIN
    ),
    Reason(
        ("GUEST_NOT_FOUND", "GUEST_DOES_NOT_EXIST", "GUEST_KVM2_NO_DOMAIN"),
        "the node's machine was removed by somebody",
        "The data folder is intact: run the same command again",
    ),
    Reason(("GUEST_STOP_TIMEOUT",), "the node did not stop in time", "Run it again", Auto.AGAIN),
    Reason(
        (
            "GUEST_STORAGE_DRIVER_BTRFS", "GUEST_INCORRECT_ARCH", "GUEST_CNI_INCOMPATIBLE", "GUEST_MISSING_CONNTRACK",
        ),
        "this computer's file system, processor or packages don't suit",
        "Let Docker use overlay2 on ext4 or xfs (docker info shows it), and leave computer.minikube.startArguments empty",
    ),
    Reason(
        (
            "RUNTIME_ENABLE", "RT_DOCKER_RESTART", "RT_DOCKER_EXIT_5", "RT_DOCKER_UNAVAILABLE", "RT_CRIO_EXIT_5",
            "K8S_INSTALL_FAILED_CONTAINER_RUNTIME_NOT_RUNNING",
        ),
        "the container engine inside the node is broken",
        "Look at the log",
        Auto.AGAIN,
    ),
    Reason(
        (
            "K8S_APISERVER_MISSING", "K8S_APISERVER_TIMEOUT", "K8S_UNHEALTHY_CONTROL_PLANE", "K8S_DNS_TIMEOUT",
            "K8S_KUBELET_NOT_RUNNING", "K8S_INSTALL_FAILED",
        ),
        "Kubernetes did not come up",
        _STOP,
    ),
    Reason(
        ("K8S_DOWNGRADE_UNSUPPORTED", "K8S_OLD_UNSUPPORTED", "K8S_NEW_UNSUPPORTED", "MK_PATCH_NOT_FOUND"),
        "this version of Kubernetes is not possible here",
        "Leave computer.minikube.kubernetesVersion as it was",
    ),
    Reason(
        ("MK_USAGE",), "minikube does not understand the call", "`mininode tools doctor` shows its version"
    ),
    Reason(("MK_INTERRUPTED",), "it was stopped", "Run the same command again"),
    Reason(
        ("MK_ADDON_ENABLE", "MK_ADDON_ENABLE_PAUSED", "SVC_ADDON_UNSUPPORTED", "SVC_TIMEOUT"),
        "an optional part of the cluster did not come up",
        "Run the same command again",
        Auto.AGAIN,
    ),
    Reason(("SVC_NOT_FOUND",), "a service is not there", "Run the same command again"),
    Reason(
        ("NOT_FOUND_CRI_DOCKERD", "NOT_FOUND_DOCKERD", "NOT_FOUND_CNI_PLUGINS"),
        "programs are missing that only another driver needs",
        "mininode uses Docker: leave the driver as it is",
    ),
    Reason(
        ("NOT_FOUND_VMNET_HELPER", "NOT_FOUND_SOCKET_VMNET", "NOT_CONFIGURED_VMNET_HELPER"),
        "a network helper of macOS is missing",
        "Use Docker Desktop",
    ),
)
_BY_ID = {name: reason for reason in REASONS for name in reason.ids}
# Docker's own words come inside a general reason.
_TEXTS = (
    ("already allocated", "GUEST_PORT_IN_USE"),
    ("address already in use", "GUEST_PORT_IN_USE"),
    ("no space left on device", "RSRC_DOCKER_STORAGE"),
)


def reason_of(failure: Failure) -> Reason:
    """What a failure means. For an id that is not known: id, code, a line of its message; never minikube's advice."""
    if failure.reason in {"GUEST_PROVISION", "GUEST_START", ""}:
        for text, better in _TEXTS:
            if text in failure.message:
                return _BY_ID[better]
    if known := _BY_ID.get(failure.reason):
        return known
    line = next((line.strip() for line in failure.message.splitlines() if line.strip()), "it said nothing")
    name = failure.reason or "no reason"
    return Reason((failure.reason,), f"minikube ended with code {failure.code} ({name}): {line[:200]}", "Look at the log")

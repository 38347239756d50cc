"""Which driver minikube gets on which system, and how a folder of this computer is written for it.

Run for real on Linux with Docker. What is said of macOS and Windows comes from minikube's source and documents, is held by tables
of tests, and was not run on such a machine.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
_UNC = re.compile(r"^(\\\\|//)")


@dataclass(frozen=True, slots=True)
class Driver:
    """What a driver can do for us."""

    name: str
    purpose: str  # what a node on it is good for
    guest: str  # where the folder must appear, so that the provisioner's volumes lie in it
    before_kubernetes: bool  # mounted before a pod can start, or only afterwards


_KIC = "/var/hostpath-provisioner"  # bound onto /tmp/hostpath-provisioner when the node boots
_VM = "/tmp/hostpath-provisioner"  # noqa: S108 - a path in the node
DRIVERS: Mapping[str, Driver] = {
    "linux": Driver("docker", "people", _KIC, before_kubernetes=True),
    "darwin": Driver("docker", "evaluation", _KIC, before_kubernetes=True),
    "windows": Driver("docker", "evaluation", _KIC, before_kubernetes=True),
}
VFKIT = Driver("vfkit", "evaluation", _VM, before_kubernetes=True)
# 9p mounts come after the control plane, so pods start on an empty folder; databases on 9p lose locks and flushes.
REFUSED: Mapping[str, str] = {
    "kvm2": "its folders are shared by 9p, on which databases lose data",
    "qemu": "its folders are shared by 9p, on which databases lose data",
    "hyperv": "its folders are shared by 9p, on which databases lose data",
    "virtualbox": "its folders are shared by its own file system, on which databases lose data",
    "vmware": "its folders are shared by 9p, on which databases lose data",
    "podman": "minikube calls it experimental",
    "none": "deleting such a cluster deletes folders of the computer",
    "ssh": "a folder of this computer can't be shared with another one",
}


class BadFolder(ValueError):
    """The folder can't be given to minikube; the text says why."""


def host_folder(text: str, system: str) -> str:
    """The folder as minikube takes it, always the same bytes for the same folder. Raises BadFolder with the reason."""
    if system == "windows":
        return _windows(text)
    if not text.startswith("/"):
        raise BadFolder("write the whole path, beginning with /")
    if bad := [sign for sign in ":,\n" if sign in text]:
        raise BadFolder(f"a path for minikube may not hold {bad[0]!r}")
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise BadFolder("write the path without '..'")
    if not parts:
        raise BadFolder("the whole disk can't be the data folder")
    return "/" + "/".join(parts)


def _windows(text: str) -> str:
    if _UNC.match(text):
        raise BadFolder("minikube does not understand network paths: use a folder of a drive")
    if not _DRIVE.match(text):
        raise BadFolder("write the whole path, beginning with a drive such as C:\\")
    if "," in text or ":" in text[2:]:
        raise BadFolder("a path for minikube may not hold ',' or a second ':'")
    drive, rest = text[0].upper(), text[2:].replace("/", "\\").rstrip("\\")  # minikube knows upper-case drives only
    if not rest:
        raise BadFolder("the whole disk can't be the data folder")
    return f"{drive}:{rest}"

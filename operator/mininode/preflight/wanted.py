"""From a configuration to the wish that checks judge against: amounts, folder, and the hosts that are downloaded from."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import platformdirs

from mininode.assets import asset
from mininode.documents import yaml_document
from mininode.preflight.seen_clusters import TOOLS, profile_home
from mininode.preflight.wish import Wish
from mininode.toolbox.lock import ToolLock, this_platform

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

_UNITS = {"M": 10**6, "G": 10**9, "T": 10**12, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
# What minikube itself downloads (base image, Kubernetes' images, preload): its source, v1.38.1.
_MINIKUBE = ("gcr.io", "registry.k8s.io", "storage.googleapis.com", "dl.k8s.io")
_DOCKER_HUB = {"docker.io": "registry-1.docker.io"}


def wish_for(
    site: "SiteConfig",
    way: str,
    data: Path | None = None,
    kubeconfig: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Wish:
    """What installing this node by this way asks of the computer."""
    node = site.node
    sizes = node.storage.sizes
    computer = site.computer
    folder = data or (Path(computer.data_folder) if computer.data_folder else default_data())
    made = profile_home(computer.minikube.profile) / "kubeconfig"
    return Wish(
        way=way,
        profile=node.profile.value,
        domain=node.domain,
        tls=node.tls.mode.value,
        exposure=node.exposure.mode.value,
        data=str(folder),
        data_bytes=sum(bytes_of(value) for value in sizes.model_dump().values() if isinstance(value, str)),
        hosts=hosts(way, node.image_mirror or "", environment),
        kubeconfig=str(kubeconfig or (made if way == "minikube" else "")),
        ports=(computer.ports.http, computer.ports.https),
        cluster=computer.minikube.profile,
    )


def default_data() -> Path:
    """Where a node on this computer keeps its data when the configuration does not say."""
    return platformdirs.user_data_path("mininode", appauthor=False) / "data"


def bytes_of(size: str) -> int:
    """A size of the configuration in bytes."""
    found = re.fullmatch(r"(\d+)(M|G|T|Mi|Gi|Ti)", size)
    return int(found[1]) * _UNITS[found[2]] if found else 0


def hosts(way: str, mirror: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The hosts that this way downloads from. Mirrors stand in for the publishers' own."""
    if way == "rehearsal":
        return ()
    wanted: list[str] = []
    if named := environment.get("MININODE_MIRROR"):
        wanted.append(urlsplit(named).netloc.rpartition("@")[2])
    else:
        wanted.extend(_publishers(way))
    if mirror:
        wanted.append(mirror.partition("/")[0])
    else:
        wanted.extend(_registries())
    if way == "minikube":
        wanted.extend(_MINIKUBE)
    return tuple(dict.fromkeys(host for host in wanted if host))


def _publishers(way: str) -> list[str]:
    lock, platform = ToolLock.load(), this_platform()
    artifacts = [lock.pin(name).artifact(platform) for name in TOOLS[way]]
    return [urlsplit(one.url).netloc for one in artifacts if one]


def _registries() -> list[str]:
    images = yaml_document(asset("images.lock.yaml").read_text())["images"]
    names = [str(one["repository"]).partition("/")[0] for one in images.values()]
    return [_DOCKER_HUB.get(name, name) for name in names]

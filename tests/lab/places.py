"""Where the lab keeps what it makes, and the versions that it is made of."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import platformdirs

HERE = Path(__file__).parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "operator"))  # the environment knows the product's libraries, the checkout is the product

MINIKUBE = "v1.38.1"
KUBERNETES = "v1.35.1"  # the newest that this minikube knows: another one is asked for on the Internet
BASE_IMAGE = "mininode-lab/kicbase:1"
# What kubeadm of that version and minikube call their images; looked up in `kubeadm config images list` and minikube's source.
CLUSTER_IMAGES = {
    "kube-apiserver": f"registry.k8s.io/kube-apiserver:{KUBERNETES}",
    "kube-controller-manager": f"registry.k8s.io/kube-controller-manager:{KUBERNETES}",
    "kube-scheduler": f"registry.k8s.io/kube-scheduler:{KUBERNETES}",
    "kube-proxy": f"registry.k8s.io/kube-proxy:{KUBERNETES}",
    "etcd": "registry.k8s.io/etcd:3.6.6-0",
    "coredns": "registry.k8s.io/coredns/coredns:v1.13.1",
    "pause": "registry.k8s.io/pause:3.10.1",
    "storage-provisioner": "gcr.io/k8s-minikube/storage-provisioner:v5",
}


@dataclass(frozen=True)
class Places:
    """The lab's folders. All that is made lies below `root`; `run` is gone after a reboot, as the engine is."""

    root: Path
    run: Path = Path("/run/mininode-lab")

    @property
    def programs(self) -> Path:
        return self.root / "programs"

    @property
    def home(self) -> Path:
        """MINIKUBE_HOME of clusters that are started in the lab; minikube's caches lie in it."""
        return self.root / "home"

    @property
    def cache(self) -> Path:
        """minikube's cache."""
        return self.home / ".minikube" / "cache"

    @property
    def socket(self) -> Path:
        return self.run / "docker.sock"

    def environment(self) -> dict[str, str]:
        """What a process needs to use the lab's engine and minikube."""
        return {
            "DOCKER_HOST": f"unix://{self.socket}",
            "MINIKUBE_HOME": str(self.home),
            "MINIKUBE_IN_STYLE": "0",
            "MINIKUBE_WANTUPDATENOTIFICATION": "false",
            "LC_ALL": "C",
        }


def places() -> Places:
    """The lab of this user; MININODE_LAB names another folder."""
    given = os.environ.get("MININODE_LAB")
    return Places(Path(given) if given else platformdirs.user_cache_path("mininode-lab", appauthor=False))


def cannot_be_here(why: str) -> NoReturn:
    """End with the code for it: the machine has not what the lab needs, which is no mistake of the lab's."""
    say(why)
    raise SystemExit(os.EX_UNAVAILABLE)


def say(line: str) -> None:
    print(line, flush=True)

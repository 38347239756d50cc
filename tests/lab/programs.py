"""The programs that the lab is made of, compiled from Go modules: the toolbox's where it has them, its own for the rest.

usage: programs.py [NAME …]   compile and print the paths
"""

import hashlib
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from places import HERE, KUBERNETES, Places, places, say

from mininode.toolbox import Toolbox
from mininode.toolbox.build import GoBuilder
from mininode.toolbox.lock import HOME, ToolLock, WrapperModule
from mininode.toolbox.locking import only_one

_KUBERNETES = ToolLock.load().tools["kubectl"].build
_SMALL = "-s -w"


@dataclass(frozen=True)
class Program:
    """One program: a package of a wrapper module in modules/, and the version that the module pins."""

    name: str
    module: str
    package: str
    version: str
    ldflags: str = _SMALL
    tags: str = ""
    cgo: bool = False


def _kubernetes(name: str) -> Program:
    assert _KUBERNETES is not None
    return Program(name, "kubernetes", f"k8s.io/kubernetes/cmd/{name}", KUBERNETES, _KUBERNETES.ldflags)


def _containerd(name: str) -> Program:
    package = f"github.com/containerd/containerd/v2/cmd/{name}"
    return Program(name, "containerd", package, "v2.4.2", tags="no_btrfs,no_devmapper")


def _cni(path: str) -> Program:
    name = path.rpartition("/")[2]
    return Program(f"cni-{name}", "cni", f"github.com/containernetworking/plugins/plugins/{path}", "v1.9.1")


def _buildkit(name: str) -> Program:
    version = "v0.26.3"
    ldflags = f"{_SMALL} -X github.com/moby/buildkit/version.Version={version}"
    return Program(name, "buildkit", f"github.com/moby/buildkit/cmd/{name}", version, ldflags)


PROGRAMS = (
    Program("runc.real", "runc", "github.com/opencontainers/runc", "v1.5.2", tags="seccomp", cgo=True),
    Program("runc", "node", "./runc", "1"),
    Program("pause", "node", "./pause", "1"),
    Program("crictl", "node", "./crictl", "1"),
    *(_cni(path) for path in ("main/bridge", "ipam/host-local", "main/loopback", "meta/portmap", "meta/firewall", "meta/tuning")),
    *(_containerd(name) for name in ("ctr", "containerd-shim-runc-v2", "containerd")),
    *(_kubernetes(name) for name in ("kubelet", "kubeadm", "kube-proxy")),
    Program("storage-provisioner", "provisioner", ".", "v5"),
    Program("coredns", "coredns", ".", "v1.15.0"),
    *(_buildkit(name) for name in ("buildctl", "buildkitd")),
    Program("caddy", "caddy", "github.com/caddyserver/caddy/v2/cmd/caddy", "v2.11.9"),
)
FOR_IMAGES = ("caddy",)  # no part of a cluster: only the applications' images ask for them
FROM_TOOLBOX = ("kubectl", "minikube", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def compiled(where: Places, environment: Mapping[str, str], *names: str) -> dict[str, Path]:
    """Paths of a cluster's programs, or of those named; what is missing is compiled."""
    box = Toolbox.from_environment(say)
    found = {name: box.get(name).path for name in FROM_TOOLBOX if not names or name in names}
    for program in PROGRAMS:
        if program.name in names or not (names or program.name in FOR_IMAGES):
            found[program.name] = _one(program, where, environment)
    return found


def _one(program: Program, where: Places, environment: Mapping[str, str]) -> Path:
    modules = HOME / "modules" if program.module == "kubernetes" else HERE / "modules"
    # The version alone does not tell one commit of a wrapper module or of our own source from another.
    folder = where.programs / program.name / f"{program.version}-{_content(modules / program.module)}"
    target = folder / program.name
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder / ".lock", say, f"it compiles {program.name}"):
        for left in folder.glob(".part-*"):
            shutil.rmtree(left, ignore_errors=True)
        if target.exists():
            return target
        builder = replace(GoBuilder(say, modules, environment), cgo=program.cgo)
        module = WrapperModule(folder=program.module)
        with builder.compiled(
            program.name, program.version, module, program.package, program.ldflags, folder, program.tags
        ) as part:
            part.replace(target)
    return target


def _content(folder: Path) -> str:
    """What is in a module, in short."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return state.hexdigest()[:12]


if __name__ == "__main__":
    import os

    for name, path in compiled(places(), os.environ, *sys.argv[1:]).items():
        say(f"{name}: {path}")

"""The images of a cluster's own pods under the names that kubeadm and minikube ask for, each a layer of few files."""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from oci import Entry, Folder, Image, Link, write_archive, write_layer
from places import CLUSTER_IMAGES, KUBERNETES, Places, say

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BASE: dict[str, Entry] = {
    "/etc/passwd": b"root:x:0:0::/:/sbin/nologin\nnonroot:x:65532:65532::/:/sbin/nologin\n",
    "/etc/group": b"root:x:0:\nnonroot:x:65532:\n",
    "/etc/nsswitch.conf": b"hosts: files dns\n",
    "/tmp": Folder(),  # noqa: S108 - in the image
}
# name -> where the program lies in the image, and the image's configuration
_PROGRAMS: dict[str, tuple[str, dict[str, object]]] = {
    **{
        name: (f"/usr/local/bin/{name}", {"Entrypoint": [f"/usr/local/bin/{name}"]})
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    },
    "etcd": ("/usr/local/bin/etcd", {"Cmd": ["etcd"]}),
    "coredns": ("/coredns", {"Entrypoint": ["/coredns"], "User": "65532:65532"}),
    "pause": ("/pause", {"Entrypoint": ["/pause"], "User": "65535:65535"}),
    "storage-provisioner": ("/storage-provisioner", {"Cmd": ["/storage-provisioner"]}),
}


def build(where: Places, programs: Mapping[str, Path], node: Path) -> Path:
    """One archive with all of them, made anew when it would be another one."""
    paths = "".join(str(programs[name]) for name in CLUSTER_IMAGES)  # a program's path tells its content
    key = hashlib.sha256((paths + Path(__file__).read_text(encoding="utf-8")).encode()).hexdigest()[:12]
    target = where.root / "images" / f"cluster-{KUBERNETES}-{key}.tar"
    if target.exists():
        return target
    for old in target.parent.glob("cluster-*"):
        old.unlink()
    say("images of the cluster's own pods")
    layers = where.root / "layers"
    layers.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    certificates = node / "etc/ssl/certs/ca-certificates.crt"
    images = []
    for name, reference in CLUSTER_IMAGES.items():
        path, config = _PROGRAMS[name]
        files: dict[str, Entry] = {**_BASE, path: programs[name], "/etc/ssl/certs/ca-certificates.crt": certificates.read_bytes()}
        if name == "kube-proxy":
            files.update(_packet_filter(node))
        layer = write_layer(files, layers / f"{name}.tar")
        images.append(Image((reference,), (layer,), {"Env": [_PATH], **config}))
    return write_archive(images, target)


def _packet_filter(node: Path) -> dict[str, Entry]:
    """iptables, conntrack, modprobe and a shell with the libraries that they need, out of the node's file system."""
    wanted = ["/usr/sbin/xtables-nft-multi", "/usr/sbin/conntrack", "/usr/bin/kmod", "/usr/bin/dash", "/usr/sbin/nft"]
    wanted += [f"/{path.relative_to(node)}" for path in (node / "usr/lib/x86_64-linux-gnu/xtables").glob("*.so")]
    done = subprocess.run(["chroot", node, "/usr/bin/ldd", *wanted], capture_output=True, text=True, check=False)
    libraries = {word for line in done.stdout.splitlines() for word in line.split() if word.startswith("/") and word[-1] != ":"}
    files: dict[str, Entry] = {path: node / path.strip("/") for path in wanted}
    for library in libraries:  # named under /lib, which is a link to /usr/lib
        path = library if library.startswith("/usr") else f"/usr{library}"
        files[path] = _real(node, path)
    files.update({f"/{name}": Link(f"usr/{name}") for name in ("bin", "lib", "lib64", "sbin")})
    for name in ("iptables", "ip6tables"):
        for end in ("", "-save", "-restore"):
            files[f"/usr/sbin/{name}{end}"] = files[f"/usr/sbin/{name}-nft{end}"] = Link("xtables-nft-multi")
    return {**files, "/usr/bin/sh": Link("dash"), "/usr/sbin/modprobe": Link("../bin/kmod"), "/run/lock": Folder()}


def _real(node: Path, path: str) -> Path:
    """The file that a path in the node's file system leads to, whose links are meant from its own top."""
    here = node / path.strip("/")
    while here.is_symlink():
        link = here.readlink()
        here = node / str(link).strip("/") if link.is_absolute() else here.parent / link
    return here

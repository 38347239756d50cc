"""The node's image, what minikube calls its base image: Debian, minikube's own static files, and programs of the lab."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from places import BASE_IMAGE, HERE, MINIKUBE, Places, say

# kicbase's Dockerfile, without Docker, CRI-O and Podman: containerd is the lab's runtime.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "conntrack", "iptables", "nftables", "iproute2", "ethtool",
    "socat", "util-linux", "mount", "ebtables", "udev", "kmod", "libseccomp2", "pigz", "bash", "ca-certificates", "curl",
    "rsync", "iputils-ping", "netcat-openbsd", "lz4", "zstd", "procps", "jq",
)  # fmt: skip
# minikube's file -> where it belongs and its mode; they lie in its Go module under deploy/kicbase.
_FROM_MINIKUBE = {
    "10-network-security.conf": ("etc/sysctl.d/10-network-security.conf", 0o644),
    "11-tcp-mtu-probing.conf": ("etc/sysctl.d/11-tcp-mtu-probing.conf", 0o644),
    "containerd.toml": ("etc/containerd/config.toml", 0o644),
    "containerd_docker_io_hosts.toml": ("etc/containerd/certs.d/docker.io/hosts.toml", 0o644),
    "entrypoint": ("usr/local/bin/entrypoint", 0o755),
    "automount/minikube-automount": ("usr/sbin/minikube-automount", 0o755),
    "automount/minikube-automount.service": ("usr/lib/systemd/system/minikube-automount.service", 0o644),
    "scheduled-stop/minikube-scheduled-stop": ("var/lib/minikube/scheduled-stop/minikube-scheduled-stop", 0o755),
    "scheduled-stop/minikube-scheduled-stop.service": ("usr/lib/systemd/system/minikube-scheduled-stop.service", 0o644),
}
_OURS = {
    "containerd.service": "usr/lib/systemd/system/containerd.service",
    "buildkit.service": "usr/lib/systemd/system/buildkit.service",
    "buildkit.socket": "usr/lib/systemd/system/buildkit.socket",
    "buildkitd.toml": "etc/buildkit/buildkitd.toml",
    "sshd.conf": "etc/ssh/sshd_config.d/lab.conf",
}
_PROGRAMS = {
    "containerd": "usr/bin", "containerd-shim-runc-v2": "usr/bin", "ctr": "usr/bin", "runc": "usr/bin", "runc.real": "usr/bin",
    "crictl": "usr/local/bin", "buildkitd": "usr/local/bin", "buildctl": "usr/local/bin",
}  # fmt: skip


def base(where: Places) -> Path:
    """The Debian packages of the node, as a tar file; made once for this list of packages."""
    from debian import packed  # noqa: PLC0415 - images use it as well

    return packed(where, "node", PACKAGES)


def root(where: Places, programs: Mapping[str, Path]) -> Path:
    """The node's file system as a folder, made anew when what it is made of changed."""
    folder, mark = where.root / "node-root", where.root / "node-root.key"
    key = _key(where, programs)
    if folder.exists() and mark.exists() and mark.read_text() == key:
        return folder
    say("node image: file system")
    mark.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-C", folder, "-xpf", base(where)], check=True)
    source = _minikube_source() / "deploy" / "kicbase"
    for name, (target, mode) in _FROM_MINIKUBE.items():
        _install(source / name, folder / target, mode)
    containerd = folder / "etc/containerd/config.toml"
    # Without blanks around the sign: minikube's sed looks for them, and would set it back to false.
    text = containerd.read_text().replace("restrict_oom_score_adj = false", "restrict_oom_score_adj=true")
    containerd.write_text(text)
    for name, target in _OURS.items():
        _install(HERE / "node" / name, folder / target, 0o644)
    for name, target in _PROGRAMS.items():
        _install(programs[name], folder / target / name, 0o755)
    for name, path in programs.items():
        if name.startswith("cni-"):
            _install(path, folder / "opt/cni/bin" / name.removeprefix("cni-"), 0o755)
    _install(HERE / "node" / "setup.sh", folder / "setup.sh", 0o755)
    done = subprocess.run(["chroot", folder, "/bin/bash", "/setup.sh"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The node's setup.sh failed:\n{done.stderr[-2000:]}")
    (folder / "setup.sh").unlink()
    mark.write_text(key)
    return folder


def build(where: Places, folder: Path) -> None:
    """Give the image to the lab's engine, when it has not got the one of this file system."""
    docker = ["docker", "--host", f"unix://{where.socket}"]
    key = (where.root / "node-root.key").read_text()
    command = [*docker, "image", "inspect", "--format", '{{index .Config.Labels "mininode-lab"}}', BASE_IMAGE]
    seen = subprocess.run(command, capture_output=True, text=True, check=False)
    if seen.returncode == 0 and seen.stdout.strip() == key:
        return
    say(f"node image: {BASE_IMAGE}")
    with subprocess.Popen(["tar", "-C", folder, "--numeric-owner", "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run([*docker, "import", "-", "mininode-lab/raw:1"], stdin=tar.stdout, stdout=subprocess.DEVNULL, check=True)
    # Debian's engine refuses STOPSIGNAL as an import's change.
    lines = (
        "FROM mininode-lab/raw:1", "ENV container=docker", "EXPOSE 22", "STOPSIGNAL SIGRTMIN+3", f"LABEL mininode-lab={key}",
        'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
    )  # fmt: skip
    subprocess.run(
        [*docker, "build", "--quiet", "--tag", BASE_IMAGE, "-"],
        input="\n".join(lines), text=True, check=True, stdout=subprocess.DEVNULL,
        env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def _key(where: Places, programs: Mapping[str, Path]) -> str:
    parts = [Path(__file__).read_bytes(), *(path.read_bytes() for path in sorted((HERE / "node").iterdir()))]
    # Whatever folder the lab lies in: two of them on one machine use one engine, and the image once.
    parts += [f"{name} {str(path).removeprefix(str(where.root))}".encode() for name, path in sorted(programs.items())]
    parts.append(base(where).name.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _install(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def _minikube_source() -> Path:
    command = ["go", "mod", "download", "-json", f"k8s.io/minikube@{MINIKUBE}"]
    done = subprocess.run(command, cwd=HERE / "modules" / "provisioner", capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])

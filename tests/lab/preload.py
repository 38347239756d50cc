"""minikube's preload: images unpacked in containerd, and the cluster's programs, which a new node takes in one step.

What is in it is there in every new cluster, without a registry: the cluster's own images, and the lab's applications.
"""

import hashlib
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from oci import digest_of
from places import BASE_IMAGE, KUBERNETES, Places, cannot_be_here, say

_NAME = "mininode-lab-preload"
_BINARIES = ("kubeadm", "kubelet", "kubectl")
_SCHEMA = "v18"  # of minikube v1.38.1


def build(where: Places, programs: Mapping[str, Path], archives: Sequence[Path]) -> Path:
    """The preload with the images of these archives, made anew when one of them changed."""
    folder = where.cache / "preloaded-tarball"
    target = folder / f"preloaded-images-k8s-{_SCHEMA}-{KUBERNETES}-containerd-overlay2-amd64.tar.lz4"
    key = hashlib.sha256(" ".join(digest_of(path) for path in archives).encode()).hexdigest()
    mark = where.root / "preload.key"
    _place_binaries(where, programs)
    if target.exists() and mark.exists() and mark.read_text() == key:
        return target
    say(f"preload: {len(archives)} archives of images")
    folder.mkdir(parents=True, exist_ok=True)
    docker = ["docker", "--host", f"unix://{where.socket}"]

    def in_node(*command: str) -> None:
        subprocess.run([*docker, "exec", _NAME, *command], check=True, stdout=subprocess.DEVNULL)

    _remove(docker)
    try:
        mounts = [f"--volume={_NAME}:/var"] + [f"--volume={path}:/archives/{number}.tar:ro" for number, path in enumerate(archives)]
        flags = ["--privileged", "--security-opt", "seccomp=unconfined", "--tmpfs", "/tmp", "--tmpfs", "/run"]  # noqa: S108
        run = [*docker, "run", "--detach", "--tty", "--name", _NAME, *flags, *mounts, BASE_IMAGE]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
        _wait_for_systemd(docker)
        in_node("systemctl", "start", "containerd")
        for number in range(len(archives)):
            in_node("ctr", "--namespace", "k8s.io", "images", "import", "--local", f"/archives/{number}.tar")
        in_node("systemctl", "stop", "containerd")
        in_node("mkdir", "-p", f"/var/lib/minikube/binaries/{KUBERNETES}")
        for name in _BINARIES:
            command = [*docker, "cp", str(programs[name]), f"{_NAME}:/var/lib/minikube/binaries/{KUBERNETES}/{name}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        part = target.with_name(target.name + ".part")
        pack = "cd /var && tar --numeric-owner --xattrs -cf - lib/containerd lib/minikube/binaries | lz4 -q -1"
        with part.open("wb") as output:
            subprocess.run([*docker, "exec", _NAME, "bash", "-o", "pipefail", "-c", pack], check=True, stdout=output)
        mark.unlink(missing_ok=True)
        part.replace(target)
        mark.write_text(key)
    finally:
        _remove(docker)
    return target


def _place_binaries(where: Places, programs: Mapping[str, Path]) -> None:
    """minikube looks for the cluster's programs in its cache before it asks the publisher."""
    folder = where.cache / "linux" / "amd64" / KUBERNETES
    folder.mkdir(parents=True, exist_ok=True)
    for name in _BINARIES:
        there = folder / name
        if not there.exists() or there.stat().st_mtime < programs[name].stat().st_mtime:
            part = folder / f".{name}.part"
            part.write_bytes(programs[name].read_bytes())
            part.chmod(0o755)
            part.replace(there)


def _wait_for_systemd(docker: list[str]) -> None:
    deadline = time.monotonic() + 60
    command = [*docker, "exec", _NAME, "systemctl", "is-system-running"]
    while time.monotonic() < deadline:
        state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        if state in ("running", "degraded"):
            return
        time.sleep(0.5)
    cannot_be_here("The node's image did not come up within 60 s: look with docker logs.")


def _remove(docker: list[str]) -> None:
    for command in (["rm", "--force", _NAME], ["volume", "rm", "--force", _NAME]):
        subprocess.run([*docker, *command], capture_output=True, check=False)

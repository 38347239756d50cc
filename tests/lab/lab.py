"""A real minikube on a machine that has neither a container engine nor the Internet: Debian packages and Go modules are enough.

usage: lab.py up       make what is missing (half an hour with cold caches, seconds when all is there) and start the engine;
                      ends with 69 (EX_UNAVAILABLE) where the machine has not what it needs
       lab.py down     stop the engine; what was made stays
       lab.py kill     end the engine as a power cut does (tests)
       lab.py env      the environment variables that use it, as lines for a shell

Where the machine has an engine of its own and reaches the publishers, `up` says so and makes nothing: minikube needs no more.
Everything lies in the user's cache folder, `mininode-lab` (MININODE_LAB names another one); delete it when the lab is down.
"""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import cluster_images
import engine
import node_image
import preload
from images import recipes
from places import BASE_IMAGE, KUBERNETES, Places, cannot_be_here, places, say
from programs import compiled

from mininode.toolbox.locking import only_one

# command that shows that a Debian package is there -> the package
_PACKAGES = {
    "/usr/sbin/dockerd": "docker.io", "/usr/bin/mmdebstrap": "mmdebstrap", "/usr/sbin/iptables": "iptables",
    "/usr/sbin/conntrack": "conntrack", "/usr/include/seccomp.h": "libseccomp-dev", "/usr/bin/pkg-config": "pkg-config",
    "/usr/bin/lz4": "lz4", "/usr/bin/gcc": "gcc", "/usr/bin/make": "make",
}  # fmt: skip


def up(where: Places) -> None:
    if engine.elsewhere() and _internet():
        say("This machine has a container engine and reaches the publishers: minikube uses those, there is nothing to make.")
        return
    started = time.monotonic()
    if os.getuid():
        cannot_be_here("The lab starts a container engine and unpacks file systems: run it as root.")
    _install_packages()
    where.root.mkdir(parents=True, exist_ok=True)
    with only_one(where.root / ".lock", say, "it makes the lab"):
        for left in where.root.rglob("*.part"):
            left.unlink()
        programs = compiled(where, os.environ)
        _beside_each_other(where, programs)
        node = node_image.root(where, programs)
        engine.up(where, where.root / "bin" / "runc")
        node_image.build(where, node)
        archives = [cluster_images.build(where, programs, node), *recipes.build(where)]
        preload.build(where, programs, archives)
    say(f"The lab is up after {time.monotonic() - started:.0f} s: base image {BASE_IMAGE}, Kubernetes {KUBERNETES}.")


def _beside_each_other(where: Places, programs: dict[str, Path]) -> None:
    """The wrapper finds the real runc beside itself; minikube and kubectl are handy on one PATH."""
    folder = where.root / "bin"
    folder.mkdir(exist_ok=True)
    for name in ("runc", "runc.real", "minikube", "kubectl"):
        part = folder / f".{name}.part"
        shutil.copyfile(programs[name], part)
        part.chmod(0o755)
        part.replace(folder / name)


def _install_packages() -> None:
    missing = [package for path, package in _PACKAGES.items() if not Path(path).exists()]
    if missing:
        say(f"Debian packages: {', '.join(missing)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _internet() -> bool:
    """Whether the registry that a new cluster's images come from has an address here."""
    try:
        socket.getaddrinfo("registry.k8s.io", 443)
    except OSError:
        return False
    return True


def main(arguments: list[str]) -> int:
    where = places()
    match arguments:
        case ["up"]:
            up(where)
        case ["down"]:
            engine.down(where)
        case ["kill"]:
            engine.kill(where)
        case ["env"]:
            for name, value in where.environment().items():
                print(f"export {name}={shlex.quote(value)}")
            print(f'export PATH={shlex.quote(str(where.root / "bin"))}:"$PATH"')
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

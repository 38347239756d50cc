"""Free ports on loopback, remembered so that a rehearsal keeps its address from one start to the next."""

import errno
import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from mininode.cluster.files import write_private

HOST = "127.0.0.1"
NAMES = ("etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_HIGHEST = 65535


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As Go's servers do: connections of a server that has just ended (TIME_WAIT) don't block its successor.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_ports(count: int) -> list[int]:
    """Different free ports, chosen by the kernel. Somebody may take one before it is used: callers try again then."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def remembered(path: Path) -> dict[str, int]:
    """The ports written down last time; empty when there are none or the file is not ours."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: port for name in NAMES if isinstance(port := found.get(name), int) and 0 < port <= _HIGHEST}


def choose(path: Path, in_use: Callable[[str], bool]) -> Mapping[str, int]:
    """A port for every listener: the old one where it is free or our own process has it (`in_use`), else a new one."""
    ports = {name: port for name, port in remembered(path).items() if in_use(name) or is_free(port)}
    missing = [name for name in NAMES if name not in ports]
    ports.update(zip(missing, free_ports(len(missing)), strict=True))
    write_private(path, json.dumps(ports).encode())
    return ports


def forget(path: Path, names: frozenset[str]) -> None:
    """Don't use these listeners' ports again: somebody else was quicker."""
    kept = {name: port for name, port in remembered(path).items() if name not in names}
    write_private(path, json.dumps(kept).encode())

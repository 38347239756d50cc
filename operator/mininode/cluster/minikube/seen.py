"""What was seen of a minikube cluster and around it: values only."""

import enum
from dataclasses import dataclass
from typing import Any, Self

from mininode.cluster.engine import Engine
from mininode.cluster.minikube.wish import Wish


class Access(enum.StrEnum):
    """Our access file of the cluster."""

    ABSENT = "absent"
    FINE = "fine"
    BROKEN = "broken"  # can't be read as one, or names what is not there
    FOREIGN = "foreign"  # not ours to write


class Folder(enum.StrEnum):
    """The data folder."""

    ABSENT = "absent"
    EMPTY = "empty"
    OURS = "ours"  # with the marker of this installation
    KNOWN = "known"  # with the marker of a node of the same name, and nothing else is remembered here
    FOREIGN = "foreign"  # with another node's marker
    STRANGE = "strange"  # with files and no marker
    CLOSED = "closed"  # this user may not write in it


@dataclass(frozen=True, slots=True)
class Stored:
    """What minikube keeps of the cluster's settings."""

    driver: str
    runtime: str
    kubernetes: str
    cpus: int
    memory: int
    mounts: tuple[str, ...]
    ports: tuple[str, ...]

    @classmethod
    def of(cls, config: dict[str, Any]) -> Self:
        """From the profile's Config, as `profile list -o json` gives it."""
        inside = config.get("KubernetesConfig") or {}
        mounts = tuple(config.get("ContainerVolumeMounts") or ()) or tuple(filter(None, [config.get("MountString")]))
        return cls(
            driver=str(config.get("Driver", "")),
            runtime=str(inside.get("ContainerRuntime", "")),
            kubernetes=str(inside.get("KubernetesVersion", "")),
            cpus=int(config.get("CPUs") or 0),
            memory=int(config.get("Memory") or 0),
            mounts=mounts,
            ports=tuple(config.get("ExposedPorts") or ()),
        )


@dataclass(frozen=True, slots=True)
class Container:
    """The engine's container of the machine's name."""

    running: bool
    ours: bool  # it carries minikube's label
    data: str  # folder of this computer that is its data folder


@dataclass(frozen=True, slots=True)
class Record:
    """What we wrote down about the cluster that we made."""

    identity: str  # of the cluster's data: in the marker and in the sentinel
    made: bool  # False from before its creation until everything was proven
    tool: str  # the minikube that started it last
    wish: Wish
    stopped: bool = False  # by a person


@dataclass(frozen=True, slots=True)
class Seen:
    """One look, nothing changed by it."""

    uid: int
    engine: Engine
    remote: str = ""  # an engine of another computer
    tool: str = ""
    stored: Stored | None = None
    invalid: bool = False  # minikube can't read its own settings of the cluster
    host: str = ""  # Running, Stopped, Paused …
    bits: int = 0  # 1 machine, 2 Kubernetes, 4 access file: what is wrong
    container: Container | None = None
    volume: bool = False  # the engine's volume with the machine's disk
    access: Access = Access.ABSENT
    access_detail: str = ""
    record: Record | None = None
    folder: Folder = Folder.ABSENT
    ports: tuple[str, ...] = ()  # taken by others: "80 (nginx, process 12)"
    authentication: str = ""  # the file as it lies in minikube's home

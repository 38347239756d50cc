"""What was seen of a computer, as values. No judgement here, and nothing that was not seen."""

from dataclasses import dataclass, field

from mininode.cluster.engine import Engine


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something could not be looked at."""

    reason: str


@dataclass(frozen=True, slots=True)
class Machine:
    """Processor, memory, kernel."""

    cores: int
    memory: int  # bytes
    available: int  # bytes, as the kernel estimates it
    swap: int  # bytes
    swap_used: int  # bytes
    system: str  # Linux, Darwin, Windows
    kernel: str  # 6.1.0-18-amd64
    cgroup: int  # version 1 or 2; 0 when there is none
    controllers: frozenset[str] = frozenset()
    selinux: str = ""  # enforcing, permissive or empty
    apparmor: bool = False
    inotify_instances: int = 0  # 0: unknown
    root: bool = False
    sudo_user: str = ""  # who called sudo, if that is how we run


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that will hold data, and the disk below it."""

    path: str
    exists: bool
    on: str  # the folder itself, or the nearest one above it that exists
    filesystem: str  # ext4, nfs4, …; empty when unknown
    device: str
    free: int  # bytes
    total: int  # bytes
    acl: bool | None  # None: could not be told
    writable: bool


@dataclass(frozen=True, slots=True)
class Port:
    """One port of this computer."""

    number: int
    taken: bool = False
    address: str = ""
    holder: str = ""  # the program's name; empty when it is not ours to see
    pid: int = 0
    ours: bool = False  # our own node's door


@dataclass(frozen=True, slots=True)
class Name:
    """What the domain leads to."""

    domain: str
    addresses: tuple[str, ...]
    own: tuple[str, ...]  # addresses of this computer
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """How far this computer's clock is from others'."""

    skew: float | None  # s, ours minus theirs; None when nobody was there to compare with
    source: str = ""
    synchronized: bool | None = None  # as systemd says


@dataclass(frozen=True, slots=True)
class Host:
    """One host that is needed; `problem` is empty when it answered."""

    name: str
    problem: str = ""
    certificate: bool = False  # the problem is a certificate that is not trusted


@dataclass(frozen=True, slots=True)
class Network:
    """The way to the outside."""

    proxy: str  # address without a password; empty when there is none
    proxy_problem: str = ""  # why the proxy itself can't be used
    no_proxy: str = ""
    hosts: tuple[Host, ...] = ()
    clock: Clock = Clock(None)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of the site's own."""

    variable: str  # that names the file; empty when none does
    path: str = ""
    problem: str = ""
    subjects: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the toolbox."""

    name: str
    wanted: str
    version: str = ""  # empty when it is not here yet
    path: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is there of clusters: an access file, a minikube profile of our name, stray settings."""

    kubeconfig: str = ""
    kubeconfig_problem: str = ""
    container: str = ""  # state of a container called like our profile; empty when there is none
    container_home: str = ""  # folder of the minikube that made it, as its mounts tell
    profile: bool = False  # our own minikube home knows the profile
    stray: tuple[str, ...] = ()  # names of MINIKUBE_* variables that would be obeyed


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was seen; None for what nobody asked about."""

    machine: Machine | Unseen | None = None
    folder: Folder | Unseen | None = None
    software: Folder | Unseen | None = None  # where images and tools go
    ports: tuple[Port, ...] | Unseen | None = None
    name: Name | Unseen | None = None
    network: Network | Unseen | None = None
    authority: Authority | Unseen | None = None
    engine: Engine | Unseen | None = None
    programs: tuple[Program, ...] | Unseen | None = None
    cluster: Cluster | Unseen | None = None
    took: dict[str, float] = field(default_factory=dict)  # seconds by name

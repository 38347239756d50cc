"""What a node of a profile asks of its computer, and the wish that a check judges against. Pure.

The tiers are the federation's documented hardware (EUCAIM's user guide: tier 2 has 4 cores, 32 GB and 160 GB; tier 3 has 16
cores and 64 GB; about 5 people at a time). The least amounts are ours: what a node's pods ask for, with room for Kubernetes.
"""

from dataclasses import dataclass

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Amounts:
    """Processor and memory of a computer, and room for the software itself (images, Kubernetes, logs)."""

    cores: int
    memory: int  # bytes
    disk: int  # bytes


@dataclass(frozen=True, slots=True)
class Demand:
    """What a profile needs: below `least` it does not run, below `tier` it does for few people."""

    least: Amounts
    tier: Amounts
    tier_name: str


_TIER_2 = Amounts(4, 32 * GIB, 160 * GIB)
_TIER_3 = Amounts(16, 64 * GIB, 521 * GIB)
DEMANDS = {
    "micro": Demand(Amounts(2, 6 * GIB, 20 * GIB), _TIER_2, "tier 2"),
    "mini": Demand(Amounts(4, 12 * GIB, 30 * GIB), _TIER_2, "tier 2"),
    "standard": Demand(Amounts(8, 24 * GIB, 60 * GIB), _TIER_3, "tier 3"),
}
REHEARSAL = Amounts(1, GIB, 2 * GIB)  # a control plane of 700 MB and its tools
MARKETING = 0.93  # "32 GB" of a data sheet leaves about 30 GiB to the operating system

HERE = frozenset({"minikube", "kind"})  # ways that make a cluster on this computer


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be installed, as far as a check needs to know it."""

    way: str  # rehearsal, minikube, kind or current
    profile: str = "micro"
    domain: str = "node.mininode.internal"
    tls: str = "acme"
    exposure: str = "edge"
    data: str = ""  # the folder that will hold the data
    data_bytes: int = 0  # what the volumes are to hold
    hosts: tuple[str, ...] = ()  # that the installation downloads from
    ports: tuple[int, ...] = (80, 443)  # of the public door
    cluster: str = "mininode"  # minikube's name of it
    kubeconfig: str = ""  # access file that will be used, where one is there already

    @property
    def here(self) -> bool:
        """Whether a cluster is made on this computer."""
        return self.way in HERE

    @property
    def least(self) -> Amounts:
        """Below this it does not run."""
        return REHEARSAL if self.way == "rehearsal" else DEMANDS[self.profile].least

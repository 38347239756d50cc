"""What a component is: data and pure functions. One file beside this one defines one component as `COMPONENT`.

Nothing here touches a network or a disk. A gate is code of its component all the same: it asks its questions through
`Probes`, which the engine answers with real connections.
"""

import datetime
import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mininode.api.spec import NodeSpec, Profile, Size, StorageSizes


class GateState(enum.StrEnum):
    """What is known of a component's gate."""

    PENDING = "Pending"  # not asked yet, or the answer was no; asked again
    HELD = "Held"  # observed to hold
    SIMULATED = "Simulated"  # the component's pods are simulated, so nothing can answer


@dataclass(frozen=True, slots=True)
class GateResult:
    """The answer of a gate, with the evidence in a sentence."""

    state: GateState
    evidence: str
    facts: Mapping[str, str] = field(default_factory=dict)  # fields of `Facts` that the gate saw, by name
    reason: str = ""  # why it does not hold, as one word for programs (api/conditions.py); empty where nobody asks for it


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a web server said; `json` is None when the body is no JSON."""

    status: int
    json: Any = None
    # Of a server that was asked through the public door: SHA-256 of its certificate, hexadecimal, and when that ends (RFC 3339).
    certificate: str = ""
    certificate_ends: str = ""


class Probes(Protocol):
    """Questions a gate may ask. Each raises `ProbeFailed` with a sentence when there is no answer at all."""

    async def http(
        self,
        url: str,
        *,
        method: str = "GET",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Ask a web server inside the cluster (10 s at most)."""

    async def door(self, path: str) -> HttpAnswer:
        """Ask for a path of the public address as the node's pods do: by https, through the door's Service, with their trust.

        What DNS says does not matter. A certificate that the pods would not accept is no answer.
        """

    async def service_ip(self, name: str) -> str:
        """The address of a Service of the node inside the cluster."""

    async def config(self, name: str, key: str) -> str:
        """What a ConfigMap of the node holds under a key."""

    async def postgres_login(self, *, host: str, port: int, database: str, user: str, password: str) -> None:
        """Log in to PostgreSQL and run `SELECT 1` (10 s at most)."""

    async def secret(self, name: str, key: str) -> str:
        """The value of a credential, for use in a question; never part of any evidence."""

    async def realm(self) -> GateResult:
        """Bring the node's realm to what is declared, and say whether it is so."""


class Upkeep(Protocol):
    """What a component keeps by itself in the node's namespace beside its chart's objects; the engine carries it out.

    Asked before each installation or upgrade, and again with each question to the gate: so it has to cost nothing while
    nothing is to be done, and what it makes must not depend on how often it was asked.
    """

    @property
    def now(self) -> datetime.datetime:
        """The time."""

    async def secret(self, name: str) -> Mapping[str, str] | None:
        """What a Secret holds; None when there is none."""

    async def config_map(self, name: str) -> Mapping[str, str] | None:
        """What a ConfigMap holds; None when there is none."""

    async def make_secret(self, name: str, data: Mapping[str, str]) -> None:
        """Make a Secret that is never overwritten and stays for ever, like a credential."""

    async def put_secret(self, name: str, data: Mapping[str, str]) -> None:
        """Make a Secret as it should be; it is written only when it differs."""

    async def put_config_map(self, name: str, data: Mapping[str, str], binary: Mapping[str, Callable[[], bytes]]) -> None:
        """Make a ConfigMap as it should be; it is written, and `binary` computed, only when `data` or a key differs."""

    async def announce(self, service: str) -> None:
        """Say that a Service of the class `mininode.cancerimage.eu/machine` is reached by the address of its pod's machine."""

    def tell(self, **facts: str) -> None:
        """Fields of `Facts` that were seen on the way; a gate's answer carries them."""

    def public_authorities(self) -> str:
        """The authorities that everybody trusts, in PEM."""


class ProbeFailed(Exception):
    """A question had no answer; the text says which and why, without secrets."""


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """One generated value inside a credential. The alphabet is letters and digits: safe in URLs, shells, SQL and JSON."""

    key: str
    length: int = 32


class Checked(enum.StrEnum):
    """Who compares a credential's value with one of his own, and so has to learn of a new one first."""

    AT_START = "pods that start with it set it themselves"
    FIRST_START = "nobody after the first start"
    DATABASE = "a login of PostgreSQL"
    REALM = "a client of the realm"
    PERSON = "a person of the realm, at the first log-in"
    OPERATOR = "the operator's own client, which it may not change itself"


@dataclass(frozen=True, slots=True)
class Credential:
    """A Secret that the operator makes once and never overwrites. `fixed` are the parts that are no secret (user names)."""

    name: str  # of the Secret, in the node's namespace
    generated: tuple[GeneratedKey, ...]
    fixed: Mapping[str, str] = field(default_factory=dict)
    checked: Checked = Checked.AT_START
    # The kubelet gives a pod that starts the old content of an immutable Secret as long as another pod on the machine has it,
    # so only what no pod mounts can be immutable.
    mounted: bool = True


class Outside(enum.StrEnum):
    """Who is no pod of the node, and yet talks with one."""

    VISITORS = "visitors"  # people's browsers, and whoever else comes to the public door
    OPERATOR = "operator"  # its gates ask from another namespace
    CLUSTER_DNS = "cluster-dns"
    KUBERNETES_API = "kubernetes-api"
    INTERNET = "internet"  # whatever is outside the cluster, a proxy of the site among it


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of one part of a component, by the labels that every chart gives them."""

    component: str
    part: str
    job: bool = False  # pods of a Job that an application makes: Kubernetes' own labels are the only ones they have

    def __str__(self) -> str:
        return f"{self.component}/{self.part}"


@dataclass(frozen=True, slots=True)
class Flow:
    """One way that traffic takes: who opens a connection to whom, and why. What no component declares is forbidden."""

    source: Pods | Outside
    target: Pods | Outside
    port: int  # of the target's pods; 0 is any
    why: str


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the public address, with everything below it, that leads to a Service of the component."""

    path: str  # without a slash at the end
    service: str
    port: int
    part: str  # the component's part whose pods are behind the Service
    strip: bool = False  # the application does not know of the path in front of its own
    title: str = ""  # in the list on the front page; empty where nobody starts
    start: str = ""  # where the list leads to, below the path


@dataclass(frozen=True, slots=True)
class Facts:
    """What the operator saw of the node that plans depend on; empty is not seen yet. A gate tells them (`held`).

    A component reads them from its `Node`, so a fact that changes changes the plans of those who use it and of nobody else.
    """

    signing_key_id: str = ""  # of the realm's key for RS256 tokens
    door_ip: str = ""  # of the Service that the public name leads to inside the cluster
    trust_digest: str = ""  # of the certificates that pods trust
    certificate_ends: str = ""  # when the certificate that visitors are shown ends, RFC 3339


NOTHING_SEEN = Facts()


@dataclass(frozen=True, slots=True)
class Node:
    """A node as its components see it."""

    name: str
    namespace: str
    spec: NodeSpec
    on: tuple["Component", ...] = ()  # the components that are on, in the alphabet's order; the plan fills it
    facts: Facts = NOTHING_SEEN

    def service(self, name: str) -> str:
        """DNS name of a Service of this node inside the cluster."""
        return f"{name}.{self.namespace}.svc.cluster.local"


@dataclass(frozen=True, slots=True)
class SecretKeyRef:
    """One key of a credential."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class RenderedSecret:
    """A Secret key whose text is computed from credentials, such as a configuration file; made anew when they change."""

    name: str
    key: str
    inputs: tuple[SecretKeyRef, ...]
    render: Callable[[Node, tuple[str, ...]], str]  # values in the order of `inputs`


@dataclass(frozen=True, slots=True)
class Volume:
    """A claim that holds data. The component `storage` makes it and tries it out; it stays when the component goes."""

    name: str  # of the claim, in the node's namespace
    user: int  # user and group that its files belong to
    size: Callable[[StorageSizes], str]
    mode: str = "0700"  # of its folder, where it is one
    access_lists: bool = False  # whether its files need POSIX access lists


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a node: it owns one Helm release, its credentials and its gate.

    One without a chart owns no release: its values are what it is to be made from, and asking its gate is what makes it so.
    A record stands for the release (engine/record.py), so everything else treats the two alike.
    """

    name: str  # also the release's name and the chart's folder
    summary: str  # half a sentence for people
    profiles: frozenset[Profile]
    requires: tuple[str, ...]  # components whose gates must hold first
    values: Callable[[Node], dict[str, Any]]  # chart values, without `node`, `image(s)` and `resources`, which the plan adds
    gate: Callable[[Node, Probes], Awaitable[GateResult]]
    images: Mapping[str, str]  # value path in the chart -> name in images.lock.yaml; the first is the main container's
    credentials: tuple[Credential, ...] = ()
    rendered: tuple[RenderedSecret, ...] = ()
    volumes: tuple[Volume, ...] = ()
    chart: bool = True
    needs: tuple[str, ...] = ()  # names of facts without which it is not installed, unless what it requires is simulated
    works_with: tuple[str, ...] = ()  # components that must be on and come before it, though it does not wait for them
    elsewhere: Callable[[NodeSpec], bool] = lambda _: False  # something outside does its job: it is off, and nobody waits for it
    sizes: Mapping[Size, Mapping[str, Any]] = field(default_factory=dict)  # chart values by spec.size; the spec's own go over them
    routes: tuple[Route, ...] = ()  # what of it the public door leads to
    upkeep: Callable[["Node", Upkeep], Awaitable[None]] | None = None  # objects that no chart can make; see Upkeep
    flows: tuple[Flow, ...] = ()  # what its pods need beyond their routes; the network policies are made of these


def amounts(cpu: str, memory: str, limit: str) -> dict[str, Any]:
    """A container's resources: what is set aside, and the memory that it may use at most. Processor time is never capped."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}


def held(evidence: str, **facts: str) -> GateResult:
    """The gate holds, and this shows it; `facts` are fields of `Facts` that were seen on the way."""
    return GateResult(GateState.HELD, evidence, facts)


PODS_NOT_READY = "PodsNotReady"  # the reason of a gate that was not even asked


def pending(evidence: str, reason: str = "") -> GateResult:
    """The gate does not hold yet, and this is what was seen."""
    return GateResult(GateState.PENDING, evidence, reason=reason)

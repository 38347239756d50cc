"""Every connection that the cluster's network sees, as conntrack tells it in the machine's network, and whose it was.

conntrack shows both ways of a connection, so what a Service's address became is seen, too. A pod is known by its address, and
addresses are told apart by time and by the machine (a cluster that is made anew gives the same ones again).
"""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from person import Person, as_ordinary

POD_NETWORK = ip_network("10.244.0.0/16")  # of minikube's bridge
_SERVICE_NETWORK = ip_network("10.96.0.0/12")  # of minikube's Services
_LATE = 30.0  # s after a pod's first packet until the API server tells its address, on a busy machine
# [1764083712.123456]  [NEW] tcp  6 120 SYN_SENT src=A dst=B sport=C dport=D [UNREPLIED] src=E dst=F sport=G dport=H
_NEW = re.compile(
    r"\[(?P<time>[\d.]+)\s*\]\s+\[NEW\] (?P<protocol>tcp|udp)\s.*?src=(?P<source>\S+) dst=\S+ sport=\d+ dport=\d+ "
    r".*?src=(?P<target>\S+) dst=\S+ sport=(?P<port>\d+) "
)
_FIELDS = (".metadata.namespace", ".metadata.name", ".status.podIP", ".metadata.labels")
_POD_LINE = "jsonpath=" + "|".join(f"{{{one}}}" for one in _FIELDS) + "{'\\n'}"


@dataclass(frozen=True)
class Pod:
    """A pod that had an address."""

    namespace: str
    name: str
    labels: Mapping[str, str] = field(compare=False)


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod, the machine itself (`node`), or an address elsewhere."""

    address: str
    pod: Pod | None = None
    node: bool = False

    def __str__(self) -> str:
        if self.pod:
            return f"{self.pod.namespace}/{self.pod.name}"
        return f"the machine ({self.address})" if self.node else self.address

    @property
    def lost(self) -> bool:
        """A pod's address, and nobody knows whose: it went before the API server knew."""
        return self.pod is None and not self.node and ip_address(self.address) in POD_NETWORK


@dataclass(frozen=True)
class Seen:
    """A connection that somebody opened; the port is the target's own, after the Service's."""

    source: End
    target: End
    protocol: str
    port: int


Key = tuple[str, str, str, str, int]  # machine, protocol, source, target, port


@dataclass
class Watch:
    """What was seen until now, by the machine that it was seen in."""

    person: Person
    first: dict[Key, float] = field(default_factory=dict)  # a flow -> when it was first seen
    counts: dict[Key, int] = field(default_factory=dict)
    pods: dict[tuple[str, str], dict[Pod, float]] = field(default_factory=dict)  # machine and address -> whose, since when
    own: dict[str, set[str]] = field(default_factory=dict)  # machine -> its own addresses
    _over: threading.Event = field(default_factory=threading.Event)
    _running: set[subprocess.Popen[str]] = field(default_factory=set)

    def seen(self) -> dict[Seen, int]:
        """Every connection between two ends, with how often it was opened."""
        found: dict[Seen, int] = {}
        for key, first in list(self.first.items()):
            machine, protocol, source, target, port = key
            one = Seen(self._end(machine, source, first), self._end(machine, target, first), protocol, port)
            found[one] = found.get(one, 0) + self.counts[key]
        return found

    def _end(self, machine: str, address: str, moment: float) -> End:
        if address in self.own.get(machine, ()):
            return End(address, node=True)
        had = [(since, pod) for pod, since in self.pods.get((machine, address), {}).items() if since <= moment + _LATE]
        return End(address, max(had, key=lambda one: one[0])[1] if had else None)

    def read_flows(self) -> None:
        """Until the end: the machine's events, from whichever machine runs."""
        while not self._over.is_set():
            if machine := self._machine():
                for line in self._lines(["docker", "exec", self.person.profile, "conntrack", "-E", "-e", "NEW", "-o", "timestamp"]):
                    self._flow(machine, line)
            self._over.wait(0.5)

    def read_pods(self) -> None:
        """Until the end: which pod has which address."""
        access = f"--kubeconfig={self.person.cluster_home / 'kubeconfig'}"
        kubectl = [*as_ordinary(), str(self.person.tools / "kubectl"), access]
        while not self._over.is_set():
            if machine := self._machine():
                for line in self._lines([*kubectl, "get", "pods", "-A", "--watch", "-o", _POD_LINE]):
                    self._pod(machine, line)
            self._over.wait(0.5)

    def stop(self) -> None:
        self._over.set()
        for process in list(self._running):
            process.terminate()

    def _machine(self) -> str:
        """The id of the machine that runs, its own addresses looked up; empty when none runs."""
        found = self._said("docker", "inspect", "-f", "{{if .State.Running}}{{.Id}}{{end}}", self.person.profile).strip()
        if found:
            with suppress(ValueError):  # it went down since
                links = json.loads(self._said("docker", "exec", self.person.profile, "ip", "-json", "address"))
                self.own.setdefault(found, set()).update(one["local"] for link in links for one in link["addr_info"])
        return found

    def _said(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.person.environment, capture_output=True, text=True, timeout=60, check=False
        ).stdout

    def _lines(self, command: list[str]) -> Iterator[str]:
        process = subprocess.Popen(
            command, env=self.person.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, bufsize=1,
        )  # fmt: skip
        self._running.add(process)
        try:
            assert process.stdout is not None
            yield from process.stdout
        finally:
            process.kill()
            process.wait(30)
            process.stdout.close()
            self._running.discard(process)

    def _flow(self, machine: str, line: str) -> None:
        if (found := _NEW.search(line)) is None:
            return
        if ip_address(found["target"]) in _SERVICE_NETWORK:
            return  # no pod stood behind the Service at that moment: it reached nobody
        key = (machine, found["protocol"], found["source"], found["target"], int(found["port"]))
        self.first.setdefault(key, float(found["time"]))
        self.counts[key] = self.counts.get(key, 0) + 1

    def _pod(self, machine: str, line: str) -> None:
        words = line.rstrip("\n").split("|", len(_FIELDS) - 1)
        if len(words) == len(_FIELDS) and words[2]:
            if not any(ip_address(one) in POD_NETWORK for one in self.own.get(machine, ())):
                self._machine()  # its address on the pods' bridge comes with the first pod
            pod = Pod(words[0], words[1], json.loads(words[3] or "{}"))
            self.pods.setdefault((machine, words[2]), {}).setdefault(pod, time.time())


@contextmanager
def watched(person: Person) -> Iterator[Watch]:
    """Watch this person's cluster while this lasts; one that is stopped, killed or made anew is watched again."""
    one = Watch(person)
    threads = [threading.Thread(target=read, daemon=True) for read in (one.read_flows, one.read_pods)]
    for thread in threads:
        thread.start()
    try:
        yield one
    finally:
        one.stop()
        for thread in threads:
            thread.join(60)

"""Whether network policies allow a connection, read as Kubernetes reads them (networking.k8s.io/v1).

For observers: what really happens on a machine is held against the policies that are rendered, so that a flow which an
enforcing network would cut is found on one that does not enforce.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection: a pod of the policies' namespace, a pod of another one, or an address that is no pod's."""

    labels: Labels | None = None  # None: no pod
    namespace: Labels | None = None  # the namespace's labels; None: the one that the policies are in
    address: str = ""  # of what is no pod

    @property
    def ours(self) -> bool:
        """Whether the policies are about it."""
        return self.labels is not None and self.namespace is None


@dataclass(frozen=True, slots=True)
class Connection:
    """Who opens a connection to whom; the port is the target pod's own, after the Service's."""

    source: End
    target: End
    port: int
    protocol: str = field(default="TCP")


def allowed(policies: Iterable[Mapping[str, Any]], about: Connection) -> bool:
    """Whether policies, each with a `spec`, let this connection through on both sides."""
    specs = [policy["spec"] for policy in policies]
    return _side(specs, about, "Egress", about.source, about.target) and _side(specs, about, "Ingress", about.target, about.source)


def _side(specs: Sequence[Mapping[str, Any]], about: Connection, direction: str, this: End, other: End) -> bool:
    """One side. Pods that no policy selects are open; others need one rule that fits."""
    if not this.ours:
        return True
    mine = [one for one in specs if direction in _types(one) and _selected(one["podSelector"], this.labels or {})]
    rules = [rule for one in mine for rule in one.get(direction.lower()) or []]
    key = "from" if direction == "Ingress" else "to"
    return not mine or any(_fits(rule, key, about, other) for rule in rules)


def _types(spec: Mapping[str, Any]) -> Sequence[str]:
    return list(spec.get("policyTypes") or ["Ingress"])


def _fits(rule: Mapping[str, Any], key: str, about: Connection, other: End) -> bool:
    peers, ports = rule.get(key) or [], rule.get("ports") or []
    return (not peers or any(_peer(one, other) for one in peers)) and (not ports or any(_port(one, about) for one in ports))


def _peer(peer: Mapping[str, Any], other: End) -> bool:
    if "ipBlock" in peer:
        # A pod's address may lie in any range; that it is reached by one is nothing to rely on.
        return other.labels is None and _inside(peer["ipBlock"], other.address)
    if other.labels is None:
        return False
    if "namespaceSelector" in peer:
        if other.namespace is None or not _selected(peer["namespaceSelector"], other.namespace):
            return False
    elif other.namespace is not None:
        return False
    return _selected(peer.get("podSelector") or {}, other.labels)


def _inside(block: Mapping[str, Any], address: str) -> bool:
    one = ipaddress.ip_address(address)
    excepted = any(one in ipaddress.ip_network(part) for part in block.get("except") or [])
    return one in ipaddress.ip_network(block["cidr"]) and not excepted


def _port(port: Mapping[str, Any], about: Connection) -> bool:
    if port.get("protocol", "TCP") != about.protocol:
        return False
    first = port.get("port")
    return first is None or first <= about.port <= port.get("endPort", first)


def _selected(selector: Mapping[str, Any], labels: Labels) -> bool:
    wanted = (selector.get("matchLabels") or {}).items()
    return wanted <= labels.items() and all(_holds(one, labels) for one in selector.get("matchExpressions") or [])


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
    raise ValueError(f"no operator {expression['operator']}")

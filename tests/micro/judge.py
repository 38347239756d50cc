"""Would the cluster's network policies let a connection through? The rules of the NetworkPolicy API, for what ours use.

minikube's own network enforces none, so what really happens is judged by this instead. Ports are numbers of the target's pods;
the machine itself may always speak with its pods, and they with it where it is no peer of a policy (the kubelet's questions).
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from flows import End, Pod, Seen

Object = Mapping[str, Any]


def verdict(one: Seen, policies: Iterable[Object], namespaces: Mapping[str, Mapping[str, str]]) -> str:
    """Empty where both sides allow it, else who forbids it. `namespaces`: the labels of each."""
    there = list(policies)
    if one.source.pod and not _side("Egress", one.source.pod, one.target, one, there, namespaces):
        return f"leaving {one.source}"
    if one.target.pod and not one.source.node and not _side("Ingress", one.target.pod, one.source, one, there, namespaces):
        return f"entering {one.target}"
    return ""


def _side(
    way: str, pod: Pod, peer: End, one: Seen, policies: list[Object], namespaces: Mapping[str, Mapping[str, str]]
) -> bool:
    mine = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and way in policy["spec"]["policyTypes"]
        and _selects(policy["spec"]["podSelector"], pod.labels)
    ]
    rules = [rule for spec in mine for rule in spec.get(way.lower(), ())]
    key = "from" if way == "Ingress" else "to"
    return not mine or any(
        _port(rule.get("ports"), one) and _any_peer(rule.get(key), peer, pod.namespace, namespaces) for rule in rules
    )


def _port(ports: list[Object] | None, one: Seen) -> bool:
    return not ports or any(
        port.get("protocol", "TCP").lower() == one.protocol and port.get("port", one.port) == one.port for port in ports
    )


def _any_peer(peers: list[Object] | None, end: End, namespace: str, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
    return not peers or any(_peer(peer, end, namespace, namespaces) for peer in peers)


def _peer(peer: Object, end: End, namespace: str, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
    if block := peer.get("ipBlock"):
        address = ip_address(end.address)
        return address in ip_network(block["cidr"]) and not any(address in ip_network(one) for one in block.get("except", ()))
    if end.pod is None:
        return False
    where = peer.get("namespaceSelector")
    inside = end.pod.namespace == namespace if where is None else _selects(where, namespaces.get(end.pod.namespace, {}))
    return inside and _selects(peer.get("podSelector") or {}, end.pod.labels)


def _selects(selector: Object, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        _holds(one, labels) for one in selector.get("matchExpressions") or ()
    )


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values", ())
    return {
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
    }[expression["operator"]]  # type: ignore[no-any-return]

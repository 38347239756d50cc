"""Who may talk with whom: every flow that components declare, and the network policies that are made of exactly these.

What is declared nowhere is forbidden, both ways: the first policy shuts the whole namespace, the others open one part
of one component each. Pure; `operator/mininode/components/network_reference.py` writes the table for docs/network.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from mininode.api import NODE_LABEL
from mininode.components.base import Component, Flow, Node, Outside, Pods

DOOR = Pods("edge", "door")
OPERATOR_NAMESPACE = "mininode-system"
DNS_PORT = 53
# The API server is reached by its Service, and policies are held against the address behind it: kubeadm's and most
# distributions' port, minikube's, and that of clusters which others run.
API_PORTS = (6443, 8443, 443)

_USUAL_PORTS = {"http": 80, "https": 443}
_JOB_LABEL = "batch.kubernetes.io/job-name"  # on every Job's pods (batch/v1, Well-Known Labels)
_NAME, _PART = "app.kubernetes.io/name", "app.kubernetes.io/component"


def flows(components: Iterable[Component]) -> tuple[Flow, ...]:
    """Every flow of a node that consists of these components: what they declare, and what follows from their routes."""
    on = {component.name: component for component in components}
    found: dict[tuple[str, str, int], Flow] = {}
    for component in on.values():
        for flow in (*_to_routes(component), *component.flows):
            if _there(flow.source, on) and _there(flow.target, on):
                found.setdefault((str(flow.source), str(flow.target), flow.port), flow)
    for pods in sorted({one for flow in found.values() for one in (flow.source,) if isinstance(one, Pods)}, key=str):
        dns = Flow(pods, Outside.CLUSTER_DNS, DNS_PORT, "the names of what it talks with")
        found[str(pods), str(dns.target), DNS_PORT] = dns
    return tuple(found[key] for key in sorted(found))


def _to_routes(component: Component) -> Iterable[Flow]:
    for route in component.routes:
        why = f"the public path {route.path} leads there"
        yield Flow(DOOR, Pods(component.name, route.part), route.port, why)


def _there(end: Pods | Outside, on: Mapping[str, Component]) -> bool:
    return isinstance(end, Outside) or end.component in on


def policies(node: Node) -> list[dict[str, Any]]:
    """The network policies of a node, as the chart `platform` renders them: name, part and spec of each."""
    table = flows(node.on)
    ends = sorted({end for flow in table for end in (flow.source, flow.target) if isinstance(end, Pods)}, key=str)
    shut = {"name": "default-deny", "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}
    return [shut, *(_policy(pods, table, node) for pods in ends)]


def _policy(pods: Pods, table: Sequence[Flow], node: Node) -> dict[str, Any]:
    into = [_rule("from", flow.source, flow.port, node) for flow in table if flow.target == pods]
    out = [_rule("to", flow.target, flow.port, node) for flow in table if flow.source == pods]
    spec: dict[str, Any] = {"podSelector": _selector(pods, node), "policyTypes": ["Ingress", "Egress"]}
    spec |= {"ingress": into} if into else {}
    spec |= {"egress": out} if out else {}
    return {"name": f"{pods.component}-{pods.part}", "spec": spec}


def _rule(direction: str, peer: Pods | Outside, port: int, node: Node) -> dict[str, Any]:
    """One rule. A rule without a peer means everybody."""
    rule: dict[str, Any] = {}
    if peers := _peers(peer, node):
        rule[direction] = peers
    if ports := _ports(peer, port, node):
        rule["ports"] = ports
    return rule


def proxy(node: Node) -> dict[str, str]:
    """Chart values of the components that talk with the outside: the site's way out, and what is reached without it."""
    if (spec := node.spec.proxy) is None or not (spec.http_proxy or spec.https_proxy):
        return {}
    inside = [".svc", ".cluster.local", "localhost", "127.0.0.1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
    own = [*(part.strip() for part in spec.no_proxy.split(",") if part.strip()), node.spec.domain, *inside]
    names = sorted({route.service for component in node.on for route in component.routes} | {"postgresql"})
    given = {"HTTP_PROXY": spec.http_proxy, "HTTPS_PROXY": spec.https_proxy, "NO_PROXY": ",".join([*own, *names])}
    return {key: value for key, value in given.items() if value}


def _proxy_ports(node: Node) -> list[int]:
    found = {key: value for key, value in proxy(node).items() if key != "NO_PROXY"}
    return sorted({urlsplit(value).port or _USUAL_PORTS[urlsplit(value).scheme] for value in found.values()})


def _peers(peer: Pods | Outside, node: Node) -> list[dict[str, Any]]:
    if isinstance(peer, Pods):
        return [{"podSelector": _selector(peer, node)}]
    everywhere: list[dict[str, Any]] = [{"ipBlock": {"cidr": cidr}} for cidr in ("0.0.0.0/0", "::/0")]
    peers: dict[Outside, list[dict[str, Any]]] = {
        Outside.VISITORS: [],
        Outside.OPERATOR: [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": OPERATOR_NAMESPACE}}}],
        Outside.CLUSTER_DNS: [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        Outside.KUBERNETES_API: everywhere,
        Outside.INTERNET: everywhere,
    }
    return peers[peer]


def _ports(peer: Pods | Outside, port: int, node: Node) -> list[dict[str, Any]]:
    if peer is Outside.CLUSTER_DNS:
        return [{"port": port, "protocol": protocol} for protocol in ("UDP", "TCP")]
    if peer is Outside.KUBERNETES_API:
        return [{"port": one, "protocol": "TCP"} for one in API_PORTS]
    more = _proxy_ports(node) if peer is Outside.INTERNET else []
    return [{"port": one, "protocol": "TCP"} for one in sorted({port, *more})] if port else []


def _selector(pods: Pods, node: Node) -> dict[str, Any]:
    if pods.job:
        expressions = [{"key": _JOB_LABEL, "operator": "Exists"}, {"key": _NAME, "operator": "DoesNotExist"}]
        return {"matchExpressions": expressions}
    return {"matchLabels": {_NAME: pods.component, _PART: pods.part, NODE_LABEL: node.name}}

"""Flows, the policies made of them, and the reading of policies: what is declared is allowed, and nothing else is."""

import itertools
from typing import Any

import pytest

from mininode.api import NODE_LABEL
from mininode.api.spec import NodeSpec
from mininode.components.base import Flow, Node, Outside, Pods
from mininode.components.network import API_PORTS, flows, policies
from mininode.components.registry import all_components
from mininode.components.verdict import Connection, End, allowed

ALL = tuple(all_components().values())
NODE = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"), ALL)
PORTS = sorted({flow.port for flow in flows(ALL)} | {22, 80, 443, 9000})
EVERY_PART = sorted(
    {end for flow in flows(ALL) for end in (flow.source, flow.target) if isinstance(end, Pods)}, key=str
)


def end(of: Pods | Outside) -> End:
    """A pod, or an address, as it really looks."""
    if isinstance(of, Pods):
        if of.job:
            return End({"batch.kubernetes.io/job-name": "create-1", "job-name": "create-1"})
        return End(
            {
                "app.kubernetes.io/name": of.component,
                "app.kubernetes.io/component": of.part,
                "app.kubernetes.io/instance": of.component,
                NODE_LABEL: "demo",
            }
        )
    return {
        Outside.VISITORS: End(address="203.0.113.7"),
        Outside.INTERNET: End(address="198.51.100.9"),
        Outside.KUBERNETES_API: End(address="192.168.49.2"),
        Outside.OPERATOR: End({"app": "operator"}, {"kubernetes.io/metadata.name": "mininode-system"}),
        Outside.CLUSTER_DNS: End({"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"}),
    }[of]


def declared(source: Pods, target: Pods) -> set[int]:
    return {flow.port for flow in flows(ALL) if (flow.source, flow.target) == (source, target)}


def test_what_is_declared_is_allowed() -> None:
    made = policies(NODE)
    for flow in flows(ALL):
        ports = API_PORTS if flow.target is Outside.KUBERNETES_API else (flow.port,)
        for port in ports:
            assert allowed(made, Connection(end(flow.source), end(flow.target), port)), f"{flow}"


def test_between_pods_nothing_else_is_allowed() -> None:
    made = policies(NODE)
    for source, target in itertools.product(EVERY_PART, EVERY_PART):
        open_ports = {port for port in PORTS if allowed(made, Connection(end(source), end(target), port))}
        assert open_ports == declared(source, target), f"{source} to {target}"


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        (Outside.VISITORS, Pods("postgresql", "server"), 5432),
        (Outside.VISITORS, Pods("keycloak", "server"), 8080),
        (Outside.VISITORS, Pods("edge", "door"), 8081),
        (Outside.OPERATOR, Pods("keycloak", "server"), 9000),
        (Pods("postgresql", "server"), Outside.INTERNET, 443),
        (Pods("guacamole", "guacd"), Outside.INTERNET, 443),
        (Pods("guacamole", "web"), Outside.KUBERNETES_API, 6443),
        (Pods("keycloak", "server"), Outside.INTERNET, 25),
    ],
)
def test_what_must_not_be(source: Pods | Outside, target: Pods | Outside, port: int) -> None:
    assert not allowed(policies(NODE), Connection(end(source), end(target), port))


def test_a_pod_that_nobody_knows_talks_with_nobody() -> None:
    stranger = End({"app": "stranger"})
    for part, port in itertools.product(EVERY_PART, PORTS):
        assert not allowed(policies(NODE), Connection(stranger, end(part), port))
        assert not allowed(policies(NODE), Connection(end(part), stranger, port))
    assert not allowed(policies(NODE), Connection(stranger, end(Outside.CLUSTER_DNS), 53, "UDP"))


def test_a_pod_with_the_right_labels_in_another_namespace_is_a_stranger() -> None:
    source, target = Pods("keycloak", "server"), Pods("postgresql", "server")
    assert allowed(policies(NODE), Connection(end(source), end(target), 5432))
    elsewhere = End(end(source).labels, {"kubernetes.io/metadata.name": "other"})
    assert not allowed(policies(NODE), Connection(elsewhere, end(target), 5432))


def test_whoever_talks_may_ask_for_names_by_both_protocols() -> None:
    for part in {flow.source for flow in flows(ALL) if isinstance(flow.source, Pods)}:
        for protocol in ("UDP", "TCP"):
            assert allowed(policies(NODE), Connection(end(part), end(Outside.CLUSTER_DNS), 53, protocol))
    assert not allowed(policies(NODE), Connection(end(Pods("guacamole", "guacd")), end(Outside.CLUSTER_DNS), 53, "UDP"))


def test_a_component_that_is_off_leaves_no_way_to_it() -> None:
    left = [component for component in ALL if component.name not in ("guacamole", "dataset-service")]
    ends = {str(end) for flow in flows(left) for end in (flow.source, flow.target)}
    assert not any(one.startswith(("guacamole", "dataset-service")) for one in ends)
    assert "keycloak/server" in ends


def test_every_flow_says_why_and_names_parts_that_there_are() -> None:
    for flow in flows(ALL):
        assert len(flow.why.split()) >= 2, flow
        for one in (flow.source, flow.target):
            assert isinstance(one, Outside) or one.component in all_components()


def test_a_flow_is_declared_once() -> None:
    said = [(flow.source, flow.target, flow.port) for component in ALL for flow in component.flows]
    assert len(said) == len(set(said))


def test_only_the_door_is_open_to_visitors() -> None:
    assert {str(flow.target) for flow in flows(ALL) if flow.source is Outside.VISITORS} == {"edge/door"}


# ── Reading policies: the rules of networking.k8s.io/v1, one by one ──────────────────────────────────────────────────

POD, OTHER = End({"app": "a"}), End({"app": "b", "tier": "x"})


def one(**spec: Any) -> list[dict[str, Any]]:
    return [{"spec": {"podSelector": {"matchLabels": {"app": "a"}}, **spec}}]


@pytest.mark.parametrize(
    ("spec", "connection", "verdict"),
    [
        # No policy selects the pod for this direction: open.
        ({"policyTypes": ["Egress"]}, Connection(OTHER, POD, 80), True),
        ({"policyTypes": ["Ingress"]}, Connection(POD, OTHER, 80), True),
        ({"policyTypes": ["Ingress"]}, Connection(OTHER, POD, 80), False),
        # Without policyTypes it is about what comes in.
        ({}, Connection(OTHER, POD, 80), False),
        ({}, Connection(POD, OTHER, 80), True),
        # An empty rule is everybody, by every port.
        ({"ingress": [{}]}, Connection(OTHER, POD, 80), True),
        ({"ingress": [{"ports": [{"port": 80}]}]}, Connection(End(address="10.0.0.1"), POD, 80), True),
        ({"ingress": [{"ports": [{"port": 80}]}]}, Connection(OTHER, POD, 81), False),
        ({"ingress": [{"ports": [{"port": 80}]}]}, Connection(OTHER, POD, 80, "UDP"), False),
        ({"ingress": [{"ports": [{"port": 80, "endPort": 90}]}]}, Connection(OTHER, POD, 85), True),
        # An address block is about addresses, with its exceptions.
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}, Connection(End(address="10.1.2.3"), POD, 80), True),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]},
         Connection(End(address="10.1.2.3"), POD, 80), False),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}, Connection(OTHER, POD, 80), False),
        # Expressions.
        ({"ingress": [{"from": [{"podSelector": {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["x"]}]}}]}]},
         Connection(OTHER, POD, 80), True),
        ({"ingress": [{"from": [{"podSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x"]}]}}]}]},
         Connection(OTHER, POD, 80), False),
        ({"ingress": [{"from": [{"podSelector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}}]}]},
         Connection(OTHER, POD, 80), False),
    ],
)  # fmt: skip
def test_policies_are_read_as_kubernetes_reads_them(spec: Any, connection: Connection, verdict: bool) -> None:
    assert allowed(one(**spec), connection) is verdict


def test_a_flow_s_words() -> None:
    flow = Flow(Pods("edge", "door"), Outside.INTERNET, 443, "certificates")
    assert (str(flow.source), str(flow.target)) == ("edge/door", "internet")


PROXIED = Node(
    "demo",
    "eucaim",
    NodeSpec.model_validate(
        {"domain": "node.hospital.example", "proxy": {"httpsProxy": "http://proxy.hospital.example:3128", "noProxy": ".h.example"}}
    ),
    ALL,
)


def test_a_proxy_reaches_exactly_those_who_talk_outside() -> None:
    outside = {flow.source.component for flow in flows(ALL) if flow.target is Outside.INTERNET and isinstance(flow.source, Pods)}
    told = {one.name for one in ALL if one.values(PROXIED).get("proxy")}
    assert told == outside == {"edge", "keycloak", "dataset-service"}
    assert not any(one.values(NODE).get("proxy") for one in ALL)
    names = all_components()["keycloak"].values(PROXIED)["proxy"]["NO_PROXY"].split(",")
    assert {".h.example", "node.hospital.example", ".svc", "postgresql"} <= set(names)


def test_the_proxy_s_port_is_open_for_them_alone() -> None:
    out = Connection(end(Pods("keycloak", "server")), end(Outside.INTERNET), 3128)
    assert allowed(policies(PROXIED), out)
    assert not allowed(policies(NODE), out)
    assert not allowed(policies(PROXIED), Connection(end(Pods("postgresql", "server")), end(Outside.INTERNET), 3128))

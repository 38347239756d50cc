"""The flows of the whole session beside those that components declare. With FLOWS set to docs/flows-seen.md it is written anew.

minikube's network enforces no policies: what happened is judged by the rules of the API (judge.py).
"""

import os
from pathlib import Path
from typing import Any

import pytest
from flows import Seen, Watch
from judge import verdict
from micro_node import NAMESPACE, SYSTEM, read
from person import Person, until

from mininode.components.base import Flow, Outside, Pods
from mininode.components.network import API_PORTS, flows
from mininode.components.registry import all_components

pytestmark = pytest.mark.micro

NO_INTERNET = "nothing of the Internet is asked for in these tests"
NO_JOBS = "the stand-in of the dataset service makes data sets without Jobs"
# Declared edges that nothing here goes along, and why.
UNUSED = {
    "dataset-service/backend → internet:443": NO_INTERNET,
    "edge/door → internet:443": f"{NO_INTERNET}; ACME is tested against an authority on this machine (tests/charts/test_acme.py)",
    "keycloak/server → internet:443": NO_INTERNET,
    "dataset-service/backend → kubernetes-api:443": NO_JOBS,
    "dataset-service/creation-job → cluster-dns:53": NO_JOBS,
    "dataset-service/creation-job → edge/door:8443": NO_JOBS,
    "dataset-service/creation-job → postgresql/server:5432": NO_JOBS,
    "guacamole/web → guacamole/guacd:4822": "the stand-in opens no desktops",
}

PAGE = """\
# Who was seen talking with whom

The connections that the network of a real node saw (conntrack) while `make test-micro` used it, killed its pods and its machine,
made its cluster again, filled its disk and changed its versions; beside each flow of [network.md](network.md), how often. None was
seen that the policies forbid. minikube's network enforces no policies: the test judges what was seen by their rules.

| from | to | port | seen |
|---|---|---|---|
"""


def edge(flow: Flow) -> str:
    return f"{flow.source} → {flow.target}:{flow.port}"


def goes_along(one: Seen, flow: Flow) -> bool:
    """Whether this connection is one of this declared flow."""
    ports = API_PORTS if flow.target is Outside.KUBERNETES_API else (flow.port,)
    return one.port in ports and _is(one, flow.source, source=True) and _is(one, flow.target, source=False)


def _is(one: Seen, who: Pods | Outside, *, source: bool) -> bool:
    end = one.source if source else one.target
    labels = end.pod.labels if end.pod else {}
    if isinstance(who, Pods):
        job = "batch.kubernetes.io/job-name" in labels and "app.kubernetes.io/name" not in labels
        name, part = labels.get("app.kubernetes.io/name"), labels.get("app.kubernetes.io/component")
        here = end.pod is not None and end.pod.namespace == NAMESPACE
        return here and (job if who.job else (name, part) == (who.component, who.part))
    return {
        Outside.OPERATOR: end.pod is not None and end.pod.namespace == SYSTEM,
        Outside.CLUSTER_DNS: labels.get("k8s-app") == "kube-dns",
        Outside.KUBERNETES_API: end.node,
        Outside.VISITORS: end.pod is None and not end.node,
        Outside.INTERNET: end.pod is None and not end.node,
    }[who]


def ours(one: Seen) -> bool:
    """Of the node or its operator, and not what the machine asks its own pods."""
    return any(end.pod and end.pod.namespace in {NAMESPACE, SYSTEM} for end in (one.source, one.target)) and not one.source.node


@pytest.fixture
def forbidden(person: Person, watch: Watch) -> Any:
    """Asks which of the flows so far the cluster's policies forbid."""
    policies = [one for space in (NAMESPACE, SYSTEM) for one in read(person, "networkpolicies", namespace=space)["items"]]
    spaces = {one["metadata"]["name"]: one["metadata"]["labels"] for one in read(person, "namespaces")["items"]}

    def now() -> dict[Seen, str]:
        judged = {one: verdict(one, policies, spaces) for one in watch.seen() if ours(one)}
        return {one: by for one, by in judged.items() if by}

    return now


def test_no_flow_was_one_that_the_policies_forbid(watch: Watch, forbidden: Any) -> None:
    assert {f"{one.source} → {one.target}:{one.port}/{one.protocol}, {by}" for one, by in forbidden().items()} == set()
    lost = [one for one in watch.seen() if one.source.lost or one.target.lost]
    assert not lost, "addresses of pods that nobody knew"


def test_every_declared_edge_was_used_or_has_a_reason(watch: Watch) -> None:
    seen = watch.seen()
    declared = flows(all_components().values())
    counts = {edge(flow): sum(count for one, count in seen.items() if goes_along(one, flow)) for flow in declared}
    if file := os.environ.get("FLOWS"):
        told = {edge(flow): counts[edge(flow)] or UNUSED.get(edge(flow), "never") for flow in declared}
        rows = [f"| {flow.source} | {flow.target} | {flow.port} | {told[edge(flow)]} |" for flow in declared]
        Path(file).write_text(PAGE + "\n".join(rows) + "\n")
    assert {name for name, count in counts.items() if not count} == UNUSED.keys()


def test_a_flow_that_nobody_declared_is_seen_and_judged(person: Person, forbidden: Any) -> None:
    """Last: PostgreSQL, which has nothing to ask anybody, speaks with guacd."""
    guacd = read(person, "service", "guacd")["spec"]["clusterIP"]
    speak = ("bash", "-c", f"exec 3<>/dev/tcp/{guacd}/4822")
    person.kubectl("exec", "postgresql-0", "-n", NAMESPACE, "-c", "postgresql", "--", *speak)
    until(lambda: any(one.port == 4822 and by.endswith("postgresql-0") for one, by in forbidden().items()), 30, "the flow is seen")

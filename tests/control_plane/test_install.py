"""A node of profile micro on a real Kubernetes API: the real operator under its own account, the real Helm."""

from typing import Any

import pytest

from mininode.api.spec import Profile
from mininode.components.registry import all_components, charted

pytestmark = pytest.mark.control_plane

MICRO = {name for name, one in all_components().items() if Profile.MICRO in one.profiles}
RELEASES = MICRO & charted().keys()
ALL = f"{len(MICRO)}/{len(MICRO)}"
ORDER = (
    ("platform", "edge"),
    ("platform", "postgresql"),
    ("edge", "keycloak"),
    ("postgresql", "keycloak"),
    ("postgresql", "dataset-service"),
    ("keycloak", "dataset-service"),
    ("postgresql", "guacamole"),
)


def test_micro_is_rehearsed_in_the_order_of_its_needs(node: Any, asked: Any, kubectl: Any) -> None:
    seen = asked()
    node.declare(profile="micro", siteName="Radiology")
    kubectl("wait", "emn/node", "-n", node.namespace, "--for=condition=Rehearsed", "--timeout=50s")

    resource = node.resource()
    truths = {one["type"]: one["status"] for one in resource["status"]["conditions"]}
    # A simulated door shows no certificate, no realm is there, and the data lie in no folder of a machine.
    unseen = dict.fromkeys(("CertificateFresh", "RealmConverged", "DataDiskHasRoom"), "Unknown")
    assert truths == {"Ready": "Unknown", "Reconciling": "False", "Stalled": "False", "Rehearsed": "True"} | unseen
    assert resource["status"]["componentsSummary"] == ALL
    components = node.components()
    assert components.keys() == MICRO
    # The platform has no pods, so its gate was asked.
    assert {name: one["gate"] for name, one in components.items()} == dict.fromkeys(MICRO, "Simulated") | {"platform": "Held"}
    assert {one["revision"] for one in components.values()} == {1}
    assert node.revisions() == dict.fromkeys(RELEASES, (1, "deployed"))
    assert "simulated" in kubectl("get", "emn", "node", "-n", node.namespace, "-o", "jsonpath={.status.conditions}")

    def moment(release: str, which: Any) -> str:
        """When a Secret of Helm's was made for the first revision (min), or its last word about it was written (max)."""
        times = [
            one["requestReceivedTimestamp"]
            for one in seen.about(node.namespace)
            if one["objectRef"].get("name") == f"sh.helm.release.v1.{release}.v1" and one["verb"] in {"create", "update"}
        ]
        assert len(times) >= 2, f"Helm wrote {len(times)} times about {release}"
        return str(which(times))

    for first, second in ORDER:
        assert moment(first, max) < moment(second, min), f"{second} did not wait for {first}"
    # What does not need each other is installed side by side: neither waited until the other's pods were looked at and well.
    for one, other in (("guacamole", "keycloak"), ("keycloak", "guacamole")):
        assert moment(one, min) < _last_look_at_pods(seen.about(node.namespace), other)


def _last_look_at_pods(entries: list[dict[str, Any]], component: str) -> str:
    return max(
        str(one["requestReceivedTimestamp"])
        for one in entries
        if one["objectRef"]["resource"] == "pods" and f"component%3D{component}" in one["requestURI"]
    )


def test_the_columns_that_people_see(node: Any, kubectl: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    header, line = kubectl("get", "emn", "-A").splitlines()[0], kubectl("get", "emn", "-n", node.namespace).splitlines()[1]
    assert header.split() == ["NAMESPACE", "NAME", "PROFILE", "READY", "COMPONENTS", "MESSAGE", "AGE"]
    assert line.split()[:4] == ["node", "micro", "Unknown", ALL]
    assert "simulated pods" in line


def test_no_secret_is_in_a_status_a_release_or_a_log(operator: Any, node: Any, rehearsal: Any, kubectl: Any) -> None:
    import base64  # noqa: PLC0415
    import gzip  # noqa: PLC0415

    node.declare()
    node.until("Rehearsed")
    made = [
        base64.b64decode(value).decode()
        for secret in node.credentials().values()
        for key, value in secret.items()
        if key in {"password", "secret"}
    ]
    assert len(made) >= 6
    releases = kubectl.json("get", "secrets", "-n", node.namespace, "-l", "owner=helm")["items"]
    payloads = [gzip.decompress(base64.b64decode(base64.b64decode(one["data"]["release"]))).decode() for one in releases]
    assert any("postgresql-superuser" in text for text in payloads)  # the reference is there
    texts = {
        "status": str(node.resource()),
        "log": rehearsal.log("operator").read_text(),
        "helm's arguments": operator.runs.read_text(),
        "releases": "".join(payloads),
        "events": kubectl("get", "events.events.k8s.io", "-n", node.namespace, "-o", "yaml"),
    }
    assert [where for where, text in texts.items() for one in made if one in text] == []

"""The CRD in a real API server: established, filling in defaults, refusing what is wrong in words for people."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from mininode.api import API_VERSION, GROUP, KIND, PLURAL
from mininode.cluster.rehearsal import Rehearsal

pytestmark = pytest.mark.control_plane

MANIFESTS = Path(__file__).parents[2] / "manifests"
NAME = f"{PLURAL}.{GROUP}"


@pytest.fixture(scope="module", autouse=True)
def nobody_at_work(rehearsal: Rehearsal) -> None:
    """The CRD by itself: the operator of tests before would write statuses of its own. Its fixture starts it again."""
    rehearsal.stop_beside("operator")


class Kubectl(Protocol):
    """What conftest's `kubectl` can do, as far as it is used here."""

    def __call__(self, *args: str, stdin: str | None = None) -> str: ...
    def refused(self, *args: str, stdin: str | None = None) -> str: ...
    def json(self, *args: str) -> Any: ...
    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> str: ...


class Cluster(Protocol):
    """What conftest's `rehearsal` is here: a running API server with an access file."""

    kubeconfig: Path


@pytest.fixture(scope="module", autouse=True)
def installed(rehearsal: Cluster, tools: Callable[[str], Path]) -> None:
    """The committed CRD, as the README has it applied."""
    kubectl = [str(tools("kubectl")), f"--kubeconfig={rehearsal.kubeconfig}"]
    apply = ["apply", "--server-side", "--force-conflicts", "-f", str(MANIFESTS / "crd")]
    wait = ["wait", "--for=condition=Established", f"crd/{NAME}", "--timeout=30s"]
    for command in (apply, wait):
        subprocess.run([*kubectl, *command], check=True, timeout=60, capture_output=True)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace for one case: the cases of one test follow each other faster than a namespace goes away."""
    name = f"test-crd-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def node(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "node"},
        "spec": {"domain": "node.hospital.example"} | spec,
    }


def condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "reason": reason,
        "message": message,
    }


def refusal(kubectl: Kubectl, namespace: str, **spec: Any) -> str:
    """What `kubectl apply` says; nothing was created."""
    said = kubectl.refused("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(node(**spec)))
    assert kubectl.json("get", "emn", "-n", namespace)["items"] == []
    return said


def test_the_server_finds_nothing_wrong_with_the_schema(kubectl: Kubectl) -> None:
    conditions = {
        condition["type"]: condition["status"] for condition in kubectl.json("get", "crd", NAME)["status"]["conditions"]
    }
    assert conditions["Established"] == "True"
    assert conditions["NamesAccepted"] == "True"
    assert "NonStructuralSchema" not in conditions


PROVIDED = {"mode": "provided", "certificateRef": {"name": "a", "key": "tls.crt"}}
REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown field": ({"domian": "x"}, ('unknown field "spec.domian"',)),
    "a password in the open": ({"adminPassword": "PLAINTEXT"}, ('unknown field "spec.adminPassword"',)),
    "a key in the open": ({"tls": PROVIDED | {"privateKey": "PLAINTEXT"}}, ('unknown field "spec.tls.privateKey"',)),
    "no domain": ({"domain": None}, ("spec.domain: Required value",)),
    "a domain that is an address": (
        {"domain": "https://a.example"},
        ("spec.domain", "must be a DNS name", "no https://"),
    ),
    "a domain in upper case": ({"domain": "A.example"}, ("spec.domain", "in lower case")),
    "an IP address": ({"domain": "192.168.1.1"}, ("spec.domain", "no IP address")),
    "unknown profile": ({"profile": "maxi"}, ("spec.profile", 'Unsupported value: "maxi"', "micro")),
    "unknown component": (
        {"components": {"keyclaok": {}}},
        ("spec.components", "unknown component; there are:", "keycloak"),
    ),
    "image without exact version": (
        {"components": {"keycloak": {"image": "quay.io/keycloak/keycloak:latest"}}},
        ("spec.components[keycloak]", "exact tag or a digest"),
    ),
    "image without any version": (
        {"components": {"keycloak": {"image": "quay.io/keycloak/keycloak"}}},
        ("spec.components[keycloak]", "exact tag or a digest"),
    ),
    "provided certificate without key": ({"tls": PROVIDED}, ("spec.tls", "needs certificateRef and privateKeyRef")),
    "certificate without mode provided": (
        {"tls": PROVIDED | {"mode": "acme"}},
        ("spec.tls", "only with mode provided"),
    ),
    "gateway without class": ({"exposure": {"mode": "gateway"}}, ("spec.exposure", "needs className")),
    "class with edge": ({"exposure": {"className": "x"}}, ("spec.exposure", "no meaning with mode edge")),
    "class and path": ({"storage": {"className": "a", "hostPath": "/srv"}}, ("spec.storage", "not both")),
    "path with ..": ({"storage": {"hostPath": "/srv/../etc"}}, ("spec.storage.hostPath", "without '..'")),
    "size without unit": ({"storage": {"sizes": {"database": "10"}}}, ("spec.storage.sizes.database", "with its unit")),
    "wrong type": ({"suspend": "yes"}, ("spec.suspend", "boolean")),
    "a number as a quantity": (
        {"components": {"keycloak": {"resources": {"limits": {"cpu": 2}}}}},
        ("spec.components.keycloak.resources.limits.cpu", "must be of type string"),
    ),
    "no e-mail address": ({"contact": "nobody"}, ("spec.contact", "must be an e-mail address")),
    "mirror with scheme": ({"imageMirror": "https://registry.example"}, ("spec.imageMirror", "no https://")),
}


@pytest.mark.parametrize(("spec", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_resource_is_refused_in_words(
    kubectl: Kubectl, namespace: str, spec: dict[str, Any], words: tuple[str, ...]
) -> None:
    said = refusal(kubectl, namespace, **spec)
    assert [word for word in words if word not in said] == [], said
    assert "PLAINTEXT" not in said
    assert "should match" not in said  # a regular expression is no advice


def test_the_broken_example_is_refused_with_all_its_mistakes(kubectl: Kubectl, namespace: str) -> None:
    broken = yaml.safe_load((MANIFESTS / "examples" / "broken.yaml").read_text("utf-8"))
    broken["metadata"]["namespace"] = namespace
    said = kubectl.refused("apply", "-f", "-", stdin=yaml.safe_dump(broken))
    for path in ("spec.domain", "spec.tls", "spec.components", "spec.components[keycloak]"):
        assert f"* {path}: " in said, said


def test_a_name_that_no_label_can_hold_is_refused(kubectl: Kubectl, namespace: str) -> None:
    resource = node() | {"metadata": {"name": "node.a"}}
    assert "without dots" in kubectl.refused("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(resource))


def test_defaults_are_filled_in(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(node(storage={"sizes": {"database": "20Gi"}}), namespace=namespace)
    assert kubectl.json("get", "emn", "node", "-n", namespace)["spec"] == {
        "profile": "micro",
        "domain": "node.hospital.example",
        "siteName": "",
        "size": "small",
        "exposure": {"mode": "edge"},
        "tls": {"mode": "acme"},
        "identity": {"mfa": "optional", "admins": [], "providers": [], "selfRegistration": False},
        "storage": {"sizes": {"database": "20Gi", "datalake": "100Gi", "datasets": "20Gi", "service": "5Gi"}},
        "components": {},
        "driftCorrection": "Enforce",
        "deletionPolicy": "Uninstall",
        "suspend": False,
    }


def test_free_values_are_kept_as_they_are(kubectl: Kubectl, namespace: str) -> None:
    values = {"deep": {"list": [1, "a", {"b": True}]}}
    kubectl.apply(node(components={"keycloak": {"values": values}}), namespace=namespace)
    assert kubectl.json("get", "emn", "node", "-n", namespace)["spec"]["components"]["keycloak"]["values"] == values


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"className": "fast"}, {"className": "slow"}, "className can't be changed"),
        ({}, {"className": "fast"}, "className can't be changed"),
        ({"hostPath": "/srv/a"}, {"hostPath": "/srv/b"}, "hostPath can't be changed"),
        ({"hostPath": "/srv/a"}, {}, "hostPath can't be changed"),
    ],
)
def test_where_the_data_lives_stays(
    kubectl: Kubectl, namespace: str, before: dict[str, str], after: dict[str, str], words: str
) -> None:
    kubectl.apply(node(storage=before), namespace=namespace)
    said = kubectl.refused("replace", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(node(storage=after)))
    assert "spec.storage" in said
    assert words in said
    kubectl.apply(node(storage=before, siteName="something else"), namespace=namespace)


def test_the_status_is_a_subresource_and_keyed_lists_merge(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(node(), namespace=namespace)

    def report(manager: str, kind: str) -> None:
        patch = node() | {"status": {"conditions": [condition(kind, "Unknown", "Progressing", "At work.")]}}
        del patch["spec"]
        apply = (
            "apply",
            "--server-side",
            "--subresource=status",
            f"--field-manager={manager}",
            "-n",
            namespace,
            "-f",
            "-",
        )
        kubectl(*apply, stdin=yaml.safe_dump(patch))

    report("one", "Ready")
    report("two", "Reconciling")
    found = kubectl.json("get", "emn", "node", "-n", namespace)
    assert [condition["type"] for condition in found["status"]["conditions"]] == ["Ready", "Reconciling"]
    assert found["metadata"]["generation"] == 1


def test_the_columns(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(node(), namespace=namespace)
    not_ready = condition("Ready", "False", "ComponentFailed", "keycloak failed")
    status = yaml.safe_dump({"status": {"componentsSummary": "3/4", "conditions": [not_ready]}})
    kubectl("patch", "emn", "node", "-n", namespace, "--subresource=status", "--type=merge", "-p", status)
    head, row = kubectl("get", "mininode", "-n", namespace).splitlines()  # the category: every kind of ours
    assert head.split() == ["NAME", "PROFILE", "READY", "COMPONENTS", "MESSAGE", "AGE"]
    assert row.split()[:6] == ["node", "micro", "False", "3/4", "keycloak", "failed"]


def test_explain_reads_well(kubectl: Kubectl) -> None:
    said = kubectl("explain", "eucaimnode.spec")
    flat = " ".join(said.split())
    assert "domain <string> -required- Public name of the node" in flat
    assert "profile <string> enum: micro The set of components" in flat
    assert "components <map[string]Object> What this node wants different" in flat
    modes = " ".join(kubectl("explain", "eucaimnode.spec.tls.mode").split())
    assert "ENUM: acme ownCA provided" in modes

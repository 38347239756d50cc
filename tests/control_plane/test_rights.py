"""The operator's rights against what it asked the API server for: none missing, none surplus.

Judges the whole session's audit log, so what other tests made the operator do counts as well; alone it does enough by itself.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.control_plane

RULES = Path(__file__).parents[2] / "manifests/operator/rbac.yaml"
Right = tuple[str, str, str]  # API group, resource with its subresource, verb

# Rights that no request shows, each with its reason.
HELD_TO_GRANT = "the dataset service's own Role has it, and nobody may grant what he lacks himself"
REASONED: dict[Right, str] = {
    ("", "pods/log", "get"): HELD_TO_GRANT,
    ("", "pods/status", "get"): HELD_TO_GRANT,
}
_DOOR = "asked for with exposure.mode ingress or gateway only: a rehearsal has neither controller"
REASONED |= {
    (group, resource, verb): _DOOR
    for group, resource in (
        ("networking.k8s.io", "ingresses"),
        ("gateway.networking.k8s.io", "gateways"),
        ("gateway.networking.k8s.io", "httproutes"),
    )
    for verb in ("get", "create", "patch", "delete")
}
# Asked for only when a node's whole namespace goes away: engine/test_deletion.py, in a rehearsal of its own.
SELDOM: set[Right] = {("", "namespaces", "get")}


def granted() -> set[Right]:
    roles = [one for one in yaml.safe_load_all(RULES.read_text()) if one and one["kind"] in {"Role", "ClusterRole"}]
    assert roles
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def rights(entry: dict[str, Any]) -> set[Right]:
    """The rights that a request needed. A server-side apply that makes the object is a patch and needs `create`, too."""
    about = entry["objectRef"]
    resource = "/".join(part for part in (about["resource"], about.get("subresource")) if part)
    made = entry["verb"] == "patch" and entry.get("responseStatus", {}).get("code") == 201
    return {(about.get("apiGroup", ""), resource, verb) for verb in (entry["verb"], "create" if made else entry["verb"])}


@pytest.fixture
def exercised(node: Any, kubectl: Any) -> str:
    """An install, an upgrade, a change by hand, a component switched off, a removal; the namespace of it all."""
    node.declare()
    node.until("Rehearsed")
    node.declare(components={"keycloak": {"resources": {"requests": {"cpu": "150m"}}}})
    node.until("Rehearsed")
    kubectl("delete", "deployment", "guacd", "-n", node.namespace)
    kubectl.until(lambda: "guacd" in kubectl("get", "deployments", "-n", node.namespace, "-o", "name"), 60)
    node.declare(components={"guacamole": {"enabled": False}})
    node.until("Rehearsed")
    node.delete()
    return str(node.namespace)


def test_no_right_is_missing_and_none_is_surplus(asked_ever: Any, exercised: str) -> None:
    entries = [one for one in asked_ever().entries(leases=True) if "objectRef" in one]

    # Other tests make nodes where the operator has no rights at all, or take the namespace away under it.
    refused = [one for one in entries if one.get("responseStatus", {}).get("code") == 403]
    denied = {one for entry in refused if entry["objectRef"].get("namespace") in (None, "", exercised) for one in rights(entry)}
    assert not (found := sorted(denied)), f"the API server denied these: {found}"

    # What every account may ask about itself stands in the cluster's own roles, not in ours.
    used = {one for entry in entries for one in rights(entry)} - {("authentication.k8s.io", "selfsubjectreviews", "create")}
    assert not (found := sorted(used - granted())), f"used, and yet not in the file: {found}"
    assert not (found := sorted(granted() - used - REASONED.keys() - SELDOM)), f"in the file, and never used: {found}"
    assert not (found := sorted(REASONED.keys() - (granted() - used))), f"no reason is needed any more: {found}"


def test_no_wildcard_and_no_way_to_more_rights() -> None:
    for group, resource, verb in granted():
        assert "*" not in {group, resource, verb}
        assert verb not in {"escalate", "bind", "impersonate"}
        assert (resource, verb) != ("pods/exec", "create")
    bindings = [one for one in yaml.safe_load_all(RULES.read_text()) if one and one["kind"] == "ClusterRoleBinding"]
    assert {one["roleRef"]["name"] for one in bindings} == {"mininode-operator"}

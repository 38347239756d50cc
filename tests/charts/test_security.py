"""Pod Security "restricted", and the list of what goes beyond the least."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mininode.assets import asset
from mininode.components.registry import charted

Render = Callable[..., list[dict[str, Any]]]

# Pod Security Standards, profile "restricted": the volume types it allows.
ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
LOW_PORTS = {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}  # the one that restricted allows
NEVER = {
    "root-user",
    "capabilities",
    "privilege-escalation",
    "seccomp",
    "host-access",
}  # the API server refuses the pod


def test_the_status_can_tell_why_a_container_crashed(component: str, render: Render) -> None:
    pods = [item["spec"]["template"]["spec"] for item in render(component) if "template" in item.get("spec", {})]
    containers = [one for pod in pods for one in [*pod["containers"], *pod.get("initContainers", [])]]
    assert {one.get("terminationMessagePolicy") for one in containers} <= {"FallbackToLogsOnError"}


def deviations(pod: dict[str, Any]) -> set[str]:
    """The rules that a pod's spec does not keep."""
    volumes = [set(volume) - {"name"} for volume in pod.get("volumes", [])]
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    ports = [port for container in containers for port in container.get("ports", [])]
    broken = {
        "service-account-token": pod.get("automountServiceAccountToken", True),
        "host-access": any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
        or any(not kinds <= ALLOWED_VOLUMES for kinds in volumes)
        or any("hostPort" in port for port in ports),
    }
    own = {rule for rule, found in broken.items() if found}
    return own.union(*(container_deviations(one, pod.get("securityContext", {})) for one in containers))


def container_deviations(container: dict[str, Any], pod: dict[str, Any]) -> set[str]:
    """The rules that a container does not keep; what it does not say itself its pod's security context says."""
    security = pod | container.get("securityContext", {})
    kept = {
        "root-user": security.get("runAsNonRoot") and security.get("runAsUser"),
        "seccomp": security.get("seccompProfile") == {"type": "RuntimeDefault"},
        "capabilities": security.get("capabilities") in ({"drop": ["ALL"]}, LOW_PORTS),
        "low-ports": security.get("capabilities") != LOW_PORTS,
        "privilege-escalation": security.get("allowPrivilegeEscalation") is False and not security.get("privileged"),
        "writable-root": security.get("readOnlyRootFilesystem"),
    }
    return {rule for rule, yes in kept.items() if not yes}


def workloads(render: Render, component: str) -> dict[str, dict[str, Any]]:
    return {
        f"{component}/{one['kind']}/{one['metadata']['name']}": one["spec"]["template"]["spec"]
        for one in render(component)
        if "template" in one.get("spec", {})
    }


def test_the_list_of_exceptions_is_what_the_charts_need(render: Render) -> None:
    listed = yaml.safe_load((asset("charts") / "exceptions.yaml").read_text())["exceptions"]
    found = {
        (name, rule)
        for component in charted()
        for name, pod in workloads(render, component).items()
        for rule in deviations(pod)
    }
    assert {(one["workload"], one["rule"]) for one in listed} == found
    assert all(len(one["reason"].split()) > 5 for one in listed)


def test_nothing_that_restricted_refuses_is_an_exception(component: str, render: Render) -> None:
    for name, pod in workloads(render, component).items():
        assert NEVER.isdisjoint(deviations(pod)), name


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"automountServiceAccountToken": None}, "service-account-token"),
        ({"hostNetwork": True}, "host-access"),
        ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "host-access"),
        ({"securityContext": {}}, "seccomp"),
        ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "root-user"),
    ],
)
def test_a_worse_pod_is_noticed(render: Render, change: dict[str, Any], rule: str) -> None:
    good = workloads(render, "keycloak")["keycloak/Deployment/keycloak"]
    assert rule not in deviations(good)
    assert rule in deviations({key: value for key, value in (good | change).items() if value is not None})


def test_service_accounts_carry_no_token_by_themselves(component: str, render: Render) -> None:
    accounts = [one for one in render(component) if one["kind"] == "ServiceAccount"]
    used = {pod["serviceAccountName"] for pod in workloads(render, component).values()}
    assert {one["metadata"]["name"] for one in accounts} == used
    assert all(one["automountServiceAccountToken"] is False for one in accounts)


def test_containers_are_bounded_and_probed(component: str, render: Render) -> None:
    for name, pod in workloads(render, component).items():
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name
        for container in pod["containers"] if "/Job/" not in name else []:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), name


def test_roles_have_no_wildcards(component: str, render: Render) -> None:
    for role in (one for one in render(component) if one["kind"] in {"Role", "ClusterRole"}):
        assert role["kind"] == "Role"
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]

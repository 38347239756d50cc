"""A cluster that is there already, as its admin sees it and as an account with too few rights does, on a real API server."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mininode.api.config import SiteConfig, parse_config
from mininode.cluster.changes import State
from mininode.cluster.existing import Survey, install, survey
from mininode.cluster.operator_pod import PodState, look
from mininode.cluster.rehearsal import Rehearsal
from mininode.components.registry import all_components
from mininode.errors import KubeError
from mininode.kube.client import Kube
from mininode.manifests.objects import title
from mininode.preflight.findings import Level

pytestmark = pytest.mark.control_plane


@pytest.fixture
def cluster(tools: Callable[[str], Path], tmp_path: Path) -> Iterator[Rehearsal]:
    """A cluster in which nothing of ours ever was."""
    one = Rehearsal(tmp_path / "rehearsal", tools)
    try:
        one.start(print)
        yield one
    finally:
        one.stop(print)


@pytest.fixture
def kubectl(cluster: Rehearsal, kubectl_for: Any) -> Any:
    return kubectl_for(cluster.kubeconfig)


@pytest.fixture
async def admin(cluster: Rehearsal) -> AsyncIterator[Kube]:
    async with await Kube.connect(cluster.kubeconfig) as kube:
        yield kube


@pytest.fixture
def account(cluster: Rehearsal, kubectl: Any, tmp_path: Path) -> Path:
    """The access file of an account that has no rights at all."""
    kubectl("create", "namespace", "people")
    kubectl("create", "serviceaccount", "imaging-it", "-n", "people")
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    token = kubectl("create", "token", "imaging-it", "-n", "people").strip()
    document["users"] = [{"name": "imaging-it", "user": {"token": token}}]
    document["contexts"][0]["context"]["user"] = "imaging-it"
    path = tmp_path / "account.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
    return path


def site(**more: Any) -> SiteConfig:
    document = {
        "operator": {"image": "registry.hospital.example/eucaim/mininode-operator:0.1.0"},
        "node": {"domain": "node.hospital.example"} | more,
    }
    return parse_config(yaml.safe_dump(document), "config.yaml", all_components())


def states(found: Survey) -> dict[str, State]:
    return {title(one.wanted): one.state for one in found.changes}


async def test_the_admin_is_told_of_everything_and_a_second_time_there_is_nothing_to_do(admin: Kube) -> None:
    first = await survey(admin, site())
    assert first.missing == first.failing == ()
    assert set(states(first).values()) == {State.ABSENT}
    assert [str(one) for one in first.cluster_wide] == [
        "CustomResourceDefinition eucaimnodes.mininode.cancerimage.eu: create",
        "Namespace mininode-system: create",
        "ClusterRole mininode-operator: create",
        "ClusterRoleBinding mininode-operator: create",
        "ClusterRole mininode-node: create",
        "Namespace eucaim-node: create",
    ]
    said: list[str] = []
    await install(admin, site(), first, said.append)
    assert set(said) == set(states(first))

    second = await survey(admin, site())
    assert set(states(second).values()) == {State.SAME}
    said.clear()
    await install(admin, site(), second, said.append)
    assert said == []


async def test_missing_rights_are_listed_and_the_manifest_is_all_that_is_needed(
    admin: Kube, account: Path, kubectl: Any
) -> None:
    async with await Kube.connect(account) as kube:
        before = await survey(kube, site())
        assert "patch customresourcedefinitions.apiextensions.k8s.io eucaimnodes.mininode.cancerimage.eu" in [
            str(one) for one in before.missing
        ]
        with pytest.raises(KubeError, match="forbidden"):
            await install(kube, site(), before, print)

        text = before.rights_manifest("rights.yaml")
        assert "system:serviceaccount:people:imaging-it" in text
        kubectl("apply", "-f", "-", stdin=text)
        after = await survey(kube, site())
        assert after.missing == ()
        await install(kube, site(), after, print)  # the API server agrees: nothing is forbidden
    assert set(states(await survey(admin, site())).values()) == {State.SAME}

    rules = [rule for one in yaml.safe_load_all(text) for rule in one.get("rules", [])]
    given = {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert given == {(one.group, one.resource, one.verb) for one in before.missing}
    assert not [one for one in given if "*" in one or one[2] in {"escalate", "bind", "impersonate"}]


async def test_with_the_cluster_wide_part_done_by_its_admin_an_account_needs_its_own_namespaces_only(
    admin: Kube, account: Path, kubectl: Any
) -> None:
    """A share of a cluster: whoever runs it makes the CRD and the roles once, a hospital's account does the rest."""
    await install(admin, site(), await survey(admin, site()), print)
    kubectl("create", "clusterrole", "looks", "--verb=get", "--resource=crd,clusterroles,clusterrolebindings,namespaces")
    kubectl("create", "clusterrolebinding", "looks", "--clusterrole=looks", "--serviceaccount=people:imaging-it")
    kubectl("delete", "deployment", "mininode-operator", "-n", "mininode-system")
    async with await Kube.connect(account) as kube:
        found = await survey(kube, site())
    assert found.cluster_wide == ()
    assert {one.namespace for one in found.missing} == {"mininode-system", "eucaim-node"}


async def test_what_somebody_changed_is_named_before_it_is_changed_back(admin: Kube, kubectl: Any) -> None:
    await install(admin, site(), await survey(admin, site()), print)
    kubectl("patch", "clusterrole", "mininode-node", "--type=json", "-p", '[{"op": "remove", "path": "/rules/0"}]')
    found = await survey(admin, site())
    assert [str(one) for one in found.cluster_wide] == ["ClusterRole mininode-node: change"]
    await install(admin, site(), found, print)
    assert (await survey(admin, site())).cluster_wide == ()


async def test_somebody_elses_namespace_stays_as_it_is(admin: Kube, kubectl: Any) -> None:
    kubectl("create", "namespace", "eucaim-node")
    kubectl("label", "namespace", "eucaim-node", "pod-security.kubernetes.io/enforce=baseline", "team=radiology")
    before = kubectl.json("get", "namespace", "eucaim-node")["metadata"]
    found = await survey(admin, site())
    assert [(one.level, one.problem) for one in found.found if one.check == "Pod Security"] == [
        (Level.WARN, "namespace eucaim-node enforces baseline")
    ]
    await install(admin, site(), found, print)
    assert kubectl.json("get", "namespace", "eucaim-node")["metadata"] == before


@pytest.mark.parametrize(
    ("manager", "tool"), [("kustomize-controller", "Flux"), ("argocd-controller", "Argo CD"), ("kubectl", None)]
)
async def test_a_node_that_git_decides_is_left_to_git(admin: Kube, kubectl: Any, manager: str, tool: str | None) -> None:
    await install(admin, site(), await survey(admin, site()), print)
    body = {
        "apiVersion": "mininode.cancerimage.eu/v1alpha1", "kind": "EucaimNode",
        "metadata": {"name": "node", "namespace": "eucaim-node"}, "spec": {"domain": "node.hospital.example"},
    }  # fmt: skip
    kubectl("apply", "--server-side", f"--field-manager={manager}", "-f", "-", stdin=yaml.safe_dump(body))
    failing = (await survey(admin, site())).failing
    assert [one.problem for one in failing] == ([f"{tool} applies it from Git"] if tool else [])


async def test_a_storage_class_that_is_not_there_and_a_door_without_controller(admin: Kube) -> None:
    found = await survey(admin, site(storage={"className": "fast-ssd"}, exposure={"mode": "gateway", "className": "ours"}))
    assert {one.check for one in found.failing} == {"storage", "exposure"}
    assert "There are rehearsal" in next(one for one in found.failing if one.check == "storage").fix


async def test_on_simulated_machines_the_operators_pod_is_said_not_to_run(admin: Kube, kubectl: Any) -> None:
    found = await survey(admin, site())
    assert [one.level for one in found.found if one.check == "machines"] == [Level.WARN]
    await install(admin, site(), found, print)
    kubectl("wait", "--for=condition=Available", "deployment/mininode-operator", "-n", "mininode-system", "--timeout=60s")
    seen = await look(admin)
    assert seen.state is PodState.SIMULATED  # although Kubernetes calls the pod ready
    assert "nothing runs in it" in seen.message

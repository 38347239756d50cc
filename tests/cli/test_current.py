"""`mininode install --cluster current`, the command as a process, into a real Kubernetes API that is there already.

Its machines are simulated, so the operator's pod runs nothing: what the command says of that is a part of the test.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mininode.cluster.operator_process import operator_spec
from mininode.cluster.rehearsal import Rehearsal
from mininode.kube.client import Kube
from mininode.kube.resources import CRDS, DEPLOYMENTS, EUCAIM_NODES, NAMESPACES, SERVICE_ACCOUNTS, Resource
from mininode.manifests.objects import CRD_NAME
from mininode.toolbox.toolbox import Toolbox

COMMAND = ("install", "micro", "--cluster", "current", "--timeout", "120")
CONFIG = {
    "operator": {"image": "registry.hospital.example/eucaim/mininode-operator:0.1.0"},
    "node": {"domain": "node.hospital.example", "siteName": "Hospital Example"},
}


@pytest.fixture
def box() -> Toolbox:
    return Toolbox.from_environment(say=print)


@pytest.fixture
def cluster(box: Toolbox, tmp_path: Path) -> Iterator[Rehearsal]:
    """A cluster in which nothing of ours ever was."""
    one = Rehearsal(tmp_path / "cluster", lambda name: box.get(name).path)
    try:
        one.start(print)
        yield one
    finally:
        one.stop(print)


@pytest.fixture
def person(blank: Any, cluster: Rehearsal) -> Any:
    """Somebody whose kubectl speaks to that cluster, with a configuration in the folder."""
    blank.extra["KUBECONFIG"] = str(cluster.kubeconfig)
    (blank.folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return blank


def ask(cluster: Rehearsal, resource: Resource, name: str, namespace: str | None = None) -> Any:
    """The object as the admin sees it."""

    async def get() -> Any:
        async with await Kube.connect(cluster.kubeconfig) as kube:
            return await kube.get(resource, name, namespace)

    return asyncio.run(get())


def create(cluster: Rehearsal, resource: Resource, body: dict[str, Any], namespace: str | None = None, **more: Any) -> Any:
    async def make() -> Any:
        async with await Kube.connect(cluster.kubeconfig) as kube:
            return await kube.create(resource, body, namespace, **more)

    return asyncio.run(make())


def test_without_a_yes_nothing_that_concerns_others_is_written(person: Any, cluster: Rehearsal) -> None:
    done = person.run(*COMMAND)
    assert done.returncode == 2, done.stdout + done.stderr
    for named in (f"CustomResourceDefinition {CRD_NAME}", "ClusterRole mininode-node", "Namespace eucaim-node"):
        assert f"{named}: create" in done.stdout
    assert "add --yes" in done.stderr
    assert ask(cluster, CRDS, CRD_NAME) is None
    assert ask(cluster, NAMESPACES, "eucaim-node") is None


def test_on_simulated_machines_all_is_declared_and_no_success_is_claimed(person: Any, cluster: Rehearsal) -> None:
    done = person.run(*COMMAND, "--yes", timeout=200)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "nothing runs in it" in done.stderr
    assert "Nothing was proven" in done.stderr
    deployment = ask(cluster, DEPLOYMENTS, "mininode-operator", "mininode-system")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == CONFIG["operator"]["image"]
    node = ask(cluster, EUCAIM_NODES, "node", "eucaim-node")
    assert node["spec"]["domain"] == "node.hospital.example"
    assert "status" not in node
    later = person.run("status")  # finds the cluster by itself, and is as honest
    assert later.returncode == 3
    assert "has not looked" in later.stdout


def test_with_an_operator_at_work_the_node_is_rehearsed_and_a_second_time_changes_nothing(
    person: Any, cluster: Rehearsal, box: Toolbox, tmp_path: Path
) -> None:
    assert person.run(*COMMAND, "--yes", timeout=200).returncode == 3

    async def spec() -> Any:
        async with await Kube.connect(cluster.kubeconfig) as kube:
            return await operator_spec(kube, tmp_path, cluster.kubeconfig, box.get("helm").path)

    cluster.run_beside(asyncio.run(spec()))
    done = person.run(*COMMAND, "--yes", timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Rehearsed:" in done.stdout
    assert "Ready:" not in done.stdout
    before = ask(cluster, EUCAIM_NODES, "node", "eucaim-node")["metadata"]["generation"]
    written = cluster.audit_log.stat().st_size
    again = person.run(*COMMAND, timeout=200)  # nothing concerns others any more, so no yes is needed
    assert again.returncode == 0, again.stdout + again.stderr
    assert "all is as it should be" in again.stdout
    with cluster.audit_log.open() as log:
        log.seek(written)
        asked = [one for one in map(json.loads, log) if one["stage"] == "ResponseComplete"]
    looks = [one for one in asked if one.get("objectRef", {}).get("resource") == "storageclasses" and one["verb"] == "list"]
    assert len(looks) == 1, "the cluster is looked at once an install"
    assert ask(cluster, EUCAIM_NODES, "node", "eucaim-node")["metadata"]["generation"] == before


def test_too_few_rights_are_a_manifest_before_anything_is_changed(person: Any, cluster: Rehearsal, tmp_path: Path) -> None:
    create(cluster, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "people"}})
    create(cluster, SERVICE_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "it"}}, "people")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = create(cluster, SERVICE_ACCOUNTS, request, "people", subresource=("it", "token"))["status"]["token"]
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["users"] = [{"name": "it", "user": {"token": token}}]
    document["contexts"] = [{"name": "hospital", "context": {"cluster": document["clusters"][0]["name"], "user": "it"}}]
    access = tmp_path / "it.kubeconfig"
    access.touch(mode=0o600)
    access.write_text(yaml.safe_dump({**document, "current-context": "hospital"}))
    done = person.run(*COMMAND, "--yes", "--kubeconfig", str(access), "--context", "hospital")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "system:serviceaccount:people:it lacks" in done.stderr
    assert "create customresourcedefinitions.apiextensions.k8s.io" in done.stderr
    assert token not in done.stdout + done.stderr
    (manifest,) = person.folder.rglob("mininode-rights.yaml")
    assert {one["kind"] for one in yaml.safe_load_all(manifest.read_text())} >= {"ClusterRole", "ClusterRoleBinding", "Role"}
    assert ask(cluster, CRDS, CRD_NAME) is None


def test_a_context_that_is_not_there_is_said_with_those_that_are(person: Any) -> None:
    done = person.run(*COMMAND, "--yes", "--context", "production")
    assert done.returncode == 4
    assert "mininode-rehearsal" in done.stderr
    assert "--context" in done.stderr


def test_no_cluster_at_all_is_said_in_a_sentence(blank: Any) -> None:
    blank.extra["KUBECONFIG"] = str(blank.folder / "none")
    done = blank.run("install", "--cluster", "current", "--yes")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "the access file can't be used" in done.stderr  # the look at the computer says it, before the way is asked
    assert "nothing was changed" in done.stderr


@pytest.mark.parametrize("option", [("--context", "x"), ("--kubeconfig", "x")])
def test_options_of_this_way_are_refused_with_another(blank: Any, option: tuple[str, str]) -> None:
    done = blank.run("install", "--cluster", "rehearsal", *option)
    assert done.returncode == 2
    assert "only with --cluster current" in done.stderr


def test_kind_without_an_engine_is_advice_and_nothing_is_made(blank: Any) -> None:
    blank.extra["PATH"] = str(blank.folder)
    done = blank.run("install", "--cluster", "kind", "--yes")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "container engine" in done.stderr
    assert not [one for one in blank.folder.rglob("*") if one.name in {"cluster.yaml", "kubeconfig"}]

"""Exported trees on a real API server, with the real definitions of Argo CD, Flux and External Secrets.

What is exported is what the API server stores, defaults and all. So applying it again, by server-side apply as Flux and Argo CD
do it, or by a plain `kubectl apply`, changes nothing: no resourceVersion moves.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.control_plane.definitions import files

from mininode.api.config import parse_config
from mininode.cluster.rehearsal import Rehearsal
from mininode.components.registry import all_components
from mininode.manifests.format import Format
from mininode.manifests.tree import Place, tree
from mininode.manifests.written import write_tree

pytestmark = pytest.mark.control_plane

# What the API server or a controller of Kubernetes adds, and no tool counts as a difference.
SERVERS_OWN = {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}
CONFIG = """
operator:
  image: registry.hospital.example/eucaim/mininode-operator:0.1.0
  pullSecret: hospital-registry
node:
  domain: node.hospital.example
  siteName: Hospital Example
  contact: imaging-it@hospital.example
  tls:
    mode: provided
    certificateRef: {name: node-certificate, key: tls.crt}
    privateKeyRef: {name: node-certificate, key: tls.key}
  components:
    keycloak:
      resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {memory: 2Gi}}
    guacamole: {enabled: true}
  imageMirror: registry.hospital.example/eucaim
"""
PLACE = Place("https://git.hospital.example/clusters.git", "main", "nodes/ours")


@pytest.fixture(scope="module")
def cluster(tools: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A cluster of this module's own: nobody else may touch what is compared."""
    one = Rehearsal(tmp_path_factory.mktemp("rehearsal"), tools)
    try:
        one.start(print)
        yield one
    finally:
        one.stop(print)


@pytest.fixture
def blank(tools: Any, kubectl_for: Any, tmp_path: Path) -> Iterator[Any]:
    """The admin of a cluster in which nothing was ever applied."""
    one = Rehearsal(tmp_path / "rehearsal", tools)
    try:
        one.start(print)
        yield kubectl_for(one.kubeconfig)
    finally:
        one.stop(print)


@pytest.fixture
def kubectl(cluster: Rehearsal, kubectl_for: Any) -> Any:
    """The admin of this module's cluster."""
    return kubectl_for(cluster.kubeconfig)


def define(kubectl: Any, *names: str) -> None:
    """Put definitions of other projects into the cluster."""
    for name in names:
        for path in files(name):
            kubectl("apply", "--server-side", "-f", str(path))
            established(kubectl, yaml.safe_load(path.read_text())["metadata"]["name"])


def established(kubectl: Any, crd: str) -> None:
    """Asked again until it holds: `kubectl wait` fails at once on a definition that has no conditions yet."""
    kubectl.until(lambda: kubectl.run("wait", "--for=condition=Established", f"crd/{crd}", "--timeout=5s").returncode == 0, 30)


def exported(form: Format, folder: Path) -> Path:
    write_tree(folder, tree(form, parse_config(CONFIG, "config.yaml", all_components()), all_components(), PLACE))
    return folder


def objects(folder: Path) -> list[dict[str, Any]]:
    """Every object in the files that a tool applies."""
    found = [one for path in sorted(folder.rglob("*.yaml")) for one in yaml.safe_load_all(path.read_text())]
    return [one for one in found if "metadata" in one and one["metadata"]["name"] != "argocd-cm"]


def live(kubectl: Any, one: dict[str, Any]) -> dict[str, Any]:
    """The object as the API server has it."""
    group = one["apiVersion"].partition("/")[0] if "/" in one["apiVersion"] else ""
    kind = f"{one['kind']}.{one['apiVersion'].rpartition('/')[2]}.{group}" if group else one["kind"]
    space = ["-n", one["metadata"]["namespace"]] if "namespace" in one["metadata"] else []
    found: dict[str, Any] = kubectl.json("get", kind, one["metadata"]["name"], *space, "--show-managed-fields")
    return found


def stored(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """A live object without what only Kubernetes writes: identity, status, and two marks of its controllers."""
    meta = {key: value for key, value in found["metadata"].items() if key not in SERVERS_OWN}
    annotations = {
        key: value
        for key, value in meta.pop("annotations", {}).items()
        if key not in {"deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"}
    }
    rest = {key: value for key, value in found.items() if key not in {"metadata", "status"}}
    if wanted["kind"] == "Namespace":
        rest.pop("spec")  # its finalizers, which only the namespace controller may change
    if wanted["kind"] == "CustomResourceDefinition":
        assert rest["spec"].pop("conversion") == {"strategy": "None"}
    return {**rest, "metadata": meta | ({"annotations": annotations} if annotations else {})}


def versions(kubectl: Any, found: list[dict[str, Any]]) -> dict[str, tuple[str, Any]]:
    """What moves with any write."""
    return {
        f"{one['kind']} {one['metadata']['name']}": (
            (meta := live(kubectl, one)["metadata"])["resourceVersion"], meta.get("generation"),
        )
        for one in found
    }  # fmt: skip


def spaces(kubectl: Any, *names: str) -> None:
    for name in names:
        kubectl.run("create", "namespace", name)


def settle(kubectl: Any, form: Format) -> None:
    """Wait until the controllers are done with what a first apply set off, so that nothing but the next apply can write."""
    if form is Format.FLUX:
        # Flux's definitions give a status a default, which the API server stores with the first update, whatever that is about.
        # Its controllers make that update within a second; they are not here.
        for name in ("gitrepository/mininode", "kustomization/mininode-operator", "kustomization/mininode-node"):
            seen = '{"status":{"observedGeneration":1}}'
            kubectl("patch", name, "-n", "flux-system", "--subresource=status", "--type=merge", "-p", seen)
    kubectl("wait", "--for=condition=Available", "deployment/mininode-operator", "-n", "mininode-system", "--timeout=60s")
    kubectl.until(
        lambda: (found := kubectl.json("get", "deployment", "mininode-operator", "-n", "mininode-system"))["status"].get(
            "observedGeneration"
        ) == found["metadata"]["generation"] and any(
            one["type"] == "Progressing" and one["reason"] == "NewReplicaSetAvailable" for one in found["status"]["conditions"]
        ),
        60,
    )  # fmt: skip


def applied(kubectl: Any, form: Format, folder: Path, *how: str) -> None:
    """In the order in which the tool does it."""
    kubectl("apply", *how, "-k", str(folder / "operator"))
    established(kubectl, "eucaimnodes.mininode.cancerimage.eu")
    kubectl("apply", *how, "-k", str(folder / "node"))
    if form is Format.ARGOCD:
        kubectl("apply", *how, "-f", str(folder / "argocd/project.yaml"), "-f", str(folder / "argocd/application.yaml"))
    if form is Format.FLUX:
        kubectl("apply", *how, "-k", str(folder))


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("how", [("--server-side", "--force-conflicts"), ()], ids=["server-side", "client-side"])
def test_what_is_exported_is_what_is_stored_and_a_second_apply_changes_nothing(
    form: Format, how: tuple[str, ...], tmp_path: Path, blank: Any
) -> None:
    kubectl = blank
    define(kubectl, "argocd", "flux", "flux-source")
    spaces(kubectl, "argocd", "flux-system")
    folder = exported(form, tmp_path / "tree")
    applied(kubectl, form, folder, *how)
    found = objects(folder)
    assert {one["kind"] for one in found} >= {"CustomResourceDefinition", "Deployment", "EucaimNode", "NetworkPolicy"}

    for one in found:
        assert stored(live(kubectl, one), one) == one

    settle(kubectl, form)
    before = versions(kubectl, found)
    applied(kubectl, form, folder, *how)
    assert versions(kubectl, found) == before


@pytest.mark.parametrize("form", Format)
def test_a_server_side_dry_run_finds_no_difference(form: Format, tmp_path: Path, kubectl: Any) -> None:
    """As Flux and Argo CD with server-side diff look for drift; and it does find a change when there is one."""
    define(kubectl, "argocd", "flux", "flux-source")
    spaces(kubectl, "argocd", "flux-system")
    folder = exported(form, tmp_path / "tree")
    applied(kubectl, form, folder, "--server-side", "--force-conflicts")
    for part in ("operator", "node"):
        kubectl("diff", "--server-side", "--force-conflicts", "-k", str(folder / part))  # exit code 1 on any difference
    node = folder / "node/node.yaml"
    node.write_text(node.read_text().replace("siteName: Hospital Example", "siteName: Another"))
    assert kubectl.run("diff", "--server-side", "--force-conflicts", "-k", str(folder / "node")).returncode == 1


def test_the_whole_of_an_argo_cd_tree_is_one_kustomization(tmp_path: Path, kubectl: Any) -> None:
    """Argo CD renders the root folder; what comes out is the operator, the node, and none of Argo CD's own objects."""
    folder = exported(Format.ARGOCD, tmp_path / "tree")
    kinds = [one["kind"] for one in yaml.safe_load_all(kubectl("kustomize", str(folder)))]
    assert {"CustomResourceDefinition", "Deployment", "EucaimNode"} <= set(kinds)
    assert not {"Application", "AppProject", "Secret"} & set(kinds)


def test_the_examples_of_external_secrets_are_taken_by_its_definitions(tmp_path: Path, kubectl: Any) -> None:
    define(kubectl, "external-secrets")
    folder = exported(Format.KUSTOMIZE, tmp_path / "tree")
    spaces(kubectl, "eucaim-node", "mininode-system")
    examples = folder / "secrets/external-secrets.yaml.example"
    kubectl("apply", "--server-side", "--validate=strict", "-f", str(examples))
    for one in yaml.safe_load_all(examples.read_text()):
        found = stored(live(kubectl, one), one)
        assert found["spec"]["provider" if one["kind"] == "ClusterSecretStore" else "target"]


def test_the_examples_for_sops_are_secrets_that_the_api_takes(tmp_path: Path, kubectl: Any) -> None:
    folder = exported(Format.KUSTOMIZE, tmp_path / "tree")
    spaces(kubectl, "eucaim-node", "mininode-system")
    for one in yaml.safe_load_all((folder / "secrets/sops.yaml.example").read_text()):
        if one["type"] == "kubernetes.io/dockerconfigjson":
            one["stringData"] = {".dockerconfigjson": '{"auths": {}}'}  # the API server looks at the value, too
        kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=json.dumps(one))

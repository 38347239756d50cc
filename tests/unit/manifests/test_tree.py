"""The trees as data: what is in them, in which order it is applied, that data outlives them, and that no secret is in them."""

from typing import Any

import pytest
import yaml

from mininode import __version__
from mininode.api.config import SiteConfig, parse_config
from mininode.components.registry import all_components
from mininode.errors import ConfigError
from mininode.manifests.format import Format
from mininode.manifests.objects import OperatorPod, holds, node, operator_deployment, operator_rights
from mininode.manifests.secrets import needs
from mininode.manifests.tree import Place, Tree, tree

PLACE = Place("https://git.hospital.example/clusters.git", "main", "nodes/ours")
FULL = """
name: radiology
namespace: eucaim-radiology
operator:
  image: registry.hospital.example/eucaim/mininode-operator:1.2.3
  pullSecret: hospital-registry
node:
  domain: node.hospital.example
  tls:
    mode: provided
    certificateRef: {name: node-certificate, key: tls.crt}
    privateKeyRef: {name: node-certificate, key: tls.key}
"""


def site(text: str = FULL) -> SiteConfig:
    return parse_config(text, "config.yaml", all_components())


def documents(files: Tree) -> list[dict[str, Any]]:
    return [one for path, text in files.items() if path.endswith(".yaml") for one in yaml.safe_load_all(text)]


def built(form: Format, place: Place = PLACE) -> Tree:
    return tree(form, site(), all_components(), place)


@pytest.mark.parametrize("form", Format)
def test_the_same_configuration_gives_the_same_bytes(form: Format) -> None:
    assert built(form) == built(form)


@pytest.mark.parametrize("form", Format)
def test_every_kustomization_names_files_that_are_there_and_every_file_is_named(form: Format) -> None:
    files = built(form)
    named = set()
    for path, text in files.items():
        if path.rpartition("/")[2] != "kustomization.yaml":
            continue
        folder = path.rpartition("/")[0]
        for resource in yaml.safe_load(text)["resources"]:
            target = f"{folder}/{resource}".lstrip("/")
            assert target in files or f"{target}/kustomization.yaml" in files
            named.add(target)
    applied_by_hand = {path for path in files if path.startswith("argocd/")}
    loose = {path for path in files if path.endswith(".yaml") and not path.endswith("kustomization.yaml")} - named
    assert loose == applied_by_hand


@pytest.mark.parametrize("form", Format)
def test_what_a_tool_reads_by_itself_has_no_secret_and_no_example(form: Format) -> None:
    assert not [one for one in documents(built(form)) if one["kind"] in {"Secret", "ExternalSecret", "ClusterSecretStore"}]


@pytest.mark.parametrize("form", Format)
def test_names_of_the_configuration_are_everywhere(form: Format) -> None:
    found = documents(built(form))
    (resource,) = [one for one in found if one["kind"] == "EucaimNode"]
    assert (resource["metadata"]["name"], resource["metadata"]["namespace"]) == ("radiology", "eucaim-radiology")
    assert "eucaim-node" not in {one["metadata"].get("namespace") for one in found if "metadata" in one}
    (deployment,) = [one for one in found if one["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.hospital.example/eucaim/mininode-operator:1.2.3"
    assert pod["imagePullSecrets"] == [{"name": "hospital-registry"}]


def test_argo_cd_applies_definitions_then_rights_then_the_operator_then_the_node() -> None:
    waves: dict[int, set[str]] = {}
    for one in documents(built(Format.ARGOCD)):
        if "argocd.argoproj.io/sync-wave" in one.get("metadata", {}).get("annotations", {}):
            waves.setdefault(int(one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]), set()).add(one["kind"])
    order = [waves[number] for number in sorted(waves)]
    assert order[0] == {"CustomResourceDefinition", "Namespace"}
    assert order[-2:] == [{"Deployment"}, {"EucaimNode"}]
    assert "ClusterRole" in order[1]


def test_argo_cds_project_allows_what_the_tree_has_and_nothing_else_cluster_wide() -> None:
    found = documents(built(Format.ARGOCD))
    (project,) = [one for one in found if one["kind"] == "AppProject"]
    allowed = {(one["group"], one["kind"]) for one in project["spec"]["clusterResourceWhitelist"]}
    cluster_wide = {
        (one["apiVersion"].rpartition("/")[0], one["kind"])
        for one in found
        if "namespace" not in one.get("metadata", {"namespace": ""})
    }
    assert cluster_wide <= allowed
    spaces = {one["metadata"]["namespace"] for one in found if "namespace" in one.get("metadata", {})} - {"argocd"}
    assert spaces == {one["namespace"] for one in project["spec"]["destinations"]}
    assert project["spec"]["sourceRepos"] == [PLACE.repo]


def test_flux_waits_for_the_operator_before_the_node() -> None:
    kustomizations = [one for one in documents(built(Format.FLUX)) if one["kind"] == "Kustomization" and "spec" in one]
    found = {one["metadata"]["name"]: one["spec"] for one in kustomizations}
    assert found["mininode-radiology"]["dependsOn"] == [{"name": "mininode-operator"}]
    assert {one["wait"] for one in found.values()} == {True}
    assert {one["path"] for one in found.values()} == {"./nodes/ours/operator", "./nodes/ours/node"}


@pytest.mark.parametrize(
    ("form", "mark"),
    [
        (Format.ARGOCD, ("argocd.argoproj.io/sync-options", "Prune=false,Delete=false")),
        (Format.FLUX, ("kustomize.toolkit.fluxcd.io/prune", "disabled")),
    ],
)
def test_no_tool_deletes_a_namespace_or_the_crd(form: Format, mark: tuple[str, str]) -> None:
    precious = [one for one in documents(built(form)) if one["kind"] in {"Namespace", "CustomResourceDefinition"}]
    assert len(precious) == 3
    assert [one["metadata"]["annotations"].get(mark[0]) for one in precious] == [mark[1]] * 3


def test_secrets_that_a_site_must_bring_come_first_and_are_named_only() -> None:
    found = needs(site(), OperatorPod.of(site()), all_components())
    assert [(one.name, one.keys) for one in found if one.must] == [
        ("node-certificate", ("tls.crt", "tls.key")), ("hospital-registry", (".dockerconfigjson",)),
    ]  # fmt: skip
    credentials = {one.name for component in all_components().values() for one in component.credentials}
    assert {one.name for one in found if not one.must} == credentials


def test_examples_bring_every_key_that_a_secret_needs() -> None:
    files = built(Format.KUSTOMIZE)
    wanted = {(one.namespace, one.name): {*one.keys, *one.fixed} for one in needs(site(), OperatorPod.of(site()), all_components())}
    plain = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): set(one["stringData"])
        for one in yaml.safe_load_all(files["secrets/sops.yaml.example"])
    }
    external = {
        (one["metadata"]["namespace"], one["spec"]["target"]["name"]): set(one["spec"]["target"]["template"]["data"])
        for one in yaml.safe_load_all(files["secrets/external-secrets.yaml.example"])
        if one["kind"] == "ExternalSecret"
    }
    assert plain == wanted
    assert external == wanted


@pytest.mark.parametrize(
    ("text", "image", "pullable"),
    [
        ("node: {domain: a.example}", f"mininode-operator:{__version__}", False),
        ("node: {domain: a.example, imageMirror: r.example/m}", f"r.example/m/mininode-operator:{__version__}", True),
        ("operator: {image: 'r.example/own:1.0'}\nnode: {domain: a.example, imageMirror: r.example/m}", "r.example/own:1.0", True),
        ("operator: {image: 'localhost:5000/own:1.0'}\nnode: {domain: a.example}", "localhost:5000/own:1.0", True),
        ("operator: {image: 'library/own:1.0'}\nnode: {domain: a.example}", "library/own:1.0", False),
    ],
)
def test_where_the_operators_image_comes_from(text: str, image: str, pullable: bool) -> None:
    pod = OperatorPod.of(site(text))
    assert (pod.image, pod.has_registry) == (image, pullable)
    assert operator_deployment(pod)["spec"]["template"]["spec"]["containers"][0]["image"] == image


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"repo": "https://me:hunter2@git.example/x"}, "password or a token"),
        ({"repo": "ftp://git.example/x"}, "no address of a Git repository"),
        ({"path": "../up"}, "no folder of a repository"),
        ({"path": "a b"}, "no folder of a repository"),
        ({"revision": "a b"}, "no branch or tag"),
    ],
)
def test_a_place_that_can_be_none_is_refused(given: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        Place.of(**({"repo": PLACE.repo, "revision": "main", "path": "a"} | given))
    assert "hunter2" not in str(caught.value)


def test_gits_short_form_is_written_as_an_address() -> None:
    assert Place.of("git@git.example:team/clusters.git", "main", "/a/").repo == "ssh://git@git.example/team/clusters.git"


def test_a_repositorys_top_is_a_folder_as_well() -> None:
    place = Place.of(PLACE.repo, "main", ".")
    found = [one for one in documents(built(Format.FLUX, place)) if one["kind"] == "Kustomization" and "spec" in one]
    assert {one["spec"]["path"] for one in found} == {"./operator", "./node"}


def test_holds_is_about_what_is_wanted_only() -> None:
    wanted = node(site())
    live = {**wanted, "status": {"x": 1}, "metadata": {**wanted["metadata"], "resourceVersion": "7"}}
    assert holds(live, wanted)
    assert not holds(wanted, live)
    role = operator_rights()[1]
    assert not holds({**role, "rules": [*role["rules"], {"verbs": ["*"]}]}, role)  # a rule more is a difference

"""What others rely on: names, labels, Secrets and claims that the charts and the components must agree on."""

from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest

from mininode.api.spec import NodeSpec
from mininode.components.base import Component, Node
from mininode.components.registry import all_components
from mininode.components.volumes import objects

Render = Callable[..., list[dict[str, Any]]]

ON_A_FOLDER = NodeSpec.model_validate({"domain": "node.hospital.example", "storage": {"hostPath": "/srv/eucaim"}})
LABELS = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app.kubernetes.io/version",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "mininode.cancerimage.eu/node",
    "mininode.cancerimage.eu/component",
}


def find(documents: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == kind}


def pods(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["spec"]["template"] for one in documents if one["kind"] in {"Deployment", "StatefulSet", "Job"}]


def secrets_read(thing: Any) -> set[tuple[str, str | None]]:
    """Every (Secret, key) that a pod names; key None where the whole Secret is mounted."""
    if isinstance(thing, list):
        return {one for value in thing for one in secrets_read(value)}
    if not isinstance(thing, dict):
        return set()
    found: set[tuple[str, str | None]] = set()
    if "secretKeyRef" in thing:
        found.add((thing["secretKeyRef"]["name"], thing["secretKeyRef"]["key"]))
    for secret in ("secret", "secretRef"):
        if isinstance(thing.get(secret), dict):
            name = thing[secret].get("secretName") or thing[secret]["name"]
            found |= {(name, item["key"]) for item in thing[secret].get("items", [])} or {(name, None)}
    return found | {one for value in thing.values() for one in secrets_read(value)}


def secrets_made(component: Component) -> set[tuple[str, str]]:
    made = {(one.name, key.key) for one in component.credentials for key in one.generated}
    made |= {(one.name, key) for one in component.credentials for key in one.fixed}
    return made | {(one.name, one.key) for one in component.rendered}


def test_every_object_says_whose_it_is(component: str, render: Render) -> None:
    for document in [*render(component), *render(component, ON_A_FOLDER), *pods(render(component))]:
        labels = document["metadata"]["labels"]
        assert set(labels) == LABELS
        assert labels["mininode.cancerimage.eu/node"] == "demo"
        assert labels["mininode.cancerimage.eu/component"] == component
        assert labels["app.kubernetes.io/part-of"] == "mininode"


def test_everything_is_in_the_node_s_namespace(component: str, render: Render) -> None:
    assert {one["metadata"].get("namespace") for one in render(component)} == {"eucaim"}


def test_no_chart_makes_a_secret(component: str, render: Render) -> None:
    assert find(render(component), "Secret") == {}


def test_a_service_finds_its_pods(component: str, render: Render) -> None:
    templates = pods(render(component))
    for service in find(render(component), "Service").values():
        wanted = service["spec"]["selector"].items()
        chosen = [one for one in templates if wanted <= one["metadata"]["labels"].items()]
        assert len(chosen) == 1, service["metadata"]["name"]
        ports = {port["name"] for container in chosen[0]["spec"]["containers"] for port in container.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


@pytest.mark.parametrize(
    ("component", "workloads", "services"),
    [
        ("postgresql", {"StatefulSet/postgresql"}, {"postgresql": 5432}),
        ("keycloak", {"Deployment/keycloak"}, {"keycloak": 8080}),
        # The service looks for the Deployment of this name.
        ("dataset-service", {"Deployment/dataset-service-backend"}, {"dataset-service-backend-service": 11000}),
        ("guacamole", {"Deployment/guacamole", "Deployment/guacd"}, {"guacamole": 8080, "guacd": 4822}),
    ],
)
def test_names_and_ports_that_others_use(
    render: Render, component: str, workloads: set[str], services: dict[str, int]
) -> None:
    documents = render(component)
    found = {f"{one['kind']}/{one['metadata']['name']}" for one in documents if "template" in one.get("spec", {})}
    ports = {name: one["spec"]["ports"][0]["port"] for name, one in find(documents, "Service").items()}
    assert (found, ports) == (workloads, services)


def test_pods_read_only_secrets_that_there_are(component: str, render: Render) -> None:
    """Made by the component itself or by one that it requires: those are there before its release is."""
    components = all_components()
    makers = [components[component], *(components[name] for name in components[component].requires)]
    there = {pair for maker in makers for pair in secrets_made(maker)}
    names = {name for name, _ in there}
    for name, key in secrets_read(render(component)):
        assert (name, key) in there or (key is None and name in names), f"{name}/{key}"


def test_every_login_reaches_the_database_server(render: Render) -> None:
    made = {pair for pair in secrets_made(all_components()["postgresql"]) if pair[0] != "postgresql-superuser"}
    assert {pair for pair in secrets_read(pods(render("postgresql"))) if pair[1] is not None} == made


def test_no_password_is_in_what_is_rendered(component: str, render: Render) -> None:
    """Environment variables that hold a secret come from a Secret or name a file."""
    for template in pods(render(component)):
        for container in [*template["spec"]["containers"], *template["spec"].get("initContainers", [])]:
            for variable in container.get("env", []):
                if any(word in variable["name"] for word in ("PASSWORD", "SECRET", "TOKEN")) and "value" in variable:
                    assert variable["value"].startswith("/run/secrets/"), variable["name"]


def test_claims_are_the_components_volumes_and_stay(render: Render) -> None:
    claims = find(render("storage"), "PersistentVolumeClaim")
    assert set(claims) == {volume.name for component in all_components().values() for volume in component.volumes}
    for claim in claims.values():
        assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_pods_mount_only_claims_that_there_are(component: str, render: Render) -> None:
    claims = set(find(render("storage"), "PersistentVolumeClaim"))
    volumes = [volume for pod in pods(render(component)) for volume in pod["spec"].get("volumes", [])]
    mounted = {one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one}
    own = {volume.name for volume in all_components()[component].volumes} if component != "storage" else claims
    assert mounted == own


def test_an_application_runs_as_the_user_that_its_volume_was_tried_out_for(render: Render) -> None:
    for component in all_components().values():
        for volume in component.volumes:
            users = {
                pod["spec"]["securityContext"]["runAsUser"]
                for pod in [*pods(render(component.name)), *pods(render("storage"))]
                for one in pod["spec"]["volumes"]
                if one.get("persistentVolumeClaim", {}).get("claimName") == volume.name
            }
            assert users == {volume.user}


def test_a_volume_on_a_folder_is_for_its_claim_alone(render: Render) -> None:
    claims = find(render("storage", ON_A_FOLDER), "PersistentVolumeClaim")
    made = objects(Node("demo", "eucaim", ON_A_FOLDER))
    volumes, (own_class,) = find(made, "PersistentVolume"), find(made, "StorageClass").values()
    assert {one["spec"]["claimRef"]["name"] for one in volumes.values()} == set(claims)
    for volume in volumes.values():
        kubernetes_validate.validate(volume, "1.35", strict=True)
        claim = claims[volume["spec"]["claimRef"]["name"]]
        assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
        assert claim["spec"]["storageClassName"] == volume["spec"]["storageClassName"] == own_class["metadata"]["name"]
        assert volume["spec"]["hostPath"]["path"] == f"/srv/eucaim/demo/{claim['metadata']['name']}"
        assert volume["spec"]["persistentVolumeReclaimPolicy"] == own_class["reclaimPolicy"] == "Retain"


def test_sizes_and_class_come_from_the_spec(render: Render) -> None:
    storage = {
        "className": "fast",
        "sizes": {"database": "7Gi", "datalake": "3Ti", "datasets": "2Gi", "service": "1Gi"},
    }
    spec = NodeSpec.model_validate({"domain": "node.hospital.example", "storage": storage})
    claims = {
        name: (claim["spec"]["storageClassName"], claim["spec"]["resources"]["requests"]["storage"])
        for name, claim in find(render("storage", spec), "PersistentVolumeClaim").items()
    }
    assert claims == {
        "edge-data": ("fast", "1Gi"),
        "postgresql-data": ("fast", "7Gi"),
        "datalake": ("fast", "3Ti"),
        "datasets": ("fast", "2Gi"),
        "dataset-service-data": ("fast", "1Gi"),
    }
    trials = [one["spec"]["containers"][0] for one in (pod for pod in pods(render("storage", spec)))]
    wanted = {entry["value"] for trial in trials for entry in trial["env"] if entry["name"] == "MININODE_WANTED_BYTES"}
    assert wanted == {str(7 * 2**30), str(3 * 2**40), str(2 * 2**30), str(2**30)}


def test_a_changed_size_changes_no_claim_on_a_folder_but_asks_anew(render: Render) -> None:
    """Kubernetes refuses to resize a claim on a folder, so the upgrade would fail; and a Job can't be changed."""

    def made(size: str, kind: str) -> dict[str, dict[str, Any]]:
        spec = {"domain": "node.hospital.example", "storage": {"hostPath": "/srv/eucaim", "sizes": {"database": size}}}
        return find(render("storage", NodeSpec.model_validate(spec)), kind)

    assert made("10Gi", "PersistentVolumeClaim") == made("20Gi", "PersistentVolumeClaim")
    changed = set(made("10Gi", "Job")) ^ set(made("20Gi", "Job"))
    assert len(changed) == 2
    assert all(name.startswith("trial-postgresql-data-") for name in changed)


def test_the_creation_job_gets_what_it_needs_from_the_deployment(render: Render) -> None:
    """It copies volumes and mounts of container 0 and iterates over its env, of which none may come from a Secret."""
    container = pods(render("dataset-service"))[0]["spec"]["containers"][0]
    assert container["env"]
    assert all("valueFrom" not in variable for variable in container["env"])
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pods(render("dataset-service"))[0]["spec"]["volumes"]}
    assert volumes[mounts["/etc/dataset-service"]]["secret"]["secretName"] == "dataset-service-config"
    assert {"/mnt/datalake", "/mnt/datasets"} <= set(mounts)


def test_issuer_is_the_same_everywhere(render: Render) -> None:
    node = Node("demo", "eucaim", NodeSpec(domain="node.hospital.example"))
    guacamole = next(one for one in pods(render("guacamole")) if one["spec"]["containers"][0]["name"] == "guacamole")
    environment = {one["name"]: one.get("value") for one in guacamole["spec"]["containers"][0]["env"]}
    keycloak = {one["name"]: one.get("value") for one in pods(render("keycloak"))[0]["spec"]["containers"][0]["env"]}
    secret = all_components()["dataset-service"].rendered[0]
    assert environment["OPENID_ISSUER"] == f"{keycloak['KC_HOSTNAME']}/realms/EUCAIM-NODE"
    assert f'"issuer": "{environment["OPENID_ISSUER"]}"' in secret.render(node, ("database", "client"))


@pytest.mark.parametrize("mode", ["ingress", "gateway"])
def test_a_cluster_s_own_door_leads_to_ours(render: Render, mode: str) -> None:
    exposure = {"mode": mode, "className": "hospital"}
    spec = NodeSpec.model_validate(
        {"domain": "node.hospital.example", "exposure": exposure, "tls": {"mode": "acme", "issuer": "letsencrypt"}}
    )
    documents = render("edge", spec)
    kind = {"ingress": "Ingress", "gateway": "Gateway"}[mode]
    (door,) = find(documents, kind).values()
    assert door["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "letsencrypt"
    assert find(documents, "Service")["edge"]["spec"]["type"] == "ClusterIP"
    assert "edge-public" in str(door)
    if mode == "gateway":
        (route,) = find(documents, "HTTPRoute").values()
        assert route["spec"]["parentRefs"] == [{"name": "edge"}]
        assert route["spec"]["hostnames"] == ["node.hospital.example"]

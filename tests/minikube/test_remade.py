"""A cluster that is deleted and made again around the same folder; and a setting that only another cluster could have."""

import json
import shutil
import subprocess
from typing import Any

import pytest
from deeds import apply, database, install, listing, passwords, postgresql_ready
from person import until

CLAIM = {
    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "remade", "namespace": "default"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}  # fmt: skip
# What a shorter life writes anew by itself: the proof of the mount, the copies before a start with another minikube.
OF_A_LIFE = (".mininode/from-", ".mininode/snapshots")


@pytest.mark.usefixtures("identity")
def test_another_runtime_is_refused_wherever_it_comes_from(made: Any) -> None:
    """minikube would take it on and leave the volumes of the other runtime behind."""
    stored = made.cluster_home / ".minikube/profiles" / made.profile / "config.json"
    text = stored.read_text()
    settings = json.loads(text)
    settings["KubernetesConfig"]["ContainerRuntime"] = "docker"
    before = made.docker("container", "inspect", "-f", "{{.State.StartedAt}}", made.profile)
    stored.write_text(json.dumps(settings))
    try:
        done = install(made)
    finally:
        stored.write_text(text)
    assert done.returncode == 4
    assert "the container runtime is docker, the configuration says containerd" in done.stderr
    arguments = [*made.config["minikube"].get("startArguments", []), "--container-runtime=docker"]
    done = install(made, minikube={**made.config["minikube"], "startArguments": arguments})
    assert done.returncode == 2
    assert made.docker("container", "inspect", "-f", "{{.State.StartedAt}}", made.profile) == before


@pytest.mark.usefixtures("identity")
def test_deleted_and_made_again_it_has_the_same_data_and_passwords(made: Any) -> None:
    """With the disk lost meanwhile, and a copy of the folder in its place: what docs/operate.md calls a backup is one."""
    apply(made, CLAIM)
    folder = made.data / "default/remade"
    until(folder.is_dir, 90, "the claim's folder on the computer")
    (folder / "study.dcm").write_text("an image")
    until(lambda: postgresql_ready(made), 300, "the database runs")
    before_passwords, number = passwords(made), database(made)
    assert before_passwords
    assert made.run("cluster", "stop", "--profile", made.profile).returncode == 0
    before = listing(made.data)
    copy = made.folder / "copy"
    subprocess.run(["cp", "-a", made.data, copy], check=True)

    done = made.run("cluster", "delete", "--profile", made.profile, "--confirm", made.profile)
    assert done.returncode == 0, done.stderr
    assert made.docker("ps", "-a", "--filter", f"name=^{made.profile}$", "-q") == ""
    assert made.docker("volume", "ls", "--filter", f"name=^{made.profile}$", "-q") == ""
    assert listing(made.data) == before

    start = made.ensure()
    assert start.returncode == 4
    assert "there is no cluster" in start.stderr.lower()
    assert "mininode install micro --cluster minikube" in start.stderr
    assert listing(made.data) == before

    shutil.rmtree(made.data)
    subprocess.run(["cp", "-a", copy, made.data], check=True)
    again = install(made)
    assert "make a cluster mininode-lane on the data that are there" in again.stdout
    assert "are used again" in again.stdout
    assert made.state_now() == "Running"
    after = listing(made.data)
    assert (folder / "study.dcm").read_text() == "an image"
    kept = {name: one for name, one in before.items() if not name.startswith(OF_A_LIFE) and name in _at_rest(before)}
    assert {name: after.get(name) for name in kept} == kept
    until(lambda: set(passwords(made)) >= set(before_passwords), 120, "the credentials are in the new cluster")
    assert {name: passwords(made)[name] for name in before_passwords} == before_passwords
    until(lambda: postgresql_ready(made), 300, "the database runs again")
    assert database(made) == number

    apply(made, CLAIM)
    bound = ("get", "pvc", "remade", "-n", "default", "-o", "jsonpath={.status.phase}")
    until(lambda: made.kubectl(*bound) == "Bound", 90, "the claim is bound again")
    seen = made.docker("exec", made.profile, "cat", "/var/hostpath-provisioner/default/remade/study.dcm")
    assert seen == "an image"


def _at_rest(files: dict[str, Any]) -> set[str]:
    """Without what a database that runs writes to all the time."""
    return {name for name in files if "/postgresql" not in name and "/keycloak" not in name}


@pytest.fixture(autouse=True)
def _running(made: Any) -> Any:
    """Each test begins with a cluster that runs."""
    if made.state_now() != "Running":
        assert made.ensure().returncode == 0

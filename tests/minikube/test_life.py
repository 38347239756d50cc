"""A cluster's life on a real minikube, in the order of the file: one cluster serves all tests.

Made, looked at again, refused what it can not take on, its access file damaged, stopped, killed: the same data and a machine that
is Ready, or a stop with advice before harm.
"""

import json
import os
import subprocess
import time
from typing import Any

import pytest
from deeds import apply, install, sentinel
from person import until

CLAIM = {
    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "kept", "namespace": "default"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}  # fmt: skip


def test_it_is_made_as_the_configuration_says(made: Any, first: subprocess.CompletedProcess[str]) -> None:
    assert "make a cluster" in first.stdout
    found = json.loads(made.docker("container", "inspect", made.profile))[0]
    mounts = {one["Destination"]: one["Source"] for one in found["Mounts"]}
    assert mounts["/var/hostpath-provisioner"] == str(made.data)
    bindings = found["HostConfig"]["PortBindings"]
    assert bindings["443/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "29443"}]
    assert bindings["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "29180"}]
    assert (made.cluster_home / "kubeconfig").stat().st_mode & 0o077 == 0
    assert "Ready" in made.kubectl("get", "nodes")


def test_both_sides_see_the_same_folder(made: Any) -> None:
    marker = json.loads((made.data / ".mininode/node.json").read_text())
    inside = json.loads(made.docker("exec", made.profile, "cat", "/var/hostpath-provisioner/.mininode/node.json"))
    assert inside == marker
    assert sentinel(made) == marker["identity"]
    made.docker("exec", made.profile, "sh", "-c", "echo kept > /var/hostpath-provisioner/kept.txt")
    assert (made.data / "kept.txt").read_text() == "kept\n"


def test_a_dynamic_volume_lies_in_the_folder(made: Any) -> None:
    apply(made, CLAIM)
    until((made.data / "default/kept").is_dir, 90, "the claim's folder on the computer")


def test_a_second_look_on_a_healthy_cluster_is_quick_and_changes_nothing(made: Any) -> None:
    log = (made.cluster_home / "minikube.log").read_text()
    began = time.monotonic()
    done = made.ensure()
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    assert (made.cluster_home / "minikube.log").read_text() == log  # minikube was asked, and told to do nothing
    assert took < 60, "5 s on a machine that does nothing else"


REFUSED = (
    ({"dataFolder": "/srv/elsewhere"}, "computer.dataFolder is"),
    ({"cpus": 3}, "computer.cpus is 2"),
    ({"memory": "4500Mi"}, "computer.memory is 5000Mi"),
    ({"ports": {"http": 29181, "https": 29443, "address": "127.0.0.1"}}, "computer.ports is"),
    ({"minikube": {"kubernetesVersion": "v1.34.0"}}, "kubernetesVersion is v1.35.1"),
)


@pytest.mark.parametrize(("change", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_it_can_not_take_on_is_refused_before_anything(made: Any, change: dict[str, Any], says: str) -> None:
    if "minikube" in change:
        change = {"minikube": {**made.config["minikube"], **change["minikube"]}}
    log = (made.cluster_home / "minikube.log").read_text()
    done = install(made, **change)
    assert done.returncode == 4
    assert says in done.stderr
    assert "same data" in done.stderr
    assert (made.cluster_home / "minikube.log").read_text() == log
    assert made.state_now() == "Running"


def test_a_bad_flag_of_the_api_server_does_not_reach_minikube(made: Any) -> None:
    arguments = [*made.config["minikube"].get("startArguments", []), "--extra-config=apiserver.no-such-flag=1"]
    done = install(made, minikube={**made.config["minikube"], "startArguments": arguments})
    assert done.returncode == 2
    assert "startArguments may hold only these" in done.stderr
    assert sentinel(made)


def test_as_root_it_does_nothing(made: Any) -> None:
    if os.getuid():
        pytest.skip("only root can try it as root")
    done = made.run("cluster", "start", "--profile", made.profile, root=True)
    assert done.returncode == 4
    assert "without sudo" in done.stderr
    assert made.state_now() == "Running"


def test_from_another_home_it_does_nothing(made: Any) -> None:
    before = made.docker("container", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", made.profile)
    made.home = "other"
    try:
        done = install(made)
    finally:
        made.home = "home"
    assert done.returncode == 4
    assert "another home's minikube made" in done.stderr
    assert made.docker("container", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", made.profile) == before
    assert sentinel(made)


@pytest.mark.parametrize("text", ["", "{", "clusters: 7", "apiVersion: v1\nkind: Config\n"])
def test_a_damaged_access_file_is_made_anew_and_does_no_harm(made: Any, text: str) -> None:
    identity = sentinel(made)
    (made.cluster_home / "kubeconfig").write_text(text)
    assert made.state_now() == "AccessBroken"
    done = made.ensure()
    assert done.returncode == 0, done.stdout + done.stderr
    assert sentinel(made) == identity


def test_fault_12_the_api_server_is_told_the_same_in_every_life(made: Any) -> None:
    """Upstream's second run gave it a flag with a file that was not there, and it never came up again."""
    query = ("-l", "component=kube-apiserver", "-o", "jsonpath={.items[0].spec.containers[0].command}")
    command = ("get", "pods", "-n", "kube-system", *query)
    before = made.kubectl(*command)
    assert "--authentication-config=" in before
    assert "--token-auth-file" not in before
    assert made.run("cluster", "stop", "--profile", made.profile).returncode == 0
    assert made.ensure().returncode == 0
    assert made.kubectl(*command) == before
    for word in json.loads(before):
        name, _, file = word.partition("=")
        if file.startswith("/") and name.endswith(("-file", "-config", "-certificate", "-key")):
            made.docker("exec", made.profile, "test", "-f", file)


def test_stopped_and_started_it_is_the_same(made: Any) -> None:
    identity = sentinel(made)
    assert made.run("cluster", "stop", "--profile", made.profile).returncode == 0
    assert made.state_now() == "Stopped"
    at_boot = made.run("cluster", "start", "--boot", "--profile", made.profile)
    assert "stopped by a person" in at_boot.stdout
    assert made.state_now() == "Stopped"
    done = made.ensure()
    assert done.returncode == 0, done.stdout + done.stderr
    assert sentinel(made) == identity
    assert (made.data / "kept.txt").read_text() == "kept\n"


def test_another_minikube_starts_it_only_after_it_was_copied(made: Any) -> None:
    """The record says that an older one started it last. What a reset would erase then lies in the data folder."""
    record, snapshots = made.cluster_home / "record.json", made.data / ".mininode/snapshots"
    known = json.loads(record.read_text())
    assert made.run("cluster", "stop", "--profile", made.profile).returncode == 0
    record.write_text(json.dumps({**known, "tool": "v1.37.0"}))
    before = set(snapshots.iterdir()) if snapshots.exists() else set()
    done = made.ensure()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"minikube is {known['tool']}, it was v1.37.0: copying the cluster first" in done.stdout
    (copy,) = set(snapshots.iterdir()) - before
    assert (copy / "etcd/member/snap/db").stat().st_size > 100_000
    assert "PRIVATE KEY" in (copy / "certs/ca.key").read_text()
    assert json.loads((copy / "config.json").read_text())["Name"] == made.profile
    assert copy.stat().st_mode & 0o077 == 0
    assert json.loads(record.read_text())["tool"] == known["tool"]
    assert sentinel(made) == known["identity"]


def test_with_its_disk_away_it_is_not_started(made: Any) -> None:
    made.docker("kill", made.profile)
    marker = made.data / ".mininode/node.json"
    text = marker.read_bytes()
    aside = marker.with_name("aside.json")
    marker.rename(aside)
    try:
        done = made.ensure()
        assert done.returncode == 4
        assert "lost its marker" in done.stderr
        assert made.docker("container", "inspect", "-f", "{{.State.Running}}", made.profile).strip() == "false"
    finally:
        aside.rename(marker)
    assert marker.read_bytes() == text


def test_after_a_power_cut_it_comes_back(made: Any) -> None:
    """The machine was killed above; a start finds it and its contents."""
    done = made.ensure()
    assert done.returncode == 0, done.stdout + done.stderr
    assert sentinel(made) == json.loads((made.data / ".mininode/node.json").read_text())["identity"]
    assert "Ready" in made.kubectl("get", "nodes")


def test_a_reset_is_noticed_and_nothing_is_installed_over_it(made: Any) -> None:
    """A reset leaves a cluster without the sentinel; taking it away is what such a cluster looks like."""
    saved = json.loads(made.kubectl("get", "configmap", "mininode-cluster", "-n", "kube-system", "-o", "json"))
    made.kubectl("delete", "configmap", "mininode-cluster", "-n", "kube-system")
    try:
        done = install(made)
        assert done.returncode == 1
        assert "lost its contents" in done.stderr
        assert "rights:" not in done.stdout
    finally:
        apply(made, {key: saved[key] for key in ("apiVersion", "kind", "data")} | {
            "metadata": {"name": "mininode-cluster", "namespace": "kube-system"}})  # fmt: skip


def test_deleting_wants_the_name(made: Any) -> None:
    done = made.run("cluster", "delete", "--profile", made.profile, "--confirm", "other")
    assert done.returncode == 2
    assert made.state_now() == "Running"


def test_the_operator_runs_in_it_and_its_releases_are_applied(made: Any) -> None:
    """`install micro` up to where every release is applied; that applications start is another lane's matter."""
    install(made)

    def applied() -> bool:
        query = ("-l", "owner=helm", "-o", "jsonpath={.items[*].metadata.labels.name}")
        names = made.kubectl("get", "secrets", "-n", "eucaim-node", *query)
        return set(names.split()) >= {"postgresql"}

    pod = made.kubectl("get", "pods", "-n", "mininode-system", "-o", "jsonpath={.items[*].status.phase}")
    assert "Running" in pod
    until(applied, 120, "the release postgresql")

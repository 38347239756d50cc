"""Each row of the judgement: one thing is changed on a well computer, and exactly that check says so, with a way out."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.preflight.conftest import DISK, WELL, WISH

from mininode.cluster.engine import Engine, EngineState
from mininode.preflight.facts import Authority, Clock, Host, Name, Network, Port, Program, Unseen
from mininode.preflight.judge import CHECKS, judge, needed, worst
from mininode.preflight.wish import GIB, Wish

ROWS = [
    ({"machine__system": "Darwin"}, "system", "warn", "while you are logged in"),
    ({"machine__root": True, "machine__sudo_user": "it"}, "user", "warn", "called by it through sudo"),
    ({"machine__cores": 1}, "processor", "fail", "needs 2 cores"),
    ({"machine__cores": 2}, "processor", "warn", "tier 2"),
    ({"machine__memory": 4 * GIB, "machine__available": 3 * GIB}, "memory", "fail", "4 GiB built in"),
    ({"machine__memory": 16 * GIB, "machine__available": 15 * GIB}, "memory", "warn", "tier 2"),
    ({"machine__available": 2 * GIB}, "memory", "warn", "2 GiB free"),
    ({"machine__swap": 8 * GIB, "machine__swap_used": 4 * GIB}, "swap", "warn", "4 GiB in use"),
    ({"machine__kernel": "4.18.0-553.el8"}, "kernel", "fail", "4.18.0-553.el8"),
    ({"machine__kernel": "5.4.0-26-generic"}, "kernel", "warn", "5.8"),
    ({"machine__cgroup": 1}, "cgroups", "warn", "version 1"),
    ({"machine__cgroup": 0}, "cgroups", "fail", "not mounted"),
    ({"machine__controllers": frozenset({"cpu", "pids"})}, "cgroups", "fail", "memory"),
    ({"machine__inotify_instances": 128}, "watches", "warn", "is 128"),
    ({"machine__selinux": "enforcing"}, "security", "warn", "container_file_t '/srv/eucaim"),
    ({"folder__free": 10 * GIB}, "data-disk", "fail", "10 GiB of 1000 GiB free"),
    ({"folder__free": 100 * GIB}, "data-disk", "warn", "may grow to 135 GiB"),
    ({"folder__free": 140 * GIB, "folder__total": 150 * GIB}, "data-disk", "warn", "160 GiB of the federation's tier 2"),
    ({"folder__filesystem": "nfs4"}, "filesystem", "warn", "network file system"),
    ({"folder__filesystem": "cifs"}, "filesystem", "warn", "network file system"),
    ({"folder__filesystem": "vfat"}, "filesystem", "fail", "no owners"),
    ({"folder__filesystem": "tmpfs"}, "filesystem", "fail", "in memory"),
    ({"folder__filesystem": "fuse.sshfs"}, "filesystem", "warn", "of a program"),
    ({"folder__filesystem": "overlay"}, "filesystem", "warn", "inside a container"),
    ({"folder__writable": False}, "filesystem", "fail", "sudo chown $USER /srv/eucaim"),
    ({"folder__writable": False, "folder__exists": False}, "filesystem", "warn", "sudo install -d"),
    ({"folder__acl": False}, "acl", "warn", "access control lists"),
    ({"software__free": 5 * GIB}, "disk", "fail", "need 20 GiB"),
    ({"engine": Engine(EngineState.ABSENT, "there is no program docker")}, "engine", "fail", "apt install docker.io"),
    ({"engine": Engine(EngineState.FORBIDDEN, "permission denied")}, "engine", "fail", "usermod -aG docker"),
    ({"engine": Engine(EngineState.NOT_RUNNING, "Cannot connect")}, "engine", "fail", "systemctl enable --now docker"),
    ({"engine": Engine(EngineState.USABLE, "18.06.3")}, "engine", "fail", "too old"),
    ({"engine": Engine(EngineState.USABLE, "19.03.1")}, "engine", "warn", "20.10"),
    ({"ports": (Port(80, True, "::", "apache2", 7), Port(443))}, "ports", "fail", "systemctl disable --now apache2"),
    ({"ports": (Port(80, True), Port(443, True))}, "ports", "fail", "sport = :80 or sport = :443"),
    ({"name": Name("node.hospital.eu", (), ("192.0.2.7",), "unknown")}, "name", "fail", "this computer's address (192.0.2.7)"),
    ({"name": Name("node.hospital.eu", ("198.51.100.1",), ("192.0.2.7",))}, "name", "warn", "another address"),
    ({"name": Name("node.hospital.eu", ("127.0.1.1",), ("192.0.2.7",))}, "name", "warn", "/etc/hosts"),
    ({"network__clock": Clock(-400, "dl.k8s.io")}, "clock", "fail", "400 s slow"),
    ({"network__clock": Clock(60, "dl.k8s.io")}, "clock", "warn", "60 s fast"),
    ({"network__clock": Clock(None, "", synchronized=False)}, "clock", "warn", "timedatectl set-ntp true"),
    ({"network": Network("http://proxy:3128", "Connection refused")}, "proxy", "fail", "unset HTTPS_PROXY"),
    ({"network": Network("http://proxy:3128", "", "localhost")}, "proxy", "warn", "export NO_PROXY=localhost,127.0.0.1,10.96."),
    ({"network__hosts": (Host("quay.io", "403"), Host("dl.k8s.io"))}, "downloads", "warn", "1 of 2 hosts"),
    ({"network__hosts": (Host("quay.io", "not trusted", certificate=True),)}, "downloads", "warn", "SSL_CERT_FILE"),
    ({"authority": Authority("SSL_CERT_FILE", "/ca.pem", "No such file")}, "authority", "fail", "SSL_CERT_FILE=/ca.pem"),
    ({"authority": Authority("SSL_CERT_FILE", "/ca.pem", "", ("CN=x",), ("CN=x",))}, "authority", "warn", "CN=x"),
    ({"programs": (Program("helm", "v4", problem="MININODE_TOOL_HELM is /x"),)}, "programs", "fail", "MININODE_TOOL_HELM"),
    ({"cluster__kubeconfig": "/k", "cluster__kubeconfig_problem": "damaged"}, "kubeconfig", "fail", "mv /k /k.damaged"),
    ({"cluster__container": "mininode: Up 3 days"}, "cluster", "fail", "Do not remove it"),
    ({"cluster__stray": ("MINIKUBE_DRIVER",)}, "variables", "warn", "unset MINIKUBE_DRIVER"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "check", "level", "words"), ROWS, ids=[f"{row[1]}-{row[2]}-{n}" for n, row in enumerate(ROWS)])
def test_one_thing_is_wrong_and_that_check_says_so(said: Any, change: dict[str, Any], check: str, level: str, words: str) -> None:
    findings = said(**change)
    wrong = {name: one for name, one in findings.items() if one.level != "ok"}
    found = wrong.pop(check)
    assert found.level == level
    assert words in f"{found.problem} {found.evidence} {found.fix}"
    assert found.evidence and found.fix  # noqa: PT018 - a complaint without evidence or way out is none
    assert not {name: one.problem for name, one in wrong.items()} or check in {"name", "proxy"}


def test_a_well_computer_has_nothing_to_complain_of(said: Any) -> None:
    assert {one.level for one in said().values()} == {"ok"}


def test_every_check_has_a_row_that_makes_it_complain() -> None:
    assert {row[1] for row in ROWS} == {check.name for check in CHECKS}


@pytest.mark.parametrize("fact", ["machine", "folder", "network", "cluster"])
def test_what_could_not_be_looked_at_is_a_warning_with_the_reason(said: Any, fact: str) -> None:
    findings = said(**{fact: Unseen("no answer within 2.0 s")})
    silent = [one for one in findings.values() if one.level == "ok"]
    assert {check.name for check in CHECKS if check.fact == fact}.isdisjoint({one.check for one in silent})
    assert any("no answer within" in one.evidence for one in findings.values())


def test_profiles_ask_for_more(said: Any) -> None:
    small = {"machine__cores": 4, "machine__memory": 16 * GIB, "machine__available": 15 * GIB}
    levels = {profile: said(replace(WISH, profile=profile), **small)["memory"].level for profile in ("micro", "mini", "standard")}
    assert levels == {"micro": "warn", "mini": "warn", "standard": "fail"}


def test_a_rehearsal_asks_for_little_and_looks_at_little(said: Any) -> None:
    findings = said(Wish("rehearsal"), machine__cores=1, machine__memory=4 * GIB, machine__available=3 * GIB)
    assert {one.level for one in findings.values()} == {"ok"}
    assert "ports" not in findings
    assert needed(Wish("rehearsal")) == {"machine", "software", "programs"}


def test_the_cluster_of_others_needs_no_engine_and_an_access_file(said: Any) -> None:
    findings = said(replace(WISH, way="current"), engine=Engine(EngineState.ABSENT))
    assert "engine" not in findings
    assert findings["kubeconfig"].level == "fail"


def test_kind_needs_cgroup_two(said: Any) -> None:
    assert said(replace(WISH, way="kind"), machine__cgroup=1)["cgroups"].level == "fail"


def test_ports_are_no_matter_where_the_door_is_the_clusters(said: Any) -> None:
    taken = (Port(80, True, "", "nginx", 7), Port(443))
    assert said(replace(WISH, exposure="ingress"), ports=taken)["ports"].level == "ok"


def test_the_door_of_our_own_node_is_not_in_the_way(said: Any) -> None:
    ours = (Port(80, True, ours=True), Port(443, True, ours=True))
    assert "held by your node" in said(ports=ours)["ports"].problem


def test_our_own_cluster_is_not_somebody_elses(said: Any) -> None:
    assert said(cluster__container="mininode: Up", cluster__profile=True)["cluster"].level == "ok"


def test_a_name_that_leads_nowhere_matters_less_with_a_certificate_of_ones_own(said: Any) -> None:
    nowhere = Name("node.hospital.eu", (), ("192.0.2.7",), "unknown")
    assert said(replace(WISH, tls="ownCA"), name=nowhere)["name"].level == "warn"


def test_the_worst_level_counts() -> None:
    assert worst(judge(WELL, WISH)) == "ok"
    assert worst(judge(replace(WELL, folder=replace(DISK, free=0)), WISH)) == "fail"

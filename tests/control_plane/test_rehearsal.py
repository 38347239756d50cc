"""The rehearsal itself: a real control plane with simulated pods that comes up, survives and goes away as promised."""

import json
import os
import signal
import socket
import ssl
import stat
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from mininode.cluster.control_plane import ORDER
from mininode.cluster.pki import CLUSTER, ETCD, Pki
from mininode.cluster.ports import remembered
from mininode.cluster.processes import ProcessSpec
from mininode.cluster.rehearsal import Rehearsal, RehearsalSettings, State
from mininode.cluster.simulation import BEHAVE, READY_AFTER, RUN_FOR, THEN
from mininode.errors import ToolError, Unavailable

pytestmark = pytest.mark.control_plane

MIB = 1024**2


def silent(_line: str) -> None:
    """Nobody listens."""


def living(pids: list[int]) -> list[int]:
    """Those that run; one that ended and that nobody collected (a zombie) does not."""
    alive = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                alive.append(pid)
        except psutil.NoSuchProcess:
            continue
    return alive


def pids(rehearsal: Rehearsal) -> dict[str, int]:
    return {process.name: process.pid for process in rehearsal.status().processes if process.pid}


def workload(
    kind: str, name: str, *, labels: dict[str, str] | None = None, notes: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    pod = {"containers": [{"name": "main", "image": "registry.example/none:1"}], **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name, **(labels or {})}, "annotations": notes or {}},
                "spec": pod,
            },
        },
    }


def job(name: str, labels: dict[str, str]) -> dict[str, Any]:
    pod = {"containers": [{"name": "main", "image": "registry.example/none:1"}], "restartPolicy": "Never"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": template},
    }


def the_pod(kubectl: Any, namespace: str, app: str) -> dict[str, Any]:
    """The one pod of a workload, once it is there."""
    return kubectl.until(lambda: kubectl.json("-n", namespace, "get", "pods", "-l", f"app={app}")["items"])[0]


def ready_condition(pod: dict[str, Any]) -> dict[str, Any]:
    conditions = pod["status"].get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == "Ready"), {"status": "Unknown"})


def readiness(kubectl: Any, namespace: str, app: str) -> str:
    return ready_condition(the_pod(kubectl, namespace, app))["status"]


class TestShared:
    """With the session's rehearsal: nothing here may stop it."""

    def test_its_status_tells_of_every_process(self, rehearsal: Rehearsal) -> None:
        status = rehearsal.status()

        assert status.state is State.RUNNING
        assert [process.name for process in status.processes][: len(ORDER)] == list(ORDER)
        assert status.version.startswith("v1.")
        assert not status.problems

    def test_a_second_start_finds_it(self, rehearsal: Rehearsal) -> None:
        before = pids(rehearsal)
        said: list[str] = []

        status = rehearsal.start(said.append)

        assert pids(rehearsal) == before
        assert status.state is State.RUNNING
        assert said == ["the rehearsal is running"]

    def test_nobody_else_can_read_its_files(self, rehearsal: Rehearsal) -> None:
        def mode(path: Path) -> int:
            return stat.S_IMODE(path.stat().st_mode)

        files = [path for path in rehearsal.home.rglob("*") if path.is_file()]

        assert mode(rehearsal.home) == 0o700
        assert mode(rehearsal.kubeconfig) == 0o600
        assert [
            path for path in files if path.suffix in (".key", ".yaml", ".json", ".log") and mode(path) & 0o077
        ] == []

    def test_no_secret_shows_in_the_process_list(self, rehearsal: Rehearsal) -> None:
        key = rehearsal.home.joinpath("pki", "service-account.key").read_text().splitlines()[1]
        lines = [" ".join(psutil.Process(pid).cmdline()) for pid in pids(rehearsal).values()]

        assert len(lines) >= len(ORDER)
        assert not any(key in line for line in lines)

    @pytest.mark.parametrize("user", [None, "admin"])
    def test_etcd_refuses_whoever_has_no_certificate_of_its_own(self, rehearsal: Rehearsal, user: str | None) -> None:
        pki = Pki(rehearsal.home / "pki")
        port = remembered(rehearsal.home / "ports.json")["etcd"]
        context = ssl.create_default_context(cafile=str(pki.certificate(ETCD)))
        if user:
            context.load_cert_chain(pki.certificate(user), pki.key(user))

        with httpx.Client(verify=context, trust_env=False) as client, pytest.raises(httpx.TransportError):
            client.get(f"https://127.0.0.1:{port}/health")

    def test_the_api_server_knows_no_anonymous_user(self, rehearsal: Rehearsal) -> None:
        context = ssl.create_default_context(cafile=str(Pki(rehearsal.home / "pki").certificate(CLUSTER)))

        with httpx.Client(verify=context, trust_env=False) as client:
            assert client.get(f"{rehearsal.status().server}/version").status_code == httpx.codes.UNAUTHORIZED

    def test_pod_security_restricted_refuses_what_is_not(self, kubectl: Any, namespace: str) -> None:
        kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
        context = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }

        def pod(name: str, context: dict[str, Any]) -> str:
            container = {"name": "main", "image": "registry.example/none:1", "securityContext": context}
            body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}
            return json.dumps(body)

        said = kubectl.refused("-n", namespace, "create", "-f", "-", stdin=pod("bad", {"privileged": True}))
        kubectl("-n", namespace, "create", "-f", "-", stdin=pod("good", context))

        assert 'violates PodSecurity "restricted:latest": privileged' in said

    def test_a_deployment_becomes_available_after_its_delay(self, kubectl: Any, namespace: str) -> None:
        init = [{"name": "before", "image": "registry.example/none:1"}]
        began = time.monotonic()
        kubectl.apply(
            workload("Deployment", "web", notes={READY_AFTER: "2s"}, initContainers=init), namespace=namespace
        )

        kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=30s")

        pod = the_pod(kubectl, namespace, "web")
        assert time.monotonic() - began >= 2
        assert pod["status"]["podIP"].startswith("10.244.")
        assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"

    def test_a_crashing_pod_crashes_again_and_heals(self, kubectl: Any, namespace: str) -> None:
        kubectl.apply(workload("Deployment", "web", labels={BEHAVE: "crash"}), namespace=namespace)

        def crashed() -> bool:
            statuses = the_pod(kubectl, namespace, "web")["status"].get("containerStatuses", [{}])
            waiting = statuses[0].get("state", {}).get("waiting", {})
            return statuses[0].get("restartCount", 0) >= 2 and waiting.get("reason") == "CrashLoopBackOff"

        kubectl.until(crashed)
        assert "availableReplicas" not in kubectl.json("-n", namespace, "get", "deployment", "web")["status"]

        kubectl("-n", namespace, "label", "pods", "-l", "app=web", f"{BEHAVE}-")
        kubectl.until(lambda: readiness(kubectl, namespace, "web") == "True")

    def test_an_unready_pod_runs_and_is_not_ready(self, kubectl: Any, namespace: str) -> None:
        kubectl.apply(workload("Deployment", "web"), namespace=namespace)
        kubectl.until(lambda: readiness(kubectl, namespace, "web") == "True")

        kubectl("-n", namespace, "label", "pods", "-l", "app=web", f"{BEHAVE}=unready")

        kubectl.until(lambda: readiness(kubectl, namespace, "web") == "False")
        assert the_pod(kubectl, namespace, "web")["status"]["phase"] == "Running"

    @pytest.mark.parametrize(("then", "sign"), [("unready", "RunForOver"), ("crash", "CrashLoopBackOff")])
    def test_a_pod_runs_for_a_time_only(self, kubectl: Any, namespace: str, then: str, sign: str) -> None:
        name = f"web-{then}"
        kubectl.apply(workload("Deployment", name, notes={RUN_FOR: "2s", THEN: then}), namespace=namespace)
        kubectl.until(lambda: readiness(kubectl, namespace, name) == "True")

        pod = kubectl.until(
            lambda: pod if ready_condition(pod := the_pod(kubectl, namespace, name))["status"] == "False" else None
        )

        waiting = pod["status"]["containerStatuses"][0]["state"].get("waiting", {})
        assert sign in (ready_condition(pod).get("reason"), waiting.get("reason"))

    def test_jobs_complete_or_fail(self, kubectl: Any, namespace: str) -> None:
        kubectl.apply(job("good", {}), job("bad", {BEHAVE: "crash"}), namespace=namespace)

        kubectl("-n", namespace, "wait", "--for=condition=Complete", "job/good", "--timeout=30s")
        kubectl("-n", namespace, "wait", "--for=condition=Failed", "job/bad", "--timeout=30s")

    def test_a_claim_binds_and_finds_its_volume_again(self, kubectl: Any, namespace: str) -> None:
        database = workload("StatefulSet", "db")
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        database["spec"] |= {
            "serviceName": "db",
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
        }

        def bound() -> str:
            found = kubectl.json("-n", namespace, "get", "pvc")["items"]
            return found[0]["spec"]["volumeName"] if found and found[0]["status"]["phase"] == "Bound" else ""

        def made() -> str:
            kubectl.apply(database, namespace=namespace)
            kubectl("-n", namespace, "rollout", "status", "statefulset/db", "--timeout=30s")
            return bound()

        first = made()
        kubectl("-n", namespace, "delete", "statefulset", "db", "--cascade=foreground")
        assert bound() == first  # the claim stays when its StatefulSet goes
        assert made() == first
        kubectl("-n", namespace, "delete", "statefulset", "db", "--cascade=foreground")
        kubectl("-n", namespace, "delete", "pvc", "data-db-0")
        assert kubectl.json("get", "pv", first)["status"]["phase"] == "Released"  # kept: the class says Retain
        assert made() == first

    def test_the_audit_log_tells_who_asked_for_what(self, rehearsal: Rehearsal, kubectl: Any, namespace: str) -> None:
        def entries() -> list[dict[str, Any]]:
            lines = rehearsal.audit_log.read_text().splitlines()
            return [entry for line in lines if namespace in (entry := json.loads(line))["requestURI"]]

        kubectl("-n", namespace, "create", "secret", "generic", "one", "--from-literal=key=not-for-the-log")

        written = kubectl.until(
            lambda: [entry for entry in entries() if entry["verb"] == "create" and "secrets" in entry["requestURI"]]
        )
        assert [entry["user"]["username"] for entry in written] == ["rehearsal-admin"]
        assert "not-for-the-log" not in rehearsal.audit_log.read_text()
        assert {entry["user"]["username"] for entry in entries()} == {
            "rehearsal-admin"
        }  # no controller of the control plane


@pytest.fixture
def mine(tools: Callable[[str], Path], tmp_path: Path) -> Iterator[Rehearsal]:
    """A rehearsal that a test may kill, stop and damage."""
    one = Rehearsal(tmp_path / "home", tools, RehearsalSettings(deadline=60))
    try:
        yield one
    finally:
        one.stop(silent)


class TestOwn:
    def test_what_died_is_told_and_repaired_and_the_rest_left_alone(self, mine: Rehearsal, kubectl_for: Any) -> None:
        mine.start(silent)
        kubectl = kubectl_for(mine.kubeconfig)
        before = pids(mine)
        for name in ("etcd", "kwok"):
            os.kill(before[name], signal.SIGKILL)
        kubectl.until(lambda: not living([before["etcd"], before["kwok"]]))

        broken = mine.status()
        repaired = mine.start(silent)

        assert broken.state is State.BROKEN
        assert [problem.split()[0] for problem in broken.problems if "is not running" in problem] == ["etcd", "kwok"]
        assert str(mine.log("kwok")) in "".join(broken.problems)
        assert repaired.state is State.RUNNING
        after = pids(mine)
        assert {name for name in ORDER if after[name] != before[name]} == {"etcd", "kwok"}
        kubectl.apply(workload("Deployment", "web"))
        kubectl("rollout", "status", "deployment/web", "--timeout=20s")

    def test_stop_leaves_no_process_and_a_start_finds_the_objects(self, mine: Rehearsal, kubectl_for: Any) -> None:
        first = mine.start(silent)
        assert 100 * MIB < first.memory <= 700 * MIB
        kubectl_for(mine.kubeconfig)("create", "configmap", "kept")
        beside = (sys.executable, "-c", "import subprocess; subprocess.run(['sleep', '600'])")
        mine.run_beside(ProcessSpec("extra", beside, {}, "1"))
        extra = psutil.Process(pids(mine)["extra"])
        child = kubectl_for(mine.kubeconfig).until(extra.children)[0].pid
        every = [*pids(mine).values(), child]

        mine.stop(silent)

        assert living(every) == []
        assert mine.status().state is State.STOPPED
        second = mine.start(silent)
        assert second.server == first.server
        kubectl_for(mine.kubeconfig)("get", "configmap", "kept")

    def test_a_taken_port_is_left_to_its_owner(self, mine: Rehearsal, kubectl_for: Any) -> None:
        first = mine.start(silent)
        kubectl_for(mine.kubeconfig)("create", "configmap", "kept")
        mine.stop(silent)

        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", int(first.server.rsplit(":", 1)[1])))
            other.listen()
            second = mine.start(silent)

        assert second.state is State.RUNNING
        assert second.server != first.server
        kubectl_for(mine.kubeconfig)("get", "configmap", "kept")

    def test_two_starts_at_once_make_one(self, mine: Rehearsal, tools: Callable[[str], Path]) -> None:
        other = Rehearsal(mine.home, tools)
        with ThreadPoolExecutor(2) as pool:
            states = [answer.result().state for answer in [pool.submit(one.start, silent) for one in (mine, other)]]

        assert states == [State.RUNNING, State.RUNNING]
        lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
        assert sum(any(str(mine.home) in word for word in line) for line in lines) == len(ORDER)

    def test_a_program_that_ends_at_once_is_an_error_with_its_log_and_nothing_stays(
        self, tmp_path: Path, tools: Callable[[str], Path]
    ) -> None:
        def tool(name: str) -> Path:
            return tools("kubectl") if name == "kwok" else tools(name)  # does not know kwok's flags

        one = Rehearsal(tmp_path / "home", tool)

        with pytest.raises(ToolError) as caught:
            one.start(silent)

        assert str(one.log("kwok")) in str(caught.value)
        assert "unknown flag" in str(caught.value)
        assert one.status().state is State.STOPPED

    def test_ctrl_c_leaves_nothing_behind(self, mine: Rehearsal) -> None:
        def interrupted(line: str) -> None:
            if "kube-apiserver" in line:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mine.start(interrupted)

        assert mine.status().state is State.STOPPED
        assert mine.start(silent).state is State.RUNNING

    def test_a_process_beside_is_kept_and_started_anew_when_it_changed(self, mine: Rehearsal) -> None:
        def spec(fingerprint: str) -> ProcessSpec:
            return ProcessSpec("extra", (sys.executable, "-c", "import time; time.sleep(600)"), {}, fingerprint)

        with pytest.raises(Unavailable, match="the rehearsal is not running"):
            mine.run_beside(spec("1"))
        mine.start(silent)
        mine.run_beside(spec("1"))
        first = pids(mine)["extra"]
        mine.run_beside(spec("1"))
        same = pids(mine)["extra"]
        mine.run_beside(spec("2"))

        assert same == first
        assert pids(mine)["extra"] != first
        assert living([first]) == []

    def test_reset_forgets_objects_and_keeps_logs(self, mine: Rehearsal, kubectl_for: Any) -> None:
        mine.start(silent)
        kubectl_for(mine.kubeconfig)("create", "configmap", "gone")

        mine.reset(silent)

        assert mine.status().state is State.STOPPED
        assert not mine.kubeconfig.exists()
        assert mine.log("kube-apiserver").stat().st_size > 0
        mine.start(silent)
        assert "NotFound" in kubectl_for(mine.kubeconfig).refused("get", "configmap", "gone")

"""What control-plane tests share: the pinned tools, one running rehearsal for the session, kubectl as its client."""

import asyncio
import contextlib
import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from tests.control_plane.audit import Asked

from mininode.api import REQUESTED_AT
from mininode.cluster.operator_process import operator_spec
from mininode.cluster.processes import ProcessSpec
from mininode.cluster.rehearsal import Rehearsal, State
from mininode.cluster.setup import prepare
from mininode.kube.client import Kube
from mininode.toolbox.toolbox import Toolbox

SECONDS = 30  # s until a condition must hold; a hundred times what it takes on an idle machine


class Kubectl:
    """kubectl with one access file."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._base = [str(program), f"--kubeconfig={kubeconfig}", "--request-timeout=20s"]

    def run(self, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [*self._base, *args]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def __call__(self, *args: str, stdin: str | None = None) -> str:
        """What it prints; the test fails with what it complains about."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}"
        return done.stdout

    def refused(self, *args: str, stdin: str | None = None) -> str:
        """What it complains about; the test fails when it doesn't."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode != 0, f"kubectl {' '.join(args)} was not refused: {done.stdout}"
        return done.stderr

    def json(self, *args: str) -> Any:
        return json.loads(self(*args, "-o", "json"))

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> str:
        return self("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump_all(objects))

    def until(self, what: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """The first true answer; the test fails when there is none in time."""
        deadline = time.monotonic() + seconds
        while not (answer := what()):
            assert time.monotonic() < deadline, f"not true within {seconds} s, last answer {answer!r}"
            time.sleep(0.1)
        return answer


@pytest.fixture(scope="session")
def tools() -> Callable[[str], Path]:
    """A tool's path by its name; got by the toolbox when it is first asked for."""
    box = Toolbox.from_environment(say=print)
    return cache(lambda name: box.get(name).path)


@pytest.fixture(scope="session")
def rehearsal(tools: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A running rehearsal of the session's own. Tests share it: each uses a namespace of its own, and none stops it."""
    one = Rehearsal(tmp_path_factory.mktemp("rehearsal"), tools)
    try:
        assert one.start(print).state is State.RUNNING
        yield one
    finally:
        one.stop(print)


@pytest.fixture
def kubectl(rehearsal: Rehearsal, tools: Callable[[str], Path]) -> Kubectl:
    """The rehearsal's admin."""
    return Kubectl(tools("kubectl"), rehearsal.kubeconfig)


@pytest.fixture
def kubectl_for(tools: Callable[[str], Path]) -> Callable[[Path], Kubectl]:
    """kubectl with another access file."""
    return lambda kubeconfig: Kubectl(tools("kubectl"), kubeconfig)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace for one test."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "test-"}}
    name = json.loads(kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(body)))["metadata"]["name"]
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


# ── A node and its operator ────────────────────────────────────────────────────────────────────────────────────────

SETTLE = 90  # s until a node of profile micro is as it should be; it takes about ten


class Operator:
    """The real operator process under its own service account, beside the rehearsal. Its Helm is the real one, counted."""

    def __init__(self, rehearsal: Rehearsal, helm: Path, folder: Path) -> None:
        self.rehearsal = rehearsal
        self.folder = folder
        self.runs = folder / "helm-runs"  # a line a Helm process: verb and release
        self.slow = folder / "slow"  # while it is there Helm asks the API server three times a second at most
        self.runs.touch()
        self.helm = folder / "helm"
        self.helm.write_text(
            f'#!/bin/sh\necho "$1 $2" >> "{self.runs}"\n'
            f'if [ -e "{self.slow}" ]; then export HELM_QPS=3 HELM_BURST_LIMIT=1; fi\nexec "{helm}" "$@"\n'
        )
        self.helm.chmod(0o700)

    def prepare(self, namespace: str) -> None:
        """What `mininode install` does before it declares a node."""

        async def go() -> None:
            async with await Kube.connect(self.rehearsal.kubeconfig) as kube:
                await prepare(kube, namespace)

        asyncio.run(go())

    def begin(self) -> None:
        """As each test finds it: prepared and running, with a quick Helm."""
        self.prepare("mininode-nowhere")
        self.slow.unlink(missing_ok=True)
        self.start()

    def start(self) -> None:
        """Start it, if it does not run."""

        async def spec() -> ProcessSpec:
            async with await Kube.connect(self.rehearsal.kubeconfig) as kube:
                return await operator_spec(kube, self.folder, self.rehearsal.kubeconfig, self.helm)

        self.rehearsal.run_beside(asyncio.run(spec()))

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.rehearsal.stop_beside("operator")

    def process(self) -> psutil.Process:
        """The running process."""
        (found,) = (one.pid for one in self.rehearsal.status().processes if one.name == "operator")
        assert found is not None, f"the operator does not run; its log: {self.rehearsal.log('operator')}"
        return psutil.Process(found)

    def kill(self, *, helm_too: bool = False) -> None:
        """SIGKILL, as when a machine runs out of memory; its Helm processes go on unless they are to die as well."""
        process = self.process()
        children = process.children(recursive=True)
        process.kill()
        for child in children if helm_too else ():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs([process], timeout=SECONDS)

    def forget_lease(self, kubectl: Kubectl) -> None:
        """As if the killed one's lease had run out: the next operator need not wait for that."""
        kubectl("delete", "leases", "--all", "-n", "mininode-system")

    def helm_runs(self) -> list[str]:
        """Verb and release of every Helm process so far."""
        return self.runs.read_text().splitlines()


@dataclass
class Node:
    """One EucaimNode in a namespace of its own, and what a test asks of it."""

    kubectl: Kubectl
    namespace: str
    name: str = "node"

    def declare(self, **spec: Any) -> str:
        """`kubectl apply` of the resource; what it printed."""
        body = {
            "apiVersion": "mininode.cancerimage.eu/v1alpha1",
            "kind": "EucaimNode",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {"domain": "node.hospital.example"} | spec,
        }
        return self.kubectl.apply(body, namespace=self.namespace)

    def resource(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kubectl.json("get", "emn", self.name, "-n", self.namespace)
        return found

    def fresh(self) -> dict[str, dict[str, Any]]:
        """The conditions by type, if they are about the present spec; else none."""
        resource = self.resource()
        status = resource.get("status") or {}
        if status.get("observedGeneration") != resource["metadata"]["generation"]:
            return {}
        return {one["type"]: one for one in status["conditions"]}

    def components(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in (self.resource().get("status") or {}).get("components", [])}

    def until(self, kind: str, status: str = "True", seconds: float = SETTLE) -> dict[str, Any]:
        """The condition, as soon as it has this status for the present spec."""
        self.kubectl.until(lambda: self.fresh().get(kind, {}).get("status") == status, seconds)
        return self.fresh()[kind]

    def wish_again(self, value: str) -> None:
        """What `mininode reconcile` does: failures are forgotten, every gate is asked again. A new value is a new wish."""
        self.kubectl("annotate", "emn", self.name, "-n", self.namespace, "--overwrite", f"{REQUESTED_AT}={value}")

    def delete(self) -> None:
        """Delete the resource and wait until it is gone."""
        self.kubectl("delete", "emn", self.name, "-n", self.namespace, "--wait=false")
        mine = ("get", "emn", self.name, "-n", self.namespace, "--ignore-not-found", "-o", "name")
        self.kubectl.until(lambda: not self.kubectl(*mine), SETTLE)

    def helm_secrets(self) -> list[dict[str, Any]]:
        """Metadata of Helm's own Secrets."""
        items = self.kubectl.json("get", "secrets", "-n", self.namespace, "-l", "owner=helm")["items"]
        return [item["metadata"] for item in items]

    def revisions(self) -> dict[str, tuple[int, str]]:
        """Newest revision and its status by release."""
        found: dict[str, tuple[int, str]] = {}
        for meta in self.helm_secrets():
            labels = meta["labels"]
            found[labels["name"]] = max(found.get(labels["name"], (0, "")), (int(labels["version"]), labels["status"]))
        return found

    def credentials(self) -> dict[str, dict[str, str]]:
        """The contents of all Secrets that are not Helm's."""
        items = self.kubectl.json("get", "secrets", "-n", self.namespace, "-l", "owner notin (helm,mininode)")["items"]
        return {item["metadata"]["name"]: item.get("data", {}) for item in items}

    def claims(self) -> dict[str, str]:
        """The uids of all claims."""
        items = self.kubectl.json("get", "pvc", "-n", self.namespace)["items"]
        return {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}

    def objects(self) -> set[str]:
        """Kind and name of what the charts made."""
        kinds = "deployments,statefulsets,jobs,services,configmaps,serviceaccounts,roles,rolebindings,persistentvolumeclaims"
        items = self.kubectl.json("get", kinds, "-n", self.namespace, "-l", "mininode.cancerimage.eu/node")["items"]
        return {f"{item['kind']} {item['metadata']['name']}" for item in items}

    def digests(self) -> dict[str, str]:
        """The digest of what runs, by component."""
        return {name: one["digest"] for name, one in self.components().items()}


@pytest.fixture(scope="session")
def operator_process(
    rehearsal: Rehearsal, tools: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """The session's one operator."""
    one = Operator(rehearsal, tools("helm"), tmp_path_factory.mktemp("operator"))
    yield one
    one.stop()


@pytest.fixture
def operator(operator_process: Operator) -> Operator:
    """The operator, prepared and running at each test's start, with a quick Helm."""
    operator_process.begin()
    return operator_process


@pytest.fixture
def new_node(operator: Operator, kubectl: Kubectl) -> Iterator[Callable[[], Node]]:
    """Makes nodes to be declared, each with a prepared namespace. Afterwards nobody looks after them any more."""
    made: list[Node] = []

    def make() -> Node:
        node = Node(kubectl, f"node-{uuid.uuid4().hex[:8]}")
        operator.prepare(node.namespace)
        made.append(node)
        return node

    yield make
    for node in made:
        found = ("emn", "--all", "-n", node.namespace)
        kubectl("delete", *found, "--wait=false")
        for name in kubectl("get", "emn", "-n", node.namespace, "-o", "name").split():
            kubectl.run("patch", name, "-n", node.namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


@pytest.fixture
def node(new_node: Callable[[], Node]) -> Node:
    """One node to be declared."""
    return new_node()


@pytest.fixture(scope="session")
def _shared(rehearsal: Rehearsal, tools: Callable[[str], Path]) -> Node:
    return Node(Kubectl(tools("kubectl"), rehearsal.kubeconfig), "node-shared")


@pytest.fixture
def shared_node(operator: Operator, _shared: Node) -> Node:
    """A node that stays from test to test: each declares first what it starts from."""
    operator.prepare(_shared.namespace)
    return _shared


@pytest.fixture
def asked(rehearsal: Rehearsal) -> Callable[[], Asked]:
    """The operator's requests from now on."""
    return lambda: Asked.from_now_on(rehearsal.audit_log)


@pytest.fixture
def asked_ever(rehearsal: Rehearsal) -> Callable[[], Asked]:
    """The operator's requests since the rehearsal's start, as far back as its log reaches."""
    return lambda: Asked(rehearsal.audit_log)

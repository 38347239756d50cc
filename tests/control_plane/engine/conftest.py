"""The engine's own operator: as the other tests' one, but it tries faster, serves its figures, and its Helm can be made to fail."""

import asyncio
import base64
import dataclasses
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from tests.control_plane.conftest import Kubectl, Node, Operator

from mininode.cluster.operator_process import operator_spec
from mininode.cluster.ports import free_ports
from mininode.cluster.rehearsal import Rehearsal, State
from mininode.kube.client import Kube

PACE = {
    "MININODE_RETRY_LIMIT": "3",
    "MININODE_RETRY_FIRST": "1",
    "MININODE_RETRY_LAST": "4",
    "MININODE_GATE_DEADLINE": "6",
    "MININODE_PROBE_LAST": "2",
}


class Quick(Operator):
    """An operator that is impatient."""

    name = "operator"

    def __init__(self, rehearsal: Any, helm: Path, folder: Path) -> None:
        super().__init__(rehearsal, helm, folder)
        self.port = free_ports(1)[0]
        self.environment = dict(PACE)
        script = self.helm.read_text()
        failing = (
            f'f="{folder}/fail-$2"\n'
            'if [ "$1" = upgrade ] && [ -s "$f" ]; then n=$(head -n 1 "$f")\n'
            '  if [ "$n" -gt 0 ]; then echo "$((n - 1))" > "$f.new"; tail -n +2 "$f" >> "$f.new"; mv "$f.new" "$f"\n'
            '    tail -n +2 "$f" >&2; exit 1; fi; fi\n'
        )
        self.helm.write_text(script.replace("exec ", failing + "exec ", 1))

    def fail(self, release: str, times: int, saying: str) -> None:
        """Let the next Helm commands for this release fail."""
        (self.folder / f"fail-{release}").write_text(f"{times}\n{saying}\n")

    def heal(self) -> None:
        for file in self.folder.glob("fail-*"):
            file.unlink()

    def begin(self) -> None:
        """It leads as well, and its Helm does what it should."""
        self.heal()
        super().begin()
        self.ready()

    def start(self) -> None:
        async def spec() -> Any:
            async with await Kube.connect(self.rehearsal.kubeconfig) as kube:
                return await operator_spec(kube, self.folder, self.rehearsal.kubeconfig, self.helm)

        made = asyncio.run(spec())
        extra = {**self.environment, "MININODE_PORT": str(self.port)}
        fingerprint = f"{made.fingerprint}{sorted(extra.items())}"
        self.rehearsal.run_beside(
            dataclasses.replace(made, name=self.name, env={**made.env, **extra}, fingerprint=fingerprint)
        )

    def stop(self) -> None:
        self.rehearsal.stop_beside(self.name)

    def process(self) -> psutil.Process:
        (found,) = (one.pid for one in self.rehearsal.status().processes if one.name == self.name)
        assert found is not None, self.rehearsal.log(self.name).read_text()[-2000:]
        return psutil.Process(found)

    def log(self) -> str:
        return str(self.rehearsal.log(self.name).read_text())

    def ask(self, path: str, timeout: float = 5) -> tuple[int, str]:
        """What its web server answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self, seconds: float = 40) -> None:
        """Wait until it leads."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.ask("/readyz") == (200, "ok\n"):
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, self.log()[-2000:]
            time.sleep(0.05)

    def metric(self, name: str, **labels: str) -> float:
        """The value of a sample, summed over the labels that are not named."""
        found = 0.0
        for line in self.ask("/metrics")[1].splitlines():
            head, _, value = line.rpartition(" ")
            if (head == name or head.startswith(f"{name}{{")) and all(f'{k}="{v}"' in head for k, v in labels.items()):
                found += float(value)
        return found


# A rehearsal of its own: here rights are taken away, API servers killed and operators doubled, which is nothing for the others.


@pytest.fixture(scope="session")
def rehearsal(tools: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    one = Rehearsal(tmp_path_factory.mktemp("engine-rehearsal"), tools)
    try:
        assert one.start(print).state is State.RUNNING
        yield one
    finally:
        one.stop(print)


@pytest.fixture(scope="session")
def _shared(rehearsal: Rehearsal, tools: Callable[[str], Path]) -> Node:
    return Node(Kubectl(tools("kubectl"), rehearsal.kubeconfig), "node-shared")


@pytest.fixture(scope="session")
def new_operator(
    rehearsal: Rehearsal, tools: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Quick]:
    """Makes operators that are not started."""
    return lambda: Quick(rehearsal, tools("helm"), tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def operator_process(new_operator: Callable[[], Quick]) -> Iterator[Quick]:
    """In this folder `operator` is the quick one."""
    one = new_operator()
    yield one
    one.stop()


@pytest.fixture
def settled(shared_node: Any) -> Any:
    """The shared node with nothing to do, whatever the test before left."""
    wish = str(time.monotonic())
    shared_node.declare()
    shared_node.wish_again(wish)
    shared_node.kubectl.until(lambda: shared_node.resource().get("status", {}).get("lastHandledReconcileAt") == wish)
    shared_node.until("Rehearsed")
    return shared_node


def poll(what: Callable[[], Any], seconds: float, every: float = 0.05) -> float:
    """How long until it is true, in seconds."""
    began = time.monotonic()
    while not what():
        took = time.monotonic() - began
        assert took < seconds, f"not true within {seconds} s"
        time.sleep(every)
    return time.monotonic() - began


@pytest.fixture
def until() -> Callable[..., float]:
    """Waits for a condition, tells how long it took."""
    return poll


@pytest.fixture
def events(kubectl: Any) -> Callable[[Any], list[dict[str, Any]]]:
    """The events about a node."""

    def of(node: Any) -> list[dict[str, Any]]:
        found = kubectl.json("get", "events.events.k8s.io", "-n", node.namespace)["items"]
        return [one for one in found if (one.get("regarding") or {}).get("kind") == "EucaimNode"]

    return of


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Writes down what was measured; `pytest -s` shows it."""

    def write(text: str) -> None:
        record_property("figure", text)
        print(text)  # noqa: T201 - read by whoever runs the tests for their figures

    return write


class Api:
    """The API without a process for each question: for what is measured in tenths of a second."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str) -> dict[str, Any] | None:
        answer = self._client.get(path)
        return answer.json() if answer.status_code == 200 else None

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/merge-patch+json") -> dict[str, Any]:
        content = json.dumps(body) if body is not None else None
        answer = self._client.request(method, path, content=content, headers={"Content-Type": kind})
        assert answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture
def api(rehearsal: Any) -> Iterator[Api]:
    """The rehearsal's admin, quick."""
    folder = rehearsal.home / "pki"
    document = yaml.safe_load(rehearsal.kubeconfig.read_text())
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]

    def file(source: dict[str, str], key: str) -> str:
        return source[key] if key in source else _file(folder / f"test-{key}", source[f"{key}-data"])

    context = ssl.create_default_context(cafile=file(cluster, "certificate-authority"))
    context.load_cert_chain(file(user, "client-certificate"), file(user, "client-key"))
    with httpx.Client(base_url=cluster["server"], verify=context, timeout=20, trust_env=False) as client:
        yield Api(client)


def _file(path: Path, encoded: str) -> str:
    path.touch(mode=0o600)
    path.write_bytes(base64.b64decode(encoded))
    return str(path)

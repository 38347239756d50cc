"""The engine's own operator: as the other tests' one, but it tries faster, serves its figures, and its Helm can be made to fail."""

import asyncio
import dataclasses
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mininode.cluster.operator_process import operator_spec
from mininode.kube.client import Kube

PACE = {
    "MININODE_RETRY_LIMIT": "3",
    "MININODE_RETRY_FIRST": "1",
    "MININODE_RETRY_LAST": "4",
    "MININODE_GATE_DEADLINE": "6",
    "MININODE_PROBE_LAST": "2",
}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def quick(base: type) -> type:
    """The operator of the other tests with an environment of ours."""

    class Quick(base):  # type: ignore[misc,valid-type] # the class of a fixture
        name = "operator"

        def __init__(self, rehearsal: Any, helm: Path, folder: Path) -> None:
            super().__init__(rehearsal, helm, folder)
            self.port = free_port()
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
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as answer:  # noqa: S310
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        def ready(self, seconds: float = 40) -> None:
            """Wait until it leads."""
            deadline = time.monotonic() + seconds
            while True:
                try:
                    if self.ask("/readyz")[0] == 200:
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

    return Quick


@pytest.fixture(scope="session")
def new_operator(
    operator_process: Any, rehearsal: Any, tools: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Any]:
    """Makes operators that are not started."""
    operator_process.stop()  # the other tests' one would hold the Lease
    return lambda: quick(type(operator_process))(rehearsal, tools("helm"), tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def engine_process(new_operator: Callable[[], Any]) -> Iterator[Any]:
    one = new_operator()
    yield one
    one.stop()


@pytest.fixture
def operator(operator_process: Any, engine_process: Any) -> Any:
    """In this folder `operator` is the quick one; it runs and leads when a test begins."""
    engine_process.prepare("mininode-nowhere")
    engine_process.slow.unlink(missing_ok=True)
    engine_process.heal()
    engine_process.start()
    engine_process.ready()
    return engine_process


@pytest.fixture
def settled(shared_node: Any) -> Any:
    """The shared node with nothing to do, whatever the test before left."""
    annotation = f"reconcile.mininode.cancerimage.eu/requestedAt={time.monotonic()}"
    shared_node.declare()
    shared_node.kubectl("annotate", "emn", shared_node.name, "-n", shared_node.namespace, "--overwrite", annotation)
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
def api(rehearsal: Any) -> Iterator[Any]:
    """The API without a process a question: for what is measured in tenths of a second."""
    import json  # noqa: PLC0415
    import ssl  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    import httpx  # noqa: PLC0415
    import yaml  # noqa: PLC0415

    document = yaml.safe_load(rehearsal.kubeconfig.read_text())
    import base64  # noqa: PLC0415

    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]

    def file(folder: str, name: str, source: dict[str, str], key: str) -> str:
        if key in source:
            return source[key]
        path = Path(folder) / name
        path.write_bytes(base64.b64decode(source[f"{key}-data"]))
        return str(path)

    with tempfile.TemporaryDirectory() as folder:
        context = ssl.create_default_context(cafile=file(folder, "ca", cluster, "certificate-authority"))
        context.load_cert_chain(file(folder, "crt", user, "client-certificate"), file(folder, "key", user, "client-key"))
        with httpx.Client(base_url=cluster["server"], verify=context, timeout=20, trust_env=False) as client:

            class Api:
                @staticmethod
                def get(path: str) -> dict[str, Any] | None:
                    answer = client.get(path)
                    return json.loads(answer.text) if answer.status_code == 200 else None

                @staticmethod
                def send(method: str, path: str, body: Any = None, kind: str = "application/merge-patch+json") -> dict[str, Any]:
                    answer = client.request(
                        method, path, content=json.dumps(body) if body is not None else None, headers={"Content-Type": kind}
                    )
                    assert answer.status_code < 300, answer.text
                    return json.loads(answer.text)

            yield Api()


def pid_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

"""What the engine is measured on: a rehearsal of its own whose pods are ready at once, a Helm that is counted, ten small charts."""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "operator"))

from rows import Row

from mininode.api.conditions import REHEARSED
from mininode.api.spec import Profile
from mininode.app.nodes import Nodes
from mininode.app.settings import Settings
from mininode.app.wiring import build_engine
from mininode.cluster.rehearsal import Rehearsal, RehearsalSettings
from mininode.cluster.setup import prepare
from mininode.components.base import Component, GateResult, Node, Probes, held
from mininode.engine.engine import Engine
from mininode.helm.charts import chart
from mininode.kube.client import Kube
from mininode.kube.resources import EUCAIM_NODES
from mininode.toolbox.toolbox import Toolbox

PATIENCE = 600.0  # s
# Ten components, four deep: one, two, four, three.
TREE: Mapping[str, tuple[str, ...]] = {
    "a": (), "b1": ("a",), "b2": ("a",), "c1": ("b1",), "c2": ("b1",), "c3": ("b2",), "c4": ("b2",),
    "d1": ("c1",), "d2": ("c2",), "d3": ("c3",),
}  # fmt: skip
SMALL = """\
apiVersion: v1
kind: ConfigMap
metadata: &meta
  name: {{ .Release.Name }}
  labels: &labels
    mininode.cancerimage.eu/node: {{ .Values.node.name }}
    mininode.cancerimage.eu/component: {{ .Release.Name }}
data: {url: "{{ .Values.node.url }}"}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: &all
    mininode.cancerimage.eu/node: {{ .Values.node.name }}
    mininode.cancerimage.eu/component: {{ .Release.Name }}
spec:
  replicas: 1
  selector: {matchLabels: {mininode.cancerimage.eu/component: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: *all}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: main
          image: registry.example/none:1.0
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  labels:
    mininode.cancerimage.eu/node: {{ .Values.node.name }}
    mininode.cancerimage.eu/component: {{ .Release.Name }}
spec:
  selector: {mininode.cancerimage.eu/component: "{{ .Release.Name }}"}
  ports: [{port: 80}]
"""


class Never:
    """A stop flag that nobody sets."""

    def __bool__(self) -> bool:
        return False

    async def wait(self) -> object:
        return await asyncio.Event().wait()


async def _gate(node: Node, probes: Probes) -> GateResult:
    del node, probes
    return held("it is asked of nobody here")


def small_components() -> dict[str, Component]:
    profiles = frozenset({Profile.MICRO})
    return {
        name: Component(name, name, profiles, requires, values=lambda _node: {}, gate=_gate, images={})
        for name, requires in TREE.items()
    }


def small_engine(whole: Engine, charts: Path) -> Engine:
    """One that knows only the ten small components."""
    components = small_components()
    return replace(whole, components=components, charts={name: chart(name, charts) for name in components})


def small_charts(folder: Path) -> Path:
    """Ten charts of three objects each."""
    for name in TREE:
        (folder / name / "templates").mkdir(parents=True)
        (folder / name / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": name, "version": "1.0.0"}))
        (folder / name / "templates/all.yaml").write_text(SMALL)
    return folder


@dataclass
class Stage:
    """The rehearsal, Helm with a counter, and the charts."""

    folder: Path
    rehearsal: Rehearsal
    helm: Path  # counts
    plain: Path  # the real one
    charts: Path
    rows: list[Row] = field(default_factory=list)
    spaces: int = 0

    @property
    def kubeconfig(self) -> Path:
        return self.rehearsal.kubeconfig

    def helm_runs(self) -> int:
        return len((self.folder / "helm-runs").read_text().splitlines())

    def note(self, what: str, measured: float, unit: str, goal: float | None = None, beside: str = "") -> None:
        self.rows.append(Row(what, measured, unit, goal, beside))
        sys.stdout.write(f"{self.rows[-1].line()}\n")
        sys.stdout.flush()

    async def engine(self, kube: Kube, *, small: bool) -> Engine:
        """The real one, or one that knows only the ten small components."""
        whole = await build_engine(Settings(kubeconfig=self.kubeconfig, helm=self.plain), kube)
        if not small:
            return whole
        return small_engine(whole, self.charts)

    async def namespace(self, kube: Kube) -> str:
        self.spaces += 1
        name = f"bench-{self.spaces}"
        await prepare(kube, name)
        return name


@contextmanager
def stage() -> Iterator[Stage]:
    box = Toolbox.from_environment(say=print)
    tool = cache(lambda name: box.get(name).path)
    folder = Path(tempfile.mkdtemp(prefix="mininode-bench-engine-"))
    rehearsal = Rehearsal(folder / "rehearsal", tool, RehearsalSettings(ready_after_ms=0))
    try:
        rehearsal.start(lambda _line: None)
        helm = folder / "helm"
        helm.write_text(f'#!/bin/sh\necho "$1" >> "{folder}/helm-runs"\nexec "{tool("helm")}" "$@"\n')
        helm.chmod(0o700)
        (folder / "helm-runs").touch()
        yield Stage(folder, rehearsal, helm, tool("helm"), small_charts(folder / "charts"))
    finally:
        rehearsal.stop(lambda _line: None)
        shutil.rmtree(folder, ignore_errors=True)


async def declared(kube: Kube, namespace: str) -> dict[str, Any]:
    body = {
        "apiVersion": EUCAIM_NODES.api_version, "kind": "EucaimNode", "metadata": {"name": "node", "namespace": namespace},
        "spec": {"domain": "node.hospital.example"},
    }  # fmt: skip
    return await kube.apply(EUCAIM_NODES, body, namespace, manager="bench", force=True)


@asynccontextmanager
async def kept(engine: Engine, resource: dict[str, Any]) -> AsyncIterator[Callable[[], bool]]:
    """A node that is looked after as the operator does; gives the question whether it is Rehearsed."""
    nodes = Nodes(engine)
    keeping = asyncio.create_task(nodes.keep(resource, Never()))

    def rehearsed() -> bool:
        if keeping.done():
            keeping.result()
        node = nodes.watched.get(resource["metadata"]["uid"])
        condition = node.memory.written.condition(REHEARSED) if node else None
        return condition is not None and condition.status == "True"

    try:
        yield rehearsed
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def until(what: Callable[[], bool]) -> float:
    """Seconds until it came true."""
    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110 - the thing measured must not know of it
            await asyncio.sleep(0.01)
    return time.perf_counter() - began

"""Figures of the engine itself, as rows of the table that run.py prints; by itself: python tests/bench/engine.py [--nodes 20]

A rehearsal of its own whose pods are ready at once, so that what is measured is the engine and Helm. What is beside a figure
was taken in the same run: plain Helm, one release after the other, and pyhelm3's ensure_release.
"""

import argparse
import asyncio
import base64
import contextlib
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "operator"))

from rows import Row, verdict

from mininode.api import INPUTS_LABEL
from mininode.api.conditions import REHEARSED
from mininode.api.spec import Profile
from mininode.app.nodes import Nodes, Watched
from mininode.app.settings import Settings
from mininode.app.wiring import build_engine
from mininode.cluster.control_plane import NODE
from mininode.cluster.rehearsal import Rehearsal, RehearsalSettings
from mininode.cluster.setup import prepare
from mininode.components.base import Component, GateResult, Node, Probes, held
from mininode.engine.drift import manifest
from mininode.engine.engine import Engine
from mininode.engine.owned import HELM_MANAGER
from mininode.engine.pace import USUAL
from mininode.engine.reconcile import Pass
from mininode.helm.charts import chart
from mininode.helm.client import Helm
from mininode.kube.client import Kube
from mininode.kube.resources import BY_KIND, DEPLOYMENTS, EUCAIM_NODES, NODES, SECRETS
from mininode.planning.release import newest, secret_name
from mininode.toolbox.toolbox import Toolbox

MIB = 1024**2
ROUNDS = 3  # of each installation; the median counts
LOOKS = 20
DELETIONS = 100
PATIENCE = 600.0  # s
AFTER_START = 90.0  # s in which an operator that was started asks every gate once (engine/state.py)
IDLE = USUAL.probe_again + 10.0  # s of idleness that is looked at: every gate that held is asked again once
COPIES_AT_ONCE = 8
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
        components = small_components()
        return replace(whole, components=components, charts={name: chart(name, self.charts) for name in components})

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


async def installation(one: Stage, kube: Kube, *, small: bool) -> tuple[float, str]:
    """Seconds from the resource to Rehearsed, and the namespace."""
    engine, namespace = await one.engine(kube, small=small), await one.namespace(kube)
    began = time.perf_counter()
    async with kept(engine, await declared(kube, namespace)) as rehearsed:
        await until(rehearsed)
        return time.perf_counter() - began, namespace


async def sequential(one: Stage, kube: Kube, *, small: bool) -> tuple[float, str]:
    """The same charts with the same values by `helm upgrade --install --wait`, one after the other."""
    engine, namespace = await one.engine(kube, small=small), await one.namespace(kube)
    plan = engine.plan({"metadata": {"name": "node", "namespace": namespace}, "spec": {"domain": "node.hospital.example"}})
    values = one.folder / "values.yaml"
    began = time.perf_counter()
    for release in (one for one in plan.releases if one.name in engine.charts):
        values.write_text(yaml.safe_dump(dict(release.values)))
        process = await asyncio.create_subprocess_exec(
            one.plain, "upgrade", "--install", release.name, engine.charts[release.name].path, "--wait", "--namespace", namespace,
            "--values", values, "--kubeconfig", one.kubeconfig, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, problem = await process.communicate()
        assert process.returncode == 0, problem.decode()
    return time.perf_counter() - began, namespace


async def installations(one: Stage, kube: Kube, *, small: bool) -> tuple[str, str]:
    """Both ways in turn; returns the last namespaces of each."""
    ours, plain = [], []
    for _ in range(ROUNDS):
        ours.append(await installation(one, kube, small=small))
        plain.append(await sequential(one, kube, small=small))
    mine, theirs = statistics.median(took for took, _ in ours), statistics.median(took for took, _ in plain)
    what = "ten components in a tree of depth 4" if small else "micro"
    one.note(
        f"{what} to Rehearsed, by sequential Helm = 1", mine / theirs, "×", 0.6 if small else 1.0,
        f"{mine:.1f} s beside {theirs:.1f} s",
    )  # fmt: skip
    return ours[-1][1], plain[-1][1]


async def nothing_to_do(one: Stage, kube: Kube, ours: str, plain: str) -> None:
    """A look at ten releases that are as they should be, beside pyhelm3's way to make sure of the same."""
    from mininode.api.status import NodeStatus  # noqa: PLC0415
    from mininode.engine.state import remembered  # noqa: PLC0415

    engine = replace(await one.engine(kube, small=True), helm=Helm(one.helm, kubeconfig=one.kubeconfig))
    resource = await kube.get(EUCAIM_NODES, "node", ours)
    assert resource is not None
    memory = remembered(NodeStatus.model_validate(resource["status"]), engine.clock())
    calls, runs, cpu = kube.calls.total(), one.helm_runs(), []
    for _ in range(LOOKS):
        began = time.process_time()
        await Pass(engine, memory, lambda: resource, asyncio.Event()).run()
        cpu.append(time.process_time() - began)
    asked, started = (kube.calls.total() - calls) / LOOKS, (one.helm_runs() - runs) / LOOKS
    await _ensure(one, engine, plain)  # takes the releases over
    runs, spent, began = one.helm_runs(), _children(), time.perf_counter()
    await _ensure(one, engine, plain)
    seconds, processes = time.perf_counter() - began, one.helm_runs() - runs
    one.note("no-op look at 10 releases, calls", asked, "", 1)
    one.note("no-op look at 10 releases, Helm processes", started, "", 0, f"pyhelm3's ensure_release: {processes}")
    one.note(
        "no-op look at 10 releases, CPU, median", statistics.median(cpu) * 1000, "ms", 5,
        f"pyhelm3's ensure_release: {(_children() - spent) * 1000:.0f} ms of CPU in {seconds:.1f} s",
    )  # fmt: skip


async def _ensure(one: Stage, engine: Engine, namespace: str) -> None:
    import pyhelm3  # noqa: PLC0415

    client = pyhelm3.Client(executable=str(one.helm), kubeconfig=one.kubeconfig)
    plan = engine.plan({"metadata": {"name": "node", "namespace": namespace}, "spec": {"domain": "node.hospital.example"}})
    for release in plan.releases:
        found = await client.get_chart(engine.charts[release.name].path)
        await client.ensure_release(release.name, found, dict(release.values), namespace=namespace)


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system + times.user + times.system


async def replaced(kube: Kube, name: str, namespace: str, uid: str) -> float:
    """Seconds until there is a Deployment of this name that is another object."""
    began = time.perf_counter()
    async with asyncio.timeout(60):
        while True:
            now = await kube.get_metadata(DEPLOYMENTS, name, namespace)
            if now is not None and now["metadata"]["uid"] != uid:
                return time.perf_counter() - began
            await asyncio.sleep(0.02)


async def deletions(one: Stage, kube: Kube) -> None:
    """From the answer to a DELETE until the Deployment is there again, as another object."""
    engine, namespace = await one.engine(kube, small=True), await one.namespace(kube)
    took = []
    async with kept(engine, await declared(kube, namespace)) as rehearsed:
        await until(rehearsed)
        await asyncio.sleep(1.0)  # pods that come up stir a little more
        for turn in range(DELETIONS):
            name = list(TREE)[turn % len(TREE)]
            before = await kube.get_metadata(DEPLOYMENTS, name, namespace)
            assert before is not None
            await kube.delete(DEPLOYMENTS, name, namespace)
            took.append(await replaced(kube, name, namespace, before["metadata"]["uid"]))
            await until(rehearsed)
    p95 = statistics.quantiles(took, n=20)[-1]
    beside = f"median {statistics.median(took):.2f}, longest {max(took):.2f}"
    one.note(f"deleted Deployment back, p95 of {DELETIONS}", p95, "s", 2, beside)


# ── Many nodes on one operator ─────────────────────────────────────────────────────────────────────────────────────────


async def operator(charts: Path, kubeconfig: Path, helm: Path, notes: Path) -> None:
    """The operator as a process, but for its Lease, with the small components; writes down how it fares every half second."""
    import kopf  # noqa: PLC0415

    from mininode.app.handlers import register  # noqa: PLC0415

    async with await Kube.connect(kubeconfig) as kube:
        whole = await build_engine(Settings(kubeconfig=kubeconfig, helm=helm), kube)
        components = small_components()
        engine = replace(whole, components=components, charts={name: chart(name, charts) for name in components})
        nodes, registry = Nodes(engine), kopf.OperatorRegistry()
        register(registry, nodes)

        async def tell() -> None:
            while True:
                samples = engine.metrics.looks.collect()[0].samples
                begun = {one.labels["namespace"]: one.value for one in samples if one.name.endswith("_total")}
                looked = sum(_first_look_ended(node, begun) for node in nodes.watched.values())
                text = json.dumps({"nodes": len(nodes.watched), "looked": looked, "calls": kube.calls.total()})
                with notes.open("a") as file:
                    file.write(f"{text}\n")
                await asyncio.sleep(0.5)

        telling = asyncio.create_task(tell())
        try:
            await kopf.operator(registry=registry, clusterwide=True, standalone=True)
        finally:
            telling.cancel()


def _first_look_ended(node: Watched, begun: Mapping[str, float]) -> bool:
    looks = begun.get(node.resource["metadata"]["namespace"], 0)
    return looks > 1 or (looks == 1 and not node.lock.locked())


async def copied(kube: Kube, engine: Engine, template: str, space: str) -> None:
    """A node as Helm would have installed it, made from one that Helm did: two thousand Helm processes would take an hour."""
    resource = await declared(kube, space)
    digests = {one.name: one.digest for one in engine.plan(resource).releases}
    for release in newest(await kube.list_metadata(SECRETS, template, labels="owner=helm")).values():
        for item in await manifest(kube, release.name, release.revision, template):
            body = {**item, "metadata": {**item["metadata"], "namespace": space}}
            body["metadata"]["annotations"] = {**item["metadata"]["annotations"], "meta.helm.sh/release-namespace": space}
            await kube.apply(BY_KIND[item["kind"]], body, space, manager=HELM_MANAGER)
        stored = await kube.get(SECRETS, secret_name(release.name, release.revision), template)
        assert stored is not None
        text = gzip.decompress(base64.b64decode(base64.b64decode(stored["data"]["release"]))).decode()
        packed = base64.b64encode(base64.b64encode(gzip.compress(text.replace(template, space).encode()))).decode()
        labels = {**stored["metadata"]["labels"], INPUTS_LABEL: digests[release.name]}
        meta = {"name": stored["metadata"]["name"], "namespace": space, "labels": labels}
        await kube.create(SECRETS, {"type": stored["type"], "metadata": meta, "data": {"release": packed}}, space)


async def many(one: Stage, kube: Kube, count: int) -> None:
    """So many nodes of ten releases on one operator, started again with nothing to do, and left alone."""
    engine, template = await one.engine(kube, small=True), await one.namespace(kube)
    async with kept(engine, await declared(kube, template)) as rehearsed:
        await until(rehearsed)
    for item in await kube.list(EUCAIM_NODES):  # the other figures' nodes are nobody's any more
        await kube.delete(EUCAIM_NODES, item["metadata"]["name"], item["metadata"]["namespace"])
    pods = {"pods": str(count * len(TREE) + 110)}  # a machine that is only simulated can be big
    machine = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}, "status": {"allocatable": pods, "capacity": pods}}
    await kube.apply(NODES, machine, manager="bench", force=True, subresource="status")
    spaces, slots = [await one.namespace(kube) for _ in range(count)], asyncio.Semaphore(COPIES_AT_ONCE)

    async def copy(space: str) -> None:
        async with slots:
            await copied(kube, engine, template, space)

    began = time.perf_counter()
    await asyncio.gather(*(copy(space) for space in spaces))
    one.note(f"{count} nodes × 10 releases made", time.perf_counter() - began, "s")
    runs = one.helm_runs()
    with _operator(one, "first") as (_, _notes):  # asks all gates
        await _all_rehearsed(kube, spaces)
    one.note(f"{count} nodes taken over, Helm processes", one.helm_runs() - runs, "", 0)
    with _operator(one, "again") as (process, notes):
        began = time.perf_counter()
        while _last(notes).get("looked", 0) < count:
            assert time.perf_counter() - began < PATIENCE
            await asyncio.sleep(0.1)
        one.note(f"{count} nodes, no-op pass over all after a start", time.perf_counter() - began, "s", 30)
        one.note(f"{count} nodes, requests of the start, a node", _last(notes)["calls"] / count, "")
        await asyncio.sleep(AFTER_START)
        most = max(_last(notes, back)["calls"] - _last(notes, back + 20)["calls"] for back in range(1, _lines(notes) - 20, 20))
        one.note(f"{count} nodes, requests/s a node, most in ten seconds of the start", most / 10 / count, "/s", 5)
        first, cpu, began = _last(notes)["calls"], sum(process.cpu_times()[:2]), time.perf_counter()
        await asyncio.sleep(IDLE)
        seconds = time.perf_counter() - began
        one.note(f"{count} nodes, resident memory", process.memory_info().rss / MIB, "MiB", 300)
        one.note(f"{count} nodes idle, requests/s a node", (_last(notes)["calls"] - first) / seconds / count, "/s", 0.2)
        share = (sum(process.cpu_times()[:2]) - cpu) / seconds * 100
        one.note(f"{count} nodes idle, share of a core", share, "%", 1 if count == 1 else None)


@contextmanager
def _operator(one: Stage, name: str) -> Iterator[tuple[psutil.Process, Path]]:
    notes = one.folder / f"notes-{name}"
    notes.touch()
    command = [sys.executable, __file__, "--operator", *(str(path) for path in (one.charts, one.kubeconfig, one.helm, notes))]
    with (one.folder / f"operator-{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, "KUBECONFIG": str(one.kubeconfig)}, stdout=log, stderr=log)
    try:
        yield psutil.Process(process.pid), notes
    finally:
        process.terminate()
        process.wait(60)


def _lines(notes: Path) -> int:
    return len(notes.read_text().splitlines())


def _last(notes: Path, back: int = 1) -> dict[str, int]:
    """What was written last, or so many half seconds before."""
    lines = notes.read_text().splitlines()
    return dict(json.loads(lines[-back])) if len(lines) >= back else {}


async def _all_rehearsed(kube: Kube, spaces: list[str]) -> None:
    async with asyncio.timeout(PATIENCE * 4):
        while True:
            there = 0
            for item in await kube.list(EUCAIM_NODES):
                conditions = {each["type"]: each["status"] for each in (item.get("status") or {}).get("conditions", [])}
                there += item["metadata"]["namespace"] in spaces and conditions.get(REHEARSED) == "True"
            if there == len(spaces):
                return
            await asyncio.sleep(0.5)


async def measure(one: Stage, nodes: int, *, only_many: bool = False) -> None:
    async with await Kube.connect(one.kubeconfig) as kube:
        if only_many:
            await many(one, kube, nodes)
            return
        await installations(one, kube, small=False)
        ours, plain = await installations(one, kube, small=True)
        await nothing_to_do(one, kube, ours, plain)
        await deletions(one, kube)
        if nodes:
            await many(one, kube, nodes)


def rows(nodes: int = 0, *, only_many: bool = False) -> list[Row]:
    """All figures, printed as they come; with `nodes` also the long ones about many nodes, or only those."""
    with stage() as one:
        asyncio.run(measure(one, nodes, only_many=only_many))
        return one.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=0, help="also measure so many nodes on one operator: minutes")
    parser.add_argument("--only-many", action="store_true", help="with --nodes: nothing but that")
    parser.add_argument("--operator", nargs=4, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.operator:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(operator(*options.operator))
        return
    sys.stdout.write(f"\n{verdict(rows(options.nodes, only_many=options.only_many))}\n")


if __name__ == "__main__":
    main()

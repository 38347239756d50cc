"""Many nodes of ten small releases on one operator process: its memory, its requests, and its share of a core.

By itself: python tests/bench/many.py [--nodes 200]; two hundred take a quarter of an hour.
"""

import argparse
import asyncio
import base64
import contextlib
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from rows import Row, verdict
from stage import PATIENCE, TREE, Stage, declared, kept, small_engine, stage, until

from mininode.api import INPUTS_LABEL
from mininode.api.conditions import REHEARSED
from mininode.app.nodes import Nodes, Watched
from mininode.app.settings import Settings
from mininode.app.wiring import build_engine
from mininode.cluster.control_plane import NODE
from mininode.engine.engine import Engine
from mininode.engine.owned import HELM_MANAGER
from mininode.engine.pace import USUAL
from mininode.engine.stored import manifest
from mininode.kube.client import Kube
from mininode.kube.resources import BY_KIND, EUCAIM_NODES, NODES, SECRETS
from mininode.planning.release import newest, secret_name

MIB = 1024**2
AFTER_START = 90.0  # s in which an operator that was started asks every gate once (engine/state.py)
IDLE = USUAL.probe_again + 10.0  # s of idleness that is looked at: every gate that held is asked again once
COPIES_AT_ONCE = 8


async def operator(charts: Path, kubeconfig: Path, helm: Path, notes: Path) -> None:
    """The operator as a process, but for its Lease, with the small components; writes down how it fares every half second."""
    import kopf  # noqa: PLC0415

    from mininode.app.handlers import register  # noqa: PLC0415

    async with await Kube.connect(kubeconfig) as kube:
        engine = small_engine(await build_engine(Settings(kubeconfig=kubeconfig, helm=helm), kube), charts)
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
    await kube.delete(EUCAIM_NODES, "node", template)  # what it made stays, to be copied
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


async def measure(one: Stage, nodes: int) -> None:
    async with await Kube.connect(one.kubeconfig) as kube:
        await many(one, kube, nodes)


def rows(nodes: int) -> list[Row]:
    """The figures, printed as they come."""
    with stage() as one:
        asyncio.run(measure(one, nodes))
        return one.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--operator", nargs=4, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.operator:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(operator(*options.operator))
        return
    sys.stdout.write(f"\n{verdict(rows(options.nodes))}\n")


if __name__ == "__main__":
    main()

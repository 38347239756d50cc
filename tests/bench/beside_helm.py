"""Figures of the engine itself, as a table. Run by `make bench`, after run.py.

What is measured is the engine and Helm, for pods are ready at once. What is beside a figure was taken in the same run: plain
Helm, one release after the other, and pyhelm3's ensure_release. Many nodes on one operator: many.py.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace

import yaml
from rows import Row, verdict
from stage import TREE, Stage, declared, kept, stage, until

from mininode.engine.engine import Engine
from mininode.engine.reconcile import Pass
from mininode.helm.client import Helm
from mininode.kube.client import Kube
from mininode.kube.resources import DEPLOYMENTS, EUCAIM_NODES

ROUNDS = 3  # of each installation; the median counts
LOOKS = 20
DELETIONS = 100


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


async def measure(one: Stage) -> None:
    async with await Kube.connect(one.kubeconfig) as kube:
        await installations(one, kube, small=False)
        ours, plain = await installations(one, kube, small=True)
        await nothing_to_do(one, kube, ours, plain)
        await deletions(one, kube)


def rows() -> list[Row]:
    """All figures, printed as they come."""
    with stage() as one:
        asyncio.run(measure(one))
        return one.rows


if __name__ == "__main__":
    sys.stdout.write(f"\n{verdict(rows())}\n")

"""What must be true of a cluster before anything is installed into it: it answers, its machine is ready, its data are this node's.

The sentinel is an object with the identity of the data. When it is gone, minikube has reset the cluster; then nothing may be
installed over it.
"""

import asyncio
import secrets
import time
from pathlib import Path

from mininode.awaiting import awaited
from mininode.cluster.minikube.home import OURS
from mininode.cluster.minikube.program import Programs
from mininode.cluster.minikube.seen import Record
from mininode.cluster.way import Progress
from mininode.errors import KubeError, MininodeError, NotThereYet
from mininode.kube.client import Kube
from mininode.kube.resources import CONFIG_MAPS, NODES

_SENTINEL, _NAMESPACE = "mininode-cluster", "kube-system"
_LOOK_AGAIN = 1.0  # s
_SAY_AGAIN = 10.0  # s


class DataSafety(MininodeError):
    """Something about the data is not as it must be: everything stops."""


def machine_ready(kubeconfig: Path, progress: Progress) -> None:
    """Return when the API answers and the machine is Ready. Raises NotThereYet when the time is up."""
    awaited(_machine_ready(kubeconfig, progress))


async def _machine_ready(kubeconfig: Path, progress: Progress) -> None:
    why, said = "it was not asked", time.monotonic()
    while time.monotonic() < progress.ends:
        try:
            async with await Kube.connect(kubeconfig) as kube:
                machines = await kube.list(NODES)
            if machines and all(_ready(one) for one in machines):
                return
            why = "its machine is not Ready"
        except KubeError as error:
            why = error.message
        if time.monotonic() - said > _SAY_AGAIN:
            progress.say(f"waits for Kubernetes: {why}")
            said = time.monotonic()
        await asyncio.sleep(_LOOK_AGAIN)
    raise NotThereYet(f"Kubernetes does not come up: {why}.", "Run the same command again; see also `mininode cluster status`.")


def _ready(machine: dict[str, object]) -> bool:
    status = machine.get("status")
    conditions = status.get("conditions", []) if isinstance(status, dict) else []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def same_data(programs: Programs, data: Path, guest: str) -> None:
    """Both sides see the same folder: what one writes, the other reads. Raises DataSafety when they don't."""
    word, answer = secrets.token_hex(8), secrets.token_hex(8)
    ours, theirs = data / OURS / "from-computer", data / OURS / "from-node"
    ours.write_text(word)
    theirs.unlink(missing_ok=True)
    inside = f"{guest}/{OURS}"
    # The machine writes as its own root: the file is readable for all, and says nothing.
    script = f"cat {inside}/from-computer && printf %s {answer} > {inside}/from-node"
    done = programs.docker("exec", programs.home.profile, "sh", "-c", script)
    try:
        back = theirs.read_text()
    except OSError:
        back = ""
    if done.code or done.out.strip() != word or back != answer:
        raise DataSafety(
            f"The node does not see the data folder {data}: {(done.err or 'what it wrote is not there').strip()[:200]}",
            "Its disk was unmounted or exchanged under the running cluster. Mount it again, then `mininode cluster stop` and "
            "the same command again. Nothing was installed.",
            reason="DataNotMounted",
        )


def place_sentinel(kubeconfig: Path, record: Record) -> None:
    """Put the data's identity into a cluster that was just made."""
    awaited(_place(kubeconfig, record))


async def _place(kubeconfig: Path, record: Record) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _SENTINEL, "namespace": _NAMESPACE},
        "data": {"identity": record.identity, "node": record.wish.node},
    }
    async with await Kube.connect(kubeconfig) as kube:
        await kube.apply(CONFIG_MAPS, body, _NAMESPACE, manager="mininode-install", force=True)


def same_cluster(kubeconfig: Path, record: Record) -> None:
    """The cluster still is the one that was made. Raises DataSafety when it was reset meanwhile."""
    found = awaited(_sentinel(kubeconfig))
    if found != record.identity:
        raise DataSafety(
            "The cluster has lost its contents: minikube, or somebody, has reset it"
            + (f" (it carries another node's identity, {found})." if found else "."),
            f"The data folder {record.wish.data} is untouched, and nothing was installed over it. Save a copy of that folder, then "
            "make the cluster anew with the same data: `mininode cluster delete`, and the same command again.",
            reason="ClusterWasReset",
        )


async def _sentinel(kubeconfig: Path) -> str:
    async with await Kube.connect(kubeconfig) as kube:
        found = await kube.get(CONFIG_MAPS, _SENTINEL, _NAMESPACE) or {}
    return str((found.get("data") or {}).get("identity", ""))

"""`mininode reconcile`: asks the operator to start anew on a node, as after a failure that was put right outside."""

import datetime
from pathlib import Path

import typer

from mininode.awaiting import awaited
from mininode.cli.target import KubeconfigOption, NameOption, NamespaceOption, Target, reachable, target


def reconcile(kubeconfig: KubeconfigOption = None, namespace: NamespaceOption = None, name: NameOption = None) -> None:
    """Ask the operator to look again: failures are forgotten, every gate is asked anew.

    Example: mininode reconcile && mininode status
    """
    wanted = reachable(target(kubeconfig, namespace, name))
    awaited(_ask(wanted))
    typer.echo(f"The operator was asked to look again at node {wanted.name}. `mininode status` shows how it goes.")


async def _ask(wanted: Target) -> None:
    from mininode.api import API_VERSION, KIND, REQUESTED_AT
    from mininode.errors import NotThereYet
    from mininode.kube.client import Kube
    from mininode.kube.resources import EUCAIM_NODES

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        if await kube.get_metadata(EUCAIM_NODES, wanted.name, wanted.namespace) is None:
            raise NotThereYet(
                f"There is no node {wanted.name} in namespace {wanted.namespace}.",
                "Make one with `mininode install`.",
                reason="NoNode",
            )
        now = datetime.datetime.now(datetime.UTC).isoformat()
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": wanted.name, "namespace": wanted.namespace, "annotations": {REQUESTED_AT: now}},
        }
        await kube.apply(EUCAIM_NODES, body, wanted.namespace, manager="mininode-reconcile", force=True)

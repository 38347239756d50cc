"""`mininode uninstall`: removes a node's software in reverse order; passwords and volumes stay and are listed."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mininode.awaiting import awaited
from mininode.cli.target import KubeconfigOption, NameOption, NamespaceOption, Target, reachable, target

if TYPE_CHECKING:
    from mininode.cluster.way import OperatorAt
    from mininode.kube.client import Kube


def uninstall(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer the question whether to go on with yes.")] = False,
    purge: Annotated[bool, typer.Option("--purge", help="Destroy data and passwords, too. Wants the node's name.")] = False,
    purge_node: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --purge: the node's name, where there is no terminal to type it on.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait until everything is removed.", min=1)] = 600.0,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Remove the node's software. Its volumes and passwords stay; installing again finds them.

    Works without the operator, too. Example: mininode uninstall --yes
    """
    from mininode.cli.screen import wrapped
    from mininode.errors import ConfigError, Mistake

    if purge_node is not None and not purge:
        raise ConfigError([Mistake("--purge-node", "it has a meaning only with --purge", "Add --purge, or leave it out")])
    wanted = reachable(target(kubeconfig, namespace, name))
    if purge:
        awaited(_purge(wanted, purge_node, timeout))
        return
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError([Mistake("--yes", "there is no terminal to ask on", "Add --yes to remove the node's software")])
        what = f"the software of node {wanted.name} in namespace {wanted.namespace}"
        typer.echo(wrapped(f"This removes {what}. Data and passwords stay."))
        typer.confirm("Go on?", abort=True)
    awaited(_remove(wanted, timeout))


async def _purge(wanted: Target, purge_node: str | None, timeout: float) -> None:
    from mininode.cli.purge import agree, destroy, doomed, files_left, unreachable
    from mininode.cli.screen import fitted
    from mininode.errors import KubeError
    from mininode.kube.client import Kube

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        try:
            found = await doomed(kube, wanted)
        except KubeError as error:
            raise (unreachable(wanted, error) if error.code == 0 else error) from error
        if found.nothing:
            typer.echo(f"There is nothing of a node {wanted.name} in namespace {wanted.namespace}.")
            return
        typer.echo(f"This destroys node {wanted.name} in namespace {wanted.namespace} for ever:")
        for line in found.lines():
            typer.echo(fitted("  ", line, 4))
        agree(wanted, purge_node)

        async def software() -> None:
            if found.node:
                await _delete(kube, wanted, timeout)

        await destroy(kube, wanted, found, software)
    typer.echo("Destroyed.")
    for path in files_left(found):
        typer.echo(fitted("  ", f"Its files are still there. To delete them, too: sudo rm -r {path}", 4))


async def _delete(kube: "Kube", wanted: Target, timeout: float) -> bool:
    """Delete the resource and wait for its software to go; False when there is no such node."""
    from mininode.kube.resources import EUCAIM_NODES

    if not await kube.delete(EUCAIM_NODES, wanted.name, wanted.namespace):
        return False
    typer.echo(f"Removing the software of node {wanted.name}, dependants first:")
    await _until_gone(kube, wanted, timeout)
    typer.echo("Removed.")
    return True


async def _remove(wanted: Target, timeout: float) -> None:
    from mininode.engine.act import kept
    from mininode.kube.client import Kube

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        if not await _delete(kube, wanted, timeout):
            typer.echo(f"There is no node {wanted.name} in namespace {wanted.namespace}: nothing to remove.")
        left = await kept(kube, wanted.name, wanted.namespace)
    if left:
        typer.echo("Kept, so that installing again finds it:")
        for one in left:
            typer.echo(f"  {one}")
    if _operator(wanted) is not None:
        typer.echo("The rehearsal itself still runs. Next: mininode rehearsal stop")


async def _until_gone(kube: "Kube", wanted: Target, timeout: float) -> None:
    """Wait for the operator to remove it, or do it here when no operator is at work."""
    from mininode.app.removal import operator_works, remove_alone
    from mininode.app.settings import Settings
    from mininode.cli.follow import Follower
    from mininode.cluster.way import IN_CLUSTER
    from mininode.toolbox.toolbox import Toolbox

    beside = _operator(wanted)
    settings = Settings(kubeconfig=Path(wanted.kubeconfig))
    if beside.runs() if beside else await operator_works(kube, settings):
        await Follower(kube, wanted, beside or IN_CLUSTER).until_gone(timeout)
        return
    typer.echo("  no operator is at work: removing it from here")
    settings = Settings(kubeconfig=Path(wanted.kubeconfig), helm=Toolbox.from_environment(say=typer.echo).get("helm").path)
    async with asyncio.timeout(timeout):
        await remove_alone(kube, settings, wanted.name, wanted.namespace, lambda holder: typer.echo(f"  waits for {holder}"))


def _operator(wanted: Target) -> "OperatorAt | None":
    """The operator beside a rehearsal, where it can be told at once whether it lives; None for a pod of the cluster."""
    from mininode.cli.stage import user_rehearsal
    from mininode.cluster.rehearsal_way import beside

    stage = user_rehearsal(lambda _line: None)
    return beside(stage) if Path(wanted.kubeconfig) == stage.kubeconfig else None

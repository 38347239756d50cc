"""`mininode uninstall`: removes a node's software in reverse order; passwords and volumes stay and are listed."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from mininode.cli.target import KubeconfigOption, NameOption, NamespaceOption, Target, target

_UNKNOWN = Path("operator.log")


def uninstall(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer the question whether to go on with yes.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait until everything is removed.", min=1)] = 600.0,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Remove the node's software. Its volumes and passwords stay; installing again finds them.

    Example: mininode uninstall --yes
    """
    from mininode.errors import ConfigError, Mistake

    wanted = target(kubeconfig, namespace, name)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError(
                [Mistake("--yes", "there is no terminal to ask on", "Add --yes to remove the node's software")]
            )
        typer.confirm(
            f"Remove the software of node {wanted.name} in namespace {wanted.namespace}? Data and passwords stay.",
            abort=True,
        )
    asyncio.run(_remove(wanted, timeout))


async def _remove(wanted: Target, timeout: float) -> None:
    from mininode.cli.follow import Follower
    from mininode.engine.act import kept
    from mininode.kube.client import Kube
    from mininode.kube.resources import EUCAIM_NODES

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        if not await kube.delete(EUCAIM_NODES, wanted.name, wanted.namespace):
            typer.echo(f"There is no node {wanted.name} in namespace {wanted.namespace}: nothing to remove.")
        else:
            typer.echo(f"Removing the software of node {wanted.name}, dependants first:")
            runs, log = _operator(wanted)
            await Follower(kube, wanted, runs, log).until_gone(timeout)
            typer.echo("Removed.")
        left = await kept(kube, wanted.name, wanted.namespace)
    if left:
        typer.echo("Kept, so that installing again finds it:")
        for one in left:
            typer.echo(f"  {one}")


def _operator(wanted: Target) -> tuple[Callable[[], bool], Path]:
    """How to tell that the operator lives, where that can be told: beside a rehearsal."""
    from mininode.cli.stage import user_rehearsal

    stage = user_rehearsal(lambda _line: None)
    if Path(wanted.kubeconfig) == stage.kubeconfig:
        return (lambda: stage.runs("operator")), stage.log("operator")
    return (lambda: True), _UNKNOWN

"""`mininode kubectl …`: kubectl of the toolbox on the cluster of the last install."""

import os
from typing import Annotated

import typer

CONTEXT = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["--help"]}


def kubectl(
    arguments: Annotated[list[str] | None, typer.Argument(help="What kubectl is told.", metavar="…")] = None,
) -> None:
    """Run kubectl on the node's cluster, whatever your own kubectl speaks to.

    Example: mininode kubectl get pods -A
    """
    run("kubectl", arguments or [])


def run(name: str, arguments: list[str]) -> None:
    """Become the program, with the access file of the last install. Raises Unavailable when nothing was installed."""
    from mininode.cli.target import reachable, target
    from mininode.toolbox.toolbox import Toolbox

    access = reachable(target(None, None, None)).kubeconfig
    program = str(Toolbox.from_environment(say=lambda line: typer.echo(line, err=True)).get(name).path)
    os.execve(program, [program, *arguments], os.environ | {"KUBECONFIG": access})  # noqa: S606 - no shell, on purpose

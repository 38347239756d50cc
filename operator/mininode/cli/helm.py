"""`mininode helm …`: Helm of the toolbox on the cluster of the last install."""

from typing import Annotated

import typer

from mininode.cli import kubectl

CONTEXT = kubectl.CONTEXT


def helm(arguments: Annotated[list[str] | None, typer.Argument(help="What Helm is told.", metavar="…")] = None) -> None:
    """Run Helm on the node's cluster. To look: what it changes by hand is put back by the operator.

    Example: mininode helm list -A
    """
    kubectl.run("helm", arguments or [])

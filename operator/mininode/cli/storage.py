"""`mininode storage folders`: the script that makes the folders of a node's data on the machine that holds them."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Where a node's data lies.", no_args_is_help=True)


@app.callback()
def _storage() -> None:
    """Where a node's data lies."""


@app.command()
def folders(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file. Default: config.yaml.")
    ] = None,
) -> None:
    """Print a script that makes the folders of a node with `storage.hostPath`, each with its owner and mode.

    It is for a cluster that you have already: run it as root on the machine that holds the data. Running it again is safe.

    Example: mininode storage folders | ssh machine sudo sh
    """
    from mininode.cli.config_file import DEFAULT, read_config
    from mininode.cluster.folders import script
    from mininode.components.base import Node
    from mininode.errors import ConfigError, Mistake

    site = read_config(config or DEFAULT)
    if not site.node.storage.host_path:
        raise ConfigError(
            [Mistake("node.storage.hostPath", "it is not set, so there are no folders to make", "A class makes its own volumes")]
        )
    typer.echo(script(Node(site.name, site.namespace, site.node)), nl=False)

"""`mininode operator`: the operator process itself, as it runs in a pod or beside a rehearsal."""

import typer

app = typer.Typer(no_args_is_help=True, help="The operator process.")


@app.callback()
def group() -> None:
    """Keep `run` a subcommand of its own."""


@app.command()
def run() -> None:
    """Make every EucaimNode of the cluster true, until stopped.

    Settings come from the environment: KUBECONFIG, MININODE_TOOL_HELM, MININODE_HELM_PROCESSES, MININODE_PORT,
    MININODE_NAMESPACE, MININODE_LOG_FORMAT. Example: KUBECONFIG=operator.kubeconfig mininode operator run
    """
    from mininode.app.operator import serve
    from mininode.app.settings import Settings

    serve(Settings.from_environment())

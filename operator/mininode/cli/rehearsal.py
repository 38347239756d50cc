"""`mininode rehearsal`: a throw-away Kubernetes API with simulated pods on this computer."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mininode.cli.output import TextOrJson, TextOrJsonOption
from mininode.errors import Exit

if TYPE_CHECKING:
    from mininode.cluster.rehearsal import Rehearsal
    from mininode.cluster.state import RehearsalStatus

app = typer.Typer(
    help="A throw-away Kubernetes API with simulated pods on this computer, to try an installation on.",
    no_args_is_help=True,
)

_MIB = 1024**2


@app.command()
def start() -> None:
    """Start it, find it running, or repair it.

    Example: mininode rehearsal start
    """
    status = _rehearsal().start(_say)
    typer.echo(_summary(status))
    typer.echo(f"To use kubectl with it: export KUBECONFIG={status.kubeconfig}")


@app.command()
def stop() -> None:
    """Stop all of its processes. Objects and logs stay; the next start finds them.

    Example: mininode rehearsal stop
    """
    _rehearsal().stop(_say)
    typer.echo("The rehearsal is stopped.")


@app.command()
def status(
    output: TextOrJsonOption = TextOrJson.TEXT,
) -> None:
    """Show what runs, and what is wrong. Exit code 0: it runs; 3: it is stopped or broken.

    Example: mininode rehearsal status -o json
    """
    found = _rehearsal().status()
    if output is TextOrJson.JSON:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        typer.echo("\n".join([_summary(found), *_table(found), *(f"! {problem}" for problem in found.problems)]))
    if found.state != "Running":
        raise typer.Exit(Exit.NOT_THERE_YET)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Stop it and forget every object in it. The last run's logs stay.

    Example: mininode rehearsal reset --yes
    """
    rehearsal = _rehearsal()
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("there is no terminal to ask on: say --yes", param_hint="--yes")
        typer.confirm(f"Forget everything in the rehearsal under {rehearsal.home}?", abort=True)
    rehearsal.reset(_say)
    typer.echo("The rehearsal begins anew with the next start.")


@app.command()
def kubeconfig() -> None:
    """Print the path of its kubeconfig file, whether it runs or not.

    Example: kubectl --kubeconfig "$(mininode rehearsal kubeconfig)" get pods -A
    """
    typer.echo(_rehearsal().kubeconfig)


def _rehearsal() -> "Rehearsal":
    from mininode.cli.stage import user_rehearsal

    return user_rehearsal(_say)


def _say(line: str) -> None:
    typer.echo(line, err=True)  # progress; what a script reads comes on standard output


def _summary(status: "RehearsalStatus") -> str:
    if status.state == "Stopped":
        return "The rehearsal is stopped. To start it: mininode rehearsal start"
    if status.state == "Broken":
        return "The rehearsal is broken. To repair it: mininode rehearsal start"
    return (
        f"The rehearsal is running: Kubernetes {status.version} at {status.server}, "
        f"{len(status.processes)} processes, {status.memory / _MIB:.0f} MiB"
    )


def _table(status: "RehearsalStatus") -> list[str]:
    width = max(len(process.name) for process in status.processes)
    return [
        f"  {process.name:<{width}}  "
        + (f"process {process.pid}, {process.memory / _MIB:.0f} MiB" if process.running else "not running")
        + (f", log {process.log}" if process.log.exists() else "")
        for process in status.processes
    ]

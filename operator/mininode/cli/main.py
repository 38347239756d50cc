"""The command `mininode`: mounts the commands and turns errors into advice and exit codes."""

import importlib
import sys
import traceback
from typing import Annotated, Any

import typer

from mininode import __version__
from mininode.errors import Exit, MininodeError

app = typer.Typer(
    name="mininode",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: reads the same everywhere, and rich need not be loaded
    help="Turns one computer, or a share of a Kubernetes cluster, into a EUCAIM federated node.\n\n"
    "First step: mininode install micro --cluster rehearsal",
)

_GROUPS = ("cluster", "config", "secrets", "rehearsal", "tools", "images", "credentials", "storage", "operator")
_COMMANDS = (
    "check", "install", "status", "plan", "reconcile", "uninstall", "support-bundle", "export", "kubectl", "helm", "generate",
)  # fmt: skip


def _version(value: bool) -> None:
    if value:
        typer.echo(f"mininode {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of every command."""


def _mount() -> None:
    """Each group is a module with `app`, each command a module with a function of its name."""
    for name in _GROUPS:
        app.add_typer(importlib.import_module(f"mininode.cli.{name}").app, name=name)
    for name in _COMMANDS:
        function = name.replace("-", "_")
        module = importlib.import_module(f"mininode.cli.{function}")
        settings = getattr(module, "CONTEXT", None)
        app.command(name, hidden=getattr(module, "HIDDEN", False), context_settings=settings)(getattr(module, function))


def run() -> None:
    """Entry point: runs the command, and exits with the code that says how it went (docs/cli.md)."""
    try:
        _mount()
        # click hands back the code of a typer.Exit instead of raising it.
        code = app(standalone_mode=False, prog_name="mininode")
        if code == Exit.INTERRUPTED:  # typer makes an Exit of Ctrl-C
            raise KeyboardInterrupt  # noqa: TRY301 - one place says how to go on
        sys.exit(code if isinstance(code, int) else Exit.DONE)
    except MininodeError as error:
        _complain(error.message, error.advice)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _complain("Stopped. Run the same command again to go on from here.", "")
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.exit(Exit.DONE)
    except Exception as error:  # noqa: BLE001 - the last line between a fault of ours and a person
        sys.exit(_usage(error) or _own_folder(error) or _fault(error))


def _usage(error: Exception) -> int | None:
    """A mistake on the command line is shown the way typer shows it."""
    show: Any = getattr(error, "show", None)
    if show is None:
        return None
    show()
    return Exit.BAD_INPUT


def _own_folder(error: Exception) -> int | None:
    """A folder of ours that this user may not write, or whose disk is full, is told as advice."""
    from mininode.cli.own_folders import trouble

    if (found := trouble(error)) is None:
        return None
    _complain(found.message, found.advice)
    return found.exit_code


def _fault(error: Exception) -> int:
    """A fault of mininode: the details go to a file, the person gets a sentence."""
    import tempfile

    with tempfile.NamedTemporaryFile("w", prefix="mininode-fault-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    _complain(
        f"This is a fault of mininode ({type(error).__name__}), not of your input.",
        f"Nothing more was done. Please report it with the file {file.name}, which holds the details.",
    )
    return Exit.FAILED


def _complain(message: str, advice: str) -> None:
    sys.stdout.flush()
    from mininode.cli.screen import fitted

    for line in (*message.splitlines(), *advice.splitlines()):
        typer.echo(fitted("", line, 2, sys.stderr), err=True)


if __name__ == "__main__":
    run()

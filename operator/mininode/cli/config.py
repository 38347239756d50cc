"""`mininode config`: makes, checks and takes over a configuration file."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mininode.cli.config_file import DEFAULT, read_bytes, read_config
from mininode.cli.config_init import init
from mininode.cli.config_migrate import migrate
from mininode.cli.output import TextOrJson, TextOrJsonOption
from mininode.errors import ConfigError, Mistake

app = typer.Typer(help="Make and check the configuration file.", no_args_is_help=True)

_WIDTH = 100  # characters of a line that are shown


app.command()(init)
app.command()(migrate)


@app.command(
    epilog="Example: mininode config check --config config.yaml. Exit code 0: nothing wrong; 2: mistakes, all listed."
)
def check(
    config: Annotated[Path, typer.Option("--config", "-c", help="The file to check.")] = DEFAULT,
    output: TextOrJsonOption = TextOrJson.TEXT,
) -> None:
    """Check a configuration file and list every mistake with its place. Nothing is changed."""
    from mininode.api.config import warnings

    try:
        site = read_config(config)
    except ConfigError as error:
        if output is TextOrJson.JSON:
            _print_json(config, error.mistakes, ())
        else:
            _print_mistakes(config, error.mistakes)
        raise typer.Exit(error.exit_code) from None
    doubts = warnings(site.node)
    if output is TextOrJson.JSON:
        _print_json(config, (), doubts)
        return
    from mininode.cli.screen import fitted

    node = site.node
    typer.echo(f"{config}: nothing wrong")
    typer.echo(f"  node {site.name} in namespace {site.namespace}, profile {node.profile}")
    typer.echo(f"  {node.url}, exposure {node.exposure.mode}, tls {node.tls.mode}")
    for doubt in doubts:
        typer.echo(fitted("  to consider: ", f"node.{doubt}"))
    typer.echo("Nothing was changed.")


def _print_json(config: Path, mistakes: tuple[Mistake, ...], doubts: tuple[Mistake, ...]) -> None:
    import json

    result = {
        "file": str(config),
        "ok": not mistakes,
        "mistakes": [asdict(mistake) for mistake in mistakes],
        "warnings": [asdict(doubt) | {"where": f"node.{doubt.where}"} for doubt in doubts],
    }
    typer.echo(json.dumps(result, indent=2, ensure_ascii=False))


def _print_mistakes(config: Path, mistakes: tuple[Mistake, ...]) -> None:
    import sys

    from mininode.cli.screen import fitted

    lines = _lines(config) if sys.stderr.isatty() else []
    shown = _showable(lines, mistakes)
    for mistake in mistakes:
        typer.echo(fitted("", str(mistake), 2, sys.stderr), err=True)
        if mistake.line in shown:
            typer.echo(_pointed(lines[mistake.line - 1], mistake), err=True)
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    typer.echo(f"{count}. Nothing was changed.", err=True)


def _lines(config: Path) -> list[str]:
    """The file's lines as the mistakes count them; none when the file is no text or has gone."""
    from mininode.api.text import decode

    try:
        return decode(read_bytes(config), str(config)).split("\n")
    except ConfigError:
        return []


def _showable(lines: list[str], mistakes: tuple[Mistake, ...]) -> set[int]:
    """The numbers of the lines that can be shown without showing a secret.

    Where the text could not be read as YAML (a mistake without a path) nobody knows where a secret ends: no line is
    shown that comes after one which may begin it.
    """
    from mininode.api.inline_secrets import PROBLEM, line_holds_secret

    doubtful = {number for number, line in enumerate(lines, 1) if line_holds_secret(line)}
    hidden = doubtful | {mistake.line for mistake in mistakes if mistake.problem == PROBLEM}
    if any(not mistake.where for mistake in mistakes):
        hidden |= set(range(min(doubtful, default=len(lines) + 1), len(lines) + 1))
    return set(range(1, len(lines) + 1)) - hidden


def _pointed(line: str, mistake: Mistake) -> str:
    """The line with a caret below the place. Tabs become one space each, so that the caret stays below it."""
    import shutil

    width = min(_WIDTH, shutil.get_terminal_size().columns - len("  | "))
    shown = line.replace("\t", " ")
    return f"  | {shown[:width]}\n  | {' ' * min(mistake.column - 1, width - 1)}^"

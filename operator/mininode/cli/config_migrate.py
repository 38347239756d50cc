"""`mininode config migrate`: from the configuration of EUCAIM's mini-node installer to config.yaml, told key by key."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mininode.cli.config_file import DEFAULT, read_bytes
from mininode.cli.output import Output, OutputOption
from mininode.errors import ConfigError, Mistake

if TYPE_CHECKING:
    from mininode.cli.upstream_keys import Migrated


def migrate(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The old file: config.private.yaml or config.yaml of mini-node.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="The file to write; it must not be there yet.")] = DEFAULT,
    output: OutputOption = Output.TEXT,
) -> None:
    """Read the configuration of EUCAIM's mini-node installer, write config.yaml, and say what became of each key.

    No secret is copied. The old file is not changed.

    Example: mininode config migrate ../mini-node/config.private.yaml
    """
    from mininode.cli.config_draft import with_answers
    from mininode.cli.config_init import example, write
    from mininode.cli.upstream_keys import migrated

    if config.exists():
        advice = "Name another file with --config, or move that one away"
        raise ConfigError([Mistake("--config", f"{config} is there already and stays as it is", advice)])
    done = migrated(_read(old))
    if ("node", "domain") not in done.answers:
        advice = "Correct public_domain in the old file, or begin with `mininode config init`"
        raise ConfigError([Mistake("public_domain", "without the node's name there is no configuration", advice, str(old))])
    text = with_answers(example(), done.answers)
    mistakes = _mistakes(text, config)
    write(config, text)
    if output is Output.TEXT:
        _print(done, config, mistakes)
    else:
        answer = {
            "file": str(config),
            "keys": [asdict(one) | {"fate": one.fate.value} for one in done.told],
            "mistakes": [asdict(one) for one in mistakes],
        }
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def _read(old: Path) -> dict[str, object]:
    from mininode.api.source import read
    from mininode.api.text import decode

    document = read(decode(read_bytes(old), str(old)), str(old))
    if not isinstance(document.data, dict):
        raise ConfigError(
            [Mistake("", "this is no configuration of mini-node: it holds no keys", "Is it the right file?", str(old))]
        )
    return document.data


def _mistakes(text: str, config: Path) -> tuple[Mistake, ...]:
    """What a person still has to put right in the new file; it is written all the same."""
    from mininode.api.config import parse_config
    from mininode.components.registry import all_components

    try:
        parse_config(text, str(config), tuple(all_components()))
    except ConfigError as error:
        return error.mistakes
    return ()


def _print(done: "Migrated", config: Path, mistakes: tuple[Mistake, ...]) -> None:
    import shutil
    import textwrap

    columns = shutil.get_terminal_size((100, 24)).columns
    wide = max(len(one.key) for one in done.told)
    for one in done.told:
        first = f"  {one.fate.value:<10} {one.key:<{wide}}  "
        typer.echo(
            "\n".join(
                textwrap.wrap(one.said, max(columns, 60), initial_indent=first, subsequent_indent=" " * 13, break_on_hyphens=False)
            )
        )
    typer.echo(f"Written: {config}, without any secret. The old file stays as it is; delete it when you have no more need of it.")
    if mistakes:
        typer.echo("To be put right in it:")
        for mistake in mistakes:
            typer.echo(f"  {mistake}")
    typer.echo(f"Next: mininode config check --config {config}")

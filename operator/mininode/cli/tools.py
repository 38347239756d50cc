"""`mininode tools`: the pinned programs that mininode starts, where they are and how they are had."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from mininode.cli.output import TextOrJson, TextOrJsonOption
from mininode.errors import ToolError

if TYPE_CHECKING:
    from mininode.toolbox import Toolbox

app = typer.Typer(help="The pinned programs (kubectl, helm, ...) that mininode uses.", no_args_is_help=True)

Mirror = Annotated[
    str | None,
    typer.Option(envvar="MININODE_MIRROR", metavar="URL", help="Ask this address in place of the publishers' hosts."),
]
_GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Row:
    """One tool as it is listed."""

    name: str
    wanted: str
    version: str
    origin: str
    path: str
    problem: str = ""


def _toolbox(mirror: str | None = None) -> "Toolbox":
    from mininode.toolbox import Toolbox

    return Toolbox.from_environment(say=lambda line: typer.echo(line, err=True), mirror=mirror)


def _rows(box: "Toolbox") -> list[Row]:
    rows = []
    for name in box.names():
        wanted = box.lock.pin(name).version
        try:
            tool = box.find(name)
        except ToolError as error:
            rows.append(Row(name, wanted, "", "", "", problem=error.message))
            continue
        rows.append(
            Row(name, wanted, tool.version, tool.origin, str(tool.path)) if tool else Row(name, wanted, "", "", "")
        )
    return rows


def _print_rows(rows: list[Row]) -> None:
    width = max(len(row.name) for row in rows)
    for row in rows:
        where = (
            f"{row.version:<10} {row.origin:<6} {row.path}"
            if row.path
            else row.problem or f"not here (would be {row.wanted})"
        )
        typer.echo(f"{row.name:<{width}}  {where}")


@app.command("list", epilog="Example: mininode tools list -o json")
def list_tools(
    output: TextOrJsonOption = TextOrJson.TEXT,
) -> None:
    """List every tool with version and place. Nothing is downloaded."""
    from dataclasses import asdict

    rows = _rows(_toolbox())
    if output is TextOrJson.JSON:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print_rows(rows)


@app.command(epilog="Example: mininode tools get helm   or, everything at once: mininode tools get --all")
def get(
    name: Annotated[str | None, typer.Argument(help="The tool, as `mininode tools list` names it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every tool.")] = False,
    mirror: Mirror = None,
) -> None:
    """Have a tool: find it, download it with its checksum, or build it. Prints its path."""
    if bool(name) == everything:
        raise typer.BadParameter("Give either a tool's name or --all.")
    box = _toolbox(mirror)
    for wanted in box.names() if everything else [str(name)]:
        typer.echo(box.get(wanted).path)


@app.command(epilog="Example: mininode tools doctor")
def doctor(mirror: Mirror = None) -> None:
    """Look at every tool, the disk, Go and the downloads. Exit code 4 when a tool is missing and cannot be had."""
    from mininode.toolbox.doctor import examine

    box = _toolbox(mirror)
    rows = _rows(box)
    _print_rows(rows)
    found = examine(box, [row.name for row in rows if not row.path])
    typer.echo(
        f"Cache      {box.cache}: {found.cache_bytes / _GIB:.1f} GiB used, {found.free_bytes / _GIB:.0f} GiB free"
    )
    typer.echo(f"Go         {found.go}")
    for host, problem in found.hosts.items():
        typer.echo(f"Download   {host}: {problem or 'reached'}")
    broken = [row for row in rows if row.problem]
    if broken or found.out_of_reach:
        names = ", ".join([row.name for row in broken] + list(found.out_of_reach))
        raise ToolError(
            f"Missing, and not to be had here: {names}.",
            "Put right what is said above, or give this machine a way to the downloads: HTTPS_PROXY for a proxy, "
            "--mirror for a mirror. A tool got elsewhere is named by an environment variable: MININODE_TOOL_KUBECTL "
            "for kubectl.",
            reason="ToolMissing",
        )
    missing = [row.name for row in rows if not row.path]
    typer.echo(f"Not here yet, had when needed: {', '.join(missing)}" if missing else "Every tool is here.")


@app.command(epilog="Example: mininode tools lock")
def lock(mirror: Mirror = None) -> None:
    """Take the publishers' checksums for every platform and keep them in your own lock of tools."""
    from mininode.toolbox.model import CannotHave

    box = _toolbox(mirror)
    problems = 0
    for name in box.names():
        pin = box.lock.pin(name)
        for platform in pin.platforms:
            artifact = pin.artifact(platform)
            if artifact is None or artifact.sha256:
                typer.echo(f"{name} {platform}: pinned in mininode's own lock")
                continue
            try:
                typer.echo(f"{name} {platform}: {box.downloader.publish_sum(artifact)}")
            except CannotHave as error:
                problems += 1
                typer.echo(f"{name} {platform}: {error}", err=True)
    if problems:
        raise ToolError(
            f"{problems} checksums could not be had; the reasons stand above.",
            "Run this again where the publishers, or a mirror of them (--mirror), can be reached.",
        )
    typer.echo(f"All checksums are in {box.downloader.sums.path}")

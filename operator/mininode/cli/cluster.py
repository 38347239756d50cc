"""`mininode cluster`: the cluster on this computer, that minikube made for the node: look, start, stop, start at boot, delete."""

import enum
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mininode.errors import ConfigError, Exit, Mistake, Unavailable

if TYPE_CHECKING:
    from mininode.cluster.minikube.act import MinikubeCluster
    from mininode.cluster.minikube.seen import Record
    from mininode.cluster.way import Progress

app = typer.Typer(help="The cluster on this computer, made by minikube for the node.", no_args_is_help=True)

_START, _STOP = 1200.0, 300.0  # s
_ENGINE = 180.0  # s that Docker may take to come up with the computer
_PASSED_TO_UNIT = ("HOME", "PATH", "XDG_STATE_HOME", "DOCKER_HOST", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

ProfileOption = Annotated[str, typer.Option(help="minikube's name of the cluster.")]
_PROFILE = "mininode"


class Output(enum.StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


@app.command()
def status(
    profile: ProfileOption = _PROFILE,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print it.")] = Output.TEXT,
) -> None:
    """Show how it is. Exit code 0: it runs; 3: it does not.

    Example: mininode cluster status -o json
    """
    from mininode.cli.screen import fitted
    from mininode.cluster.minikube.decide import State

    cluster, record = _cluster(profile)
    _, decision = cluster.look()
    answer = {
        "profile": profile,
        "state": decision.state.value,
        "next": decision.action.value,
        "problem": decision.problem,
        "advice": decision.advice,
        "data": record.wish.data,
        "ports": list(record.wish.ports),
        "kubernetes": record.wish.kubernetes,
        "kubeconfig": str(cluster.programs.home.kubeconfig),
        "log": str(cluster.programs.home.log),
    }
    if output is Output.JSON:
        typer.echo(json.dumps(answer, indent=2))
    else:
        for key, value in answer.items():
            if value:
                typer.echo(fitted(f"{key:<11} ", ", ".join(value) if isinstance(value, list) else value))
    if decision.state is not State.RUNNING:
        raise typer.Exit(Exit.NOT_THERE_YET)


@app.command()
def start(
    profile: ProfileOption = _PROFILE,
    boot: Annotated[bool, typer.Option("--boot", help="By the computer's own start: what a person stopped stays stopped.")] = False,
) -> None:
    """Start it as it was made, and prove that its data are there. Where it is not there, it says so: an install makes it.

    Example: mininode cluster start
    """
    cluster, record = _cluster(profile)
    if boot and record.stopped:
        typer.echo("It was stopped by a person, and stays so. To start it: mininode cluster start")
        return
    if boot:
        _wait_for_engine()
    cluster.ensure(_progress(_START), make=False)
    typer.echo(f"The cluster {profile} runs.")


@app.command()
def stop(
    profile: ProfileOption = _PROFILE,
    boot: Annotated[bool, typer.Option("--boot", help="By the computer's own stop: it starts again with the computer.")] = False,
) -> None:
    """Stop it. Everything in it and all data stay.

    Example: mininode cluster stop
    """
    cluster, _ = _cluster(profile)
    cluster.stop(_progress(_STOP), by_person=not boot)
    typer.echo(f"The cluster {profile} is stopped.")


@app.command()
def delete(
    profile: ProfileOption = _PROFILE,
    confirm: Annotated[str | None, typer.Option(help="The cluster's name, to say that it may go.")] = None,
) -> None:
    """Delete it with all that Kubernetes keeps in it. The data folder stays; the next install uses it again.

    Example: mininode cluster delete --confirm mininode
    """
    cluster, record = _cluster(profile)
    typer.echo(f"This deletes the cluster {profile} and all that Kubernetes keeps in it. The data folder {record.wish.data} stays.")
    if confirm is None and sys.stdin.isatty():
        confirm = typer.prompt("Type the cluster's name to go on")
    if confirm != profile:
        raise ConfigError(
            [Mistake("--confirm", "the cluster's name was not given", f"Say --confirm {profile}. Nothing was deleted")]
        )
    cluster.delete(_progress(_STOP))
    typer.echo(f"The cluster {profile} is deleted. Its data are in {record.wish.data}.")


@app.command()
def boot(
    profile: ProfileOption = _PROFILE,
    system: Annotated[bool, typer.Option("--system", help="A unit of the system, in place of one of your own.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the unit's text, and do nothing.")] = False,
) -> None:
    """Let the cluster start with the computer: a systemd unit that is shown and asked for.

    Example: mininode cluster boot --show
    """
    from mininode.cluster.minikube.unit import NAME

    file = Path("/etc/systemd/system" if system else Path.home() / ".config/systemd/user") / NAME
    text = _unit(profile, system=system)
    if show:
        typer.echo(text, nl=False)
        return
    commands = _boot_commands(file, system=system, remove=remove)
    typer.echo(f"{'Remove' if remove else 'Write'} {file}" + ("" if remove else f":\n\n{text}"))
    typer.echo("\n".join(f"  $ {' '.join(command)}" for command in commands))
    if system:
        typer.echo(f"Write that text into {file} and run these commands as root: mininode takes no root rights itself.")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError([Mistake("--yes", "there is no terminal to ask on", "Add --yes to go on")])
        typer.confirm("Go on?", default=True, abort=True)
    if not remove:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for command in commands:
        _systemd(command)
    if remove:
        file.unlink(missing_ok=True)
    typer.echo("It does not start with the computer any more." if remove else "It starts with the computer.")


def _unit(profile: str, *, system: bool) -> str:
    import getpass

    from mininode.cluster.minikube.unit import Boot, unit

    _, record = _cluster(profile)
    known = {key: os.environ[key] for key in _PASSED_TO_UNIT if key in os.environ}
    environment = tuple((key, value) for key, value in known.items() if "@" not in value)  # a proxy's password is no unit's
    return unit(Boot(getpass.getuser(), Path(sys.executable), Path(record.wish.data), environment, profile, system))


def _boot_commands(file: Path, *, system: bool, remove: bool) -> list[list[str]]:
    control = ["systemctl"] if system else ["systemctl", "--user"]
    if remove:
        return [[*control, "disable", file.name]]
    return [[*control, "daemon-reload"], [*control, "enable", file.name], *([] if system else [["loginctl", "enable-linger"]])]


def _systemd(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - shown before
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]} does not work here: {error}", "This computer has no systemd; start it by hand.") from None
    if done.returncode:
        said = done.stderr.strip()[:200]
        raise Unavailable(f"{' '.join(command)} failed: {said}", "Run it by hand to see more.", reason="Systemd")


def _cluster(profile: str) -> "tuple[MinikubeCluster, Record]":
    """The cluster as it was made. Raises Unavailable when this user made none."""
    from mininode.cluster.minikube.act import MinikubeCluster
    from mininode.cluster.minikube.home import Home
    from mininode.cluster.minikube.program import Programs
    from mininode.toolbox.toolbox import Toolbox

    home = Home.of(profile)
    record = home.record()
    if record is None:
        raise Unavailable(
            f"You have made no cluster {profile} on this computer.",
            "Make one: mininode install micro --cluster minikube. Another name: --profile NAME.",
            reason="NoCluster",
        )
    program = Toolbox.from_environment(say=lambda line: typer.echo(line, err=True)).get("minikube").path
    return MinikubeCluster(Programs.of(program, home), record.wish), record


def _progress(seconds: float) -> "Progress":
    from mininode.cluster.way import Progress

    return Progress.within(seconds, lambda line: typer.echo(f"  {line}"))


def _wait_for_engine() -> None:
    import time

    from mininode.cluster.engine import find_engine

    end = time.monotonic() + _ENGINE
    while not find_engine().usable and time.monotonic() < end:
        time.sleep(2)

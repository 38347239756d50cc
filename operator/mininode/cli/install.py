"""`mininode install`: from a configuration to a node that is true. Run again, it is the upgrade."""

import asyncio
import datetime
import enum
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mininode.cli.target import Target, remember

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig
    from mininode.cluster.rehearsal import Rehearsal
    from mininode.kube.client import Kube

_FIELD_MANAGER = "mininode-install"
_LOOK = 1.0  # s between two looks at the clock and at the operator's process


class Cluster(enum.StrEnum):
    """Ways to have a Kubernetes API."""

    REHEARSAL = "rehearsal"


def install(
    profile: Annotated[str | None, typer.Argument(help="micro. Left out: as the configuration says.")] = None,
    cluster: Annotated[
        Cluster, typer.Option(help="Where to install: rehearsal is a throw-away Kubernetes API on this computer.")
    ] = Cluster.REHEARSAL,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file. Default: config.yaml, if it is there.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer the question whether to go on with yes.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the node.", min=1)] = 900.0,
) -> None:
    """Install a node, or bring it to what the configuration says now.

    Nothing is changed before the whole configuration was found right. Running it again is safe.

    Example: mininode install micro --cluster rehearsal
    """
    site = _site(profile, config)
    _ask(site, cluster, yes=yes)
    started = time.monotonic()
    asyncio.run(_rehearse(site, timeout, started))


def _site(profile: str | None, config: Path | None) -> "SiteConfig":
    """The configuration, with the profile of the command line. Raises ConfigError with every mistake."""
    from mininode.api.config import parse_config
    from mininode.cli.config_file import DEFAULT, read_config
    from mininode.components.registry import all_components
    from mininode.errors import ConfigError, Mistake

    file = config or (DEFAULT if DEFAULT.exists() else None)
    if file is not None:
        site = read_config(file)
        if profile is not None and profile != site.node.profile:
            raise ConfigError(
                [
                    Mistake(
                        "profile",
                        f"the command line says {profile}, {file} says {site.node.profile}",
                        "Change one of them",
                    )
                ]
            )
        return site
    text = f"node:\n  profile: {profile or 'micro'}\n  domain: node.rehearsal.example\n  siteName: Rehearsal\n"
    return parse_config(text, "the command line", tuple(all_components()))


def _ask(site: "SiteConfig", cluster: Cluster, *, yes: bool) -> None:
    if yes or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    typer.confirm(
        f"Install profile {site.node.profile} for {site.node.domain} into a {cluster} on this computer?",
        default=True,
        abort=True,
    )


async def _rehearse(site: "SiteConfig", timeout: float, started: float) -> None:
    from mininode.cli.stage import user_rehearsal
    from mininode.kube.client import Kube
    from mininode.toolbox.toolbox import Toolbox

    def say(line: str) -> None:
        typer.echo(f"  {line}")

    typer.echo(f"Rehearsing a node of profile {site.node.profile} for {site.node.domain} on this computer")
    stage = user_rehearsal(say)
    stage.start(say)
    helm = Toolbox.from_environment(say=say).get("helm").path
    async with await Kube.connect(stage.kubeconfig) as kube:
        anew = await _prepare(kube, stage, site, helm, say)
        changed = await _declare(kube, site, anew=anew)
        target = Target(str(stage.kubeconfig), site.namespace, site.name)
        remember(target)
        say("the node is as declared before" if not changed else "the node is declared; the operator makes it true:")
        status = await _follow(kube, target, timeout, lambda: stage.runs("operator"), stage.log("operator"))
    _conclude(status, target, stage, time.monotonic() - started)


async def _prepare(
    kube: "Kube", stage: "Rehearsal", site: "SiteConfig", helm: Path, say: Callable[[str], None]
) -> bool:
    """CRD, rights, namespace, and the operator at work; whether the operator was started by this."""
    from mininode.cluster.operator_process import operator_spec
    from mininode.cluster.setup import prepare
    from mininode.cluster.volumes import place
    from mininode.components.base import Node

    await prepare(kube, site.namespace)
    await place(kube, Node(site.name, site.namespace, site.node))
    spec = await operator_spec(kube, stage.kubeconfig.parent, stage.kubeconfig, helm)
    anew = stage.run_beside(spec)
    if anew:
        say("the operator was started under its own service account")
    return anew


async def _declare(kube: "Kube", site: "SiteConfig", *, anew: bool) -> bool:
    """Apply the EucaimNode; whether that changed anything. `anew` asks for a fresh look whatever the status says."""
    from mininode.api import API_VERSION, KIND, REQUESTED_AT
    from mininode.kube.resources import EUCAIM_NODES

    body: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": site.name, "namespace": site.namespace},
        "spec": site.node.model_dump(mode="json", by_alias=True, exclude_unset=True),
    }
    before = await kube.get(EUCAIM_NODES, site.name, site.namespace)
    if wish := _wish(before, anew=anew):  # an empty map would be a claim of its own, and a write
        body["metadata"]["annotations"] = {REQUESTED_AT: wish}
    after = await kube.apply(EUCAIM_NODES, body, site.namespace, manager=_FIELD_MANAGER, force=True)
    return before is None or before["metadata"]["generation"] != after["metadata"]["generation"]


def _wish(before: dict[str, Any] | None, *, anew: bool) -> str:
    """The wish for a fresh look: a new one where a node is not as it should be, or its operator is new; else the one it has."""
    from mininode.api import REQUESTED_AT
    from mininode.cli.status import settled

    if before is None:
        return ""
    if settled(before) and not anew:
        return str((before["metadata"].get("annotations") or {}).get(REQUESTED_AT, ""))
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


async def _follow(
    kube: "Kube", target: Target, timeout: float, operator_runs: Callable[[], bool], log: Path
) -> dict[str, Any]:
    """Show the node's way until it is settled. Raises NotThereYet when it is stuck, or the time is up."""
    from mininode.cli.follow import Follower

    follower = Follower(kube, target, operator_runs, log)
    return await follower.until_settled(timeout)


def _conclude(resource: dict[str, Any], target: Target, stage: "Rehearsal", seconds: float) -> None:
    """What was proven, what runs where, and what to type next."""
    from mininode.api.status import NodeStatus
    from mininode.cli.screen import verdict, wrapped

    about = stage.status()
    typer.echo(wrapped(verdict(NodeStatus.model_validate(resource["status"]))))
    typer.echo(f"It took {seconds:.1f} s.")
    typer.echo(f"  node       {target.name} in namespace {target.namespace}, https://{resource['spec']['domain']}")
    typer.echo(f"  cluster    Kubernetes {about.version} at {about.server}, {about.memory / 2**20:.0f} MiB with the operator")
    typer.echo(f"  operator   process beside the cluster; its log: {stage.log('operator')}")
    typer.echo(f"  access     {stage.kubeconfig}")
    typer.echo("Next: mininode status · mininode plan · mininode uninstall · mininode rehearsal stop")

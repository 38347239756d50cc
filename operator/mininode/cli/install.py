"""`mininode install`: from a configuration to a node that is true. Run again, it is the upgrade and the repair."""

import asyncio
import datetime
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mininode.awaiting import awaited
from mininode.cli.target import Target, remember
from mininode.cli.ways import Access, Cluster, chosen, way_to

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig
    from mininode.cli.steps import Step
    from mininode.cluster.way import OperatorAt, Progress, Way
    from mininode.kube.client import Kube

_FIELD_MANAGER = "mininode-install"
# Seconds that a step may take. What it starts has shorter time-outs of its own, and says what it waits for.
_TOOLS, _CLUSTER, _VERSION, _FOLDERS, _RIGHTS, _OPERATOR, _NODE = 1800.0, 1800.0, 60.0, 60.0, 120.0, 1200.0, 60.0


def install(
    profile: Annotated[str | None, typer.Argument(help="micro. Left out: as the configuration says.")] = None,
    cluster: Annotated[
        Cluster | None,
        typer.Option(
            help="Where to install. minikube: on this computer, which needs Docker. rehearsal: a throw-away Kubernetes API on "
            "this computer. current: the cluster of your kubeconfig. kind: for developers. Default: minikube, if Docker is there."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file. Default: config.yaml, if it is there.")
    ] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="With --cluster current: the cluster's access file. Default: as kubectl finds it.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="With --cluster current: the context to use. Default: the file's current one.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer the question whether to go on with yes.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the node.", min=1)] = 900.0,
) -> None:
    """Install a node, or bring it to what the configuration says now.

    Nothing is changed before the whole configuration was found right. Running it again is safe.

    Example: mininode install micro --cluster rehearsal
    """
    from mininode.cli.check import stop_where_it_fails
    from mininode.cli.steps import install_folder, run_steps
    from mininode.cluster.machine import on_folder

    site = _site(profile, config, rehearsal=cluster is Cluster.REHEARSAL)
    choice = chosen(cluster)
    stop_where_it_fails(site, choice.value, kubeconfig)
    if choice in (Cluster.MINIKUBE, Cluster.KIND):
        site = on_folder(site)
    way = way_to(choice, site, lambda line: typer.echo(f"  {line}"), Access(kubeconfig, context))
    _agree(site, way, yes=yes)
    started = time.monotonic()
    run = _Installation(site, way, timeout)
    run_steps(run.steps(), install_folder())
    run.conclude(time.monotonic() - started)


def _site(profile: str | None, config: Path | None, *, rehearsal: bool) -> "SiteConfig":
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
    text = f"node:\n  profile: {profile or 'micro'}\n"
    if rehearsal:
        text += "  domain: node.rehearsal.example\n  siteName: Rehearsal\n"
    else:  # a name for use on this computer; a site that has people sets its own in config.yaml
        text += "  domain: node.mininode.internal\n  siteName: This computer\n  tls:\n    mode: ownCA\n"
    return parse_config(text, "the command line", tuple(all_components()))


def _agree(site: "SiteConfig", way: "Way", *, yes: bool) -> None:
    """Say what will be done, and ask where there is somebody to ask. Nothing was changed yet."""
    from mininode.cli.plan import before_an_install
    from mininode.cli.screen import fitted, wrapped
    from mininode.cluster.way import SharedWay
    from mininode.errors import ConfigError, Mistake

    typer.echo(wrapped(f"Install profile {site.node.profile} for {site.node.domain} into {way.title}. This will:"))
    for line in (*way.plan(), f"declare the node {site.name} in namespace {site.namespace}, and wait until it is as it should be"):
        typer.echo(fitted("  - ", line))
    for line in before_an_install(site):
        typer.echo(line)
    if yes:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        typer.confirm("Go on?", default=True, abort=True)
    elif isinstance(way, SharedWay) and (others := way.concerns_others()):
        raise ConfigError(
            [Mistake("--yes", f"there is no terminal to ask on, and {len(others)} objects concern the whole cluster")],
            "Nothing was changed. They are named above: add --yes if you may change them.",
        )
    else:
        typer.echo("There is no terminal to ask on: going on.")


@dataclass(slots=True)
class _Installation:
    """One run: its steps, and what one of them found for the next."""

    site: "SiteConfig"
    way: "Way"
    timeout: float
    kubeconfig: Path = Path()
    operator: "OperatorAt | None" = None
    resource: dict[str, Any] | None = None

    @property
    def target(self) -> Target:
        """The node as later commands find it."""
        return Target(str(self.kubeconfig), self.site.namespace, self.site.name)

    def steps(self) -> "tuple[Step, ...]":
        """In this order; each looks first and does only what is missing."""
        from mininode.cli.steps import Step

        return (
            Step("tools", "have the programs that are needed", _TOOLS, self._tools),
            Step("cluster", self.way.title, _CLUSTER, self._cluster),
            Step("version", "whether a newer mininode was here", _VERSION, self._version),
            Step("folders", "the folders of the node's data, with their owners", _FOLDERS, self._folders),
            Step("rights", "the resource EucaimNode, the operator's rights, the node's namespace", _RIGHTS, self._rights),
            Step("operator", "the operator at work", _OPERATOR, self._operator),
            Step("node", f"declare {self.site.node.domain}, profile {self.site.node.profile}", _NODE, self._node),
            Step("follow", "what the operator does about it", self.timeout + 60, self._follow),
        )

    def conclude(self, seconds: float) -> None:
        """What was proven, what runs where, and what to type next."""
        from mininode.api.status import NodeStatus
        from mininode.cli.screen import fitted, verdict, wrapped

        resource, target = self.resource, self.target
        assert resource is not None and self.operator is not None, "the steps before left with an error"  # noqa: S101, PT018
        typer.echo(wrapped(verdict(NodeStatus.model_validate(resource["status"]))))
        typer.echo(f"It took {seconds:.1f} s.")
        lines = (
            ("node", f"{target.name} in namespace {target.namespace}, https://{resource['spec']['domain']}"),
            *self.way.closing(),
            ("operator", f"{self.operator.where}; its log: {self.operator.log}"),
            ("access", str(self.kubeconfig)),
        )
        for label, text in lines:
            typer.echo(fitted(f"  {label:<10} ", text))
        commands = ("mininode status", "mininode plan", "mininode uninstall", *self.way.next_commands())
        typer.echo(fitted("Next: ", " · ".join(commands)))

    def _tools(self, progress: "Progress") -> str:
        from mininode.toolbox.toolbox import Toolbox

        box = Toolbox.from_environment(say=progress.say)
        return ", ".join(f"{name} {box.get(name).version}" for name in self.way.tools)

    def _cluster(self, progress: "Progress") -> str:
        self.kubeconfig = self.way.ensure(progress)
        remember(self.target)
        return ""

    def _version(self, progress: "Progress") -> str:
        from mininode.cli.version_guard import refuse_downgrade

        before = awaited(asyncio.wait_for(refuse_downgrade(self.kubeconfig, self.target), progress.left))
        return f"installed by {before} before" if before else ""

    def _folders(self, progress: "Progress") -> str:
        from mininode.cluster.machine import make_folders
        from mininode.cluster.way import MachineWay
        from mininode.components.base import Node

        if not self.site.node.storage.host_path:
            return "none: a class of the cluster makes the volumes"
        if not isinstance(self.way, MachineWay):
            return "not by this way: mininode storage folders"
        make_folders(self.way.engine, self.way.machine, Node(self.site.name, self.site.namespace, self.site.node), progress)
        return ""

    def _rights(self, progress: "Progress") -> str:
        self.way.prepare(self.kubeconfig, self.site.namespace, progress)
        return ""

    def _operator(self, progress: "Progress") -> str:
        self.operator = self.way.operator(self.kubeconfig, progress)
        return ""

    def _node(self, progress: "Progress") -> str:
        assert self.operator is not None, "the step before left with an error"  # noqa: S101
        changed = awaited(self._declared(self.operator.anew, progress.left))
        return "declared; the operator makes it true" if changed else "as declared before"

    async def _declared(self, anew: bool, seconds: float) -> bool:
        from mininode.kube.client import Kube

        async with asyncio.timeout(seconds), await Kube.connect(self.kubeconfig) as kube:
            return await declare(kube, self.site, anew=anew)

    def _follow(self, _progress: "Progress") -> str:
        self.resource = awaited(self._settled())
        return ""

    async def _settled(self) -> dict[str, Any]:
        """Raises NotThereYet when the node is stuck, or the time is up."""
        from mininode.cli.follow import Follower
        from mininode.errors import NotThereYet
        from mininode.kube.client import Kube

        assert self.operator is not None, "the step before left with an error"  # noqa: S101
        if self.operator.idle:
            raise NotThereYet(
                f"Everything is declared, and nobody acts on it: {self.operator.idle}",
                "Nothing was proven. On real machines the same command goes on from here; to see an operator at work on simulated "
                "ones: --cluster rehearsal.",
                reason="Simulated",
            )
        async with await Kube.connect(self.kubeconfig) as kube:
            return await Follower(kube, self.target, self.operator).until_settled(self.timeout)


async def declare(kube: "Kube", site: "SiteConfig", *, anew: bool) -> bool:
    """Apply the EucaimNode; whether that changed anything. `anew` asks for a fresh look whatever the status says."""
    from mininode import __version__
    from mininode.api import API_VERSION, KIND, REQUESTED_AT
    from mininode.cli.version_guard import INSTALLED_BY
    from mininode.kube.resources import EUCAIM_NODES

    body: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": site.name, "namespace": site.namespace},
        "spec": site.node.model_dump(mode="json", by_alias=True, exclude_unset=True),
    }
    before = await kube.get(EUCAIM_NODES, site.name, site.namespace)
    body["metadata"]["annotations"] = {INSTALLED_BY: __version__}
    if wish := _wish(before, anew=anew):
        body["metadata"]["annotations"][REQUESTED_AT] = wish
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

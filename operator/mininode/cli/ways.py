"""Which way to have a cluster: what the person chose, or the default for this computer."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mininode.errors import ConfigError, Mistake, Unavailable

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig
    from mininode.cluster.way import Say, Way


class Cluster(enum.StrEnum):
    """Ways to have a Kubernetes API."""

    REHEARSAL = "rehearsal"
    MINIKUBE = "minikube"
    CURRENT = "current"
    KIND = "kind"


def chosen(option: Cluster | None) -> Cluster:
    """The person's choice, or minikube where a container engine is usable. Raises Unavailable with advice where none is."""
    if option is not None:
        return option
    from mininode.cluster.engine import ADVICE, find_engine

    engine = find_engine()
    if engine.usable:
        return Cluster.MINIKUBE
    raise Unavailable(
        f"No container engine can be used here ({engine.detail}), and a node on this computer needs one.",
        f"{ADVICE[engine.state]} To try an installation without one: --cluster rehearsal.",
        reason="NoContainerEngine",
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Which cluster that is there is meant: options of the command line, for --cluster current only."""

    kubeconfig: Path | None = None
    context: str | None = None


def way_to(cluster: Cluster, site: "SiteConfig", say: "Say", access: Access = Access()) -> "Way":
    """The way, ready to be asked."""
    given = {"--kubeconfig": access.kubeconfig, "--context": access.context}
    if cluster is not Cluster.CURRENT and (surplus := [name for name, value in given.items() if value]):
        advice = "Leave it out, or add --cluster current"
        raise ConfigError([Mistake(name, "has a meaning only with --cluster current", advice) for name in surplus])
    return _WAYS[cluster](site, say, access)


def _current(site: "SiteConfig", say: "Say", access: Access) -> "Way":
    import os

    import platformdirs

    from mininode.cluster.chosen_context import access_file
    from mininode.cluster.current_way import CurrentWay
    from mininode.toolbox.toolbox import Toolbox

    kubectl = Toolbox.from_environment(say=say).get("kubectl").path
    folder = platformdirs.user_state_path("mininode") / "clusters"
    file, context = access_file(kubectl, folder, access.kubeconfig, access.context, os.environ)
    return CurrentWay(site, file, context)


def _kind(site: "SiteConfig", say: "Say", _access: Access) -> "Way":
    import platformdirs

    from mininode.cluster.kind import KindCluster
    from mininode.cluster.kind_way import KindWay, wish_of
    from mininode.toolbox.toolbox import Toolbox

    box = Toolbox.from_environment(say=say)
    cluster = KindCluster(platformdirs.user_state_path("mininode") / "kind", lambda: box.get("kind").path)
    return KindWay(site, cluster, wish_of(site, platformdirs.user_data_path("mininode") / "data"))


def _rehearsal(site: "SiteConfig", say: "Say", _access: Access) -> "Way":
    from mininode.cli.stage import user_rehearsal
    from mininode.cluster.rehearsal_way import RehearsalWay
    from mininode.toolbox.toolbox import Toolbox

    box = Toolbox.from_environment(say=say)
    return RehearsalWay(site, user_rehearsal(say), lambda name: box.get(name).path)


def _minikube(site: "SiteConfig", say: "Say", _access: Access) -> "Way":
    from mininode.cluster.minikube_way import MinikubeWay
    from mininode.toolbox.toolbox import Toolbox

    box = Toolbox.from_environment(say=say)
    return MinikubeWay.of(site, lambda name: box.get(name).path)


_WAYS: "dict[Cluster, Callable[[SiteConfig, Say, Access], Way]]" = {
    Cluster.REHEARSAL: _rehearsal,
    Cluster.MINIKUBE: _minikube,
    Cluster.CURRENT: _current,
    Cluster.KIND: _kind,
}

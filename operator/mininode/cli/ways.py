"""Which way to have a cluster: what the person chose, or the default for this computer."""

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

from mininode.errors import Unavailable

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


def way_to(cluster: Cluster, site: "SiteConfig", say: "Say") -> "Way":
    """The way, ready to be asked. Raises Unavailable for one that this version has not."""
    return _WAYS[cluster](site, say)


def _rehearsal(site: "SiteConfig", say: "Say") -> "Way":
    from mininode.cli.stage import user_rehearsal
    from mininode.cluster.rehearsal_way import RehearsalWay
    from mininode.toolbox.toolbox import Toolbox

    box = Toolbox.from_environment(say=say)
    return RehearsalWay(site, user_rehearsal(say), lambda name: box.get(name).path)


def _not_there(name: str) -> "Callable[[SiteConfig, Say], Way]":
    def refuse(_site: "SiteConfig", _say: "Say") -> "Way":
        raise Unavailable(
            f"This version can't install with --cluster {name} yet.",
            "Use --cluster rehearsal to try everything, or `mininode export` for a cluster that you have.",
            reason="NoSuchWay",
        )

    return refuse


_WAYS: "dict[Cluster, Callable[[SiteConfig, Say], Way]]" = {
    Cluster.REHEARSAL: _rehearsal,
    Cluster.MINIKUBE: _not_there("minikube"),
    Cluster.CURRENT: _not_there("current"),
    Cluster.KIND: _not_there("kind"),
}

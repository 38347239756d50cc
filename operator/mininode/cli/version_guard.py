"""No older mininode works on what a newer one made: its schema, charts and operator may not know what is there."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mininode import __version__
from mininode.api import GROUP
from mininode.cli.target import Target
from mininode.errors import KubeError, NotThereYet

if TYPE_CHECKING:
    from mininode.kube.client import Kube

INSTALLED_BY = f"{GROUP}/installed-by"  # annotation of the EucaimNode: the version that declared it last


async def refuse_downgrade(kubeconfig: Path, wanted: Target) -> str:
    """The version that declared the node last; empty for a first install. Raises NotThereYet when it is newer than this one."""
    from mininode.kube.client import Kube

    async with await Kube.connect(kubeconfig) as kube:
        before = installed_by(await _node(kube, wanted))
    if is_newer(before, __version__):
        raise NotThereYet(
            f"Node {wanted.name} was installed by mininode {before}, and this is {__version__}: an older one does not know what a "
            "newer one made. Nothing was changed.",
            f"Get mininode {before} or later and run the same command with it.",
            reason="Downgrade",
        )
    return before


def installed_by(resource: dict[str, Any] | None) -> str:
    """The version that is written on a node."""
    return str(((resource or {}).get("metadata") or {}).get("annotations", {}).get(INSTALLED_BY, ""))


def is_newer(one: str, other: str) -> bool:
    """Whether the first version is later than the second. What is no version is older than everything."""
    return _numbers(one) > _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


async def _node(kube: "Kube", wanted: Target) -> dict[str, Any] | None:
    from mininode.kube.resources import EUCAIM_NODES

    try:
        return await kube.get(EUCAIM_NODES, wanted.name, wanted.namespace)
    except KubeError as error:
        if error.not_found:  # the resource itself is not known yet
            return None
        raise

"""A cluster whose one machine is a container of this computer's engine, as minikube and kind make it: its folders are made as root.

The data folder of this computer is bound into the machine. A user who may use the engine may be no root here, and is root there.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mininode.cluster.folders import script
from mininode.cluster.way import Progress
from mininode.components.base import Node
from mininode.errors import Unavailable

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

DATA_FOLDER = "/var/hostpath-provisioner"  # in the machine: minikube's own place for volumes, and kind's by our file


def on_folder(site: "SiteConfig") -> "SiteConfig":
    """The site with its data in the machine's data folder, unless it says itself where its data lies."""
    storage = site.node.storage
    if storage.host_path or storage.class_name:
        return site
    changed = storage.model_copy(update={"host_path": DATA_FOLDER})
    # `model_copy` notes the field as set, and what is declared is what was set.
    return site.model_copy(update={"node": site.node.model_copy(update={"storage": changed})})


def make_folders(
    engine: str, machine: str, node: Node, progress: Progress, environment: Mapping[str, str] = os.environ
) -> None:
    """Make the folders of the node's data in the machine, with their owners. Raises Unavailable with what was in the way."""
    program = shutil.which(engine, path=environment.get("PATH", os.defpath))
    if program is None:
        raise Unavailable(f"there is no program {engine}", "Install it, or put it on your PATH.", reason="NoContainerEngine")
    try:
        done = subprocess.run(  # noqa: S603 - the engine from PATH
            [program, "exec", "--interactive", "--user", "0", machine, "sh"],
            input=script(node), capture_output=True, text=True, timeout=progress.left, check=False, env=dict(environment),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"the folders of the node's data were not made within {progress.left:.0f} s",
            f"Is the disk busy, or a network disk away? See with: {engine} exec {machine} ls {node.spec.storage.host_path}",
            reason="NoAnswer",
        ) from error
    for line in done.stdout.splitlines():
        progress.say(line.removeprefix("folders: "))
    if done.returncode != 0:
        lines = [line.strip().removeprefix("folders: ") for line in done.stderr.splitlines() if line.strip()]
        raise Unavailable(
            f"the folders of the node's data can't be made: {lines[-1] if lines else f'exit code {done.returncode}'}",
            "Nothing in them was changed. docs/components/storage.md says which folders there are and whose.",
            reason="Folders",
        )

"""The script that makes the folders of a node's data. Whoever has root on the machine runs it: a way of install, or a person."""

import shlex
from pathlib import Path

from mininode.components.base import Node
from mininode.components.volumes import KEEP, KEEP_USER, in_bytes, root, size, volumes

_SCRIPT = Path(__file__).with_name("folders.sh")


def script(node: Node) -> str:
    """A shell script that makes the folders for a node with `storage.hostPath`; nothing secret is in it."""
    wishes = [
        f"{volume.name}:{volume.user}:{volume.mode}:{in_bytes(size(node, volume))}"
        for _, volume in volumes(node).values()
    ]
    wishes.append(f"{KEEP}:{KEEP_USER}:0700:0")
    arguments = shlex.join([root(node), f"{node.namespace} {node.name}", *wishes])
    return f"#!/bin/sh\nset -- {arguments}\n{_SCRIPT.read_text(encoding='utf-8')}"

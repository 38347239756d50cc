"""Pinned tools (kubectl, helm, minikube, a control plane): found, downloaded with checksum, or built."""

from mininode.toolbox.model import Origin, Tool
from mininode.toolbox.toolbox import Toolbox

__all__ = ["Origin", "Tool", "Toolbox"]

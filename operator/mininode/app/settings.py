"""Settings of the operator process, from its environment. Everything about a node is in the node's spec."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from mininode.engine.pace import USUAL, Pace


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator process is told from outside."""

    kubeconfig: Path | None = None
    """Access file of the cluster; None: the pod's own service account. Variable KUBECONFIG."""

    helm: Path = Path("helm")
    """Helm's binary. Variable MININODE_TOOL_HELM."""

    helm_processes: int = 3
    """Most Helm processes at a time: 47 MiB each. Variable MININODE_HELM_PROCESSES."""

    port: int | None = None
    """Port of /metrics, /livez and /readyz; 0: a free one, None: no server. Variable MININODE_PORT."""

    namespace: str = "mininode-system"
    """Where the operator's Lease lies. Variable MININODE_NAMESPACE."""

    keep: Path | None = None
    """Folder of the machine that holds a copy of the nodes' credentials; None: no copy. Variable MININODE_KEEP."""

    log_format: str = "plain"
    """`plain` for people, `json` for collectors. Variable MININODE_LOG_FORMAT."""

    pace: Pace = USUAL
    """How often is tried, and how long waited (engine/pace.py). A variable a figure: MININODE_RETRY_LIMIT,
    MININODE_RETRY_FIRST, MININODE_RETRY_LAST, MININODE_GATE_DEADLINE, MININODE_PROBE_FIRST, MININODE_PROBE_LAST,
    MININODE_PROBE_AGAIN, MININODE_RESYNC, MININODE_CHECK_AGAIN; times in seconds."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables named above. Raises ValueError for a number that is none."""
        kubeconfig, port = environment.get("KUBECONFIG"), environment.get("MININODE_PORT")
        return cls(
            kubeconfig=Path(kubeconfig) if kubeconfig else None,
            helm=Path(environment.get("MININODE_TOOL_HELM", "helm")),
            helm_processes=int(environment.get("MININODE_HELM_PROCESSES", "3")),
            port=int(port) if port else None,
            namespace=environment.get("MININODE_NAMESPACE", "mininode-system"),
            keep=Path(environment["MININODE_KEEP"]) if environment.get("MININODE_KEEP") else None,
            log_format=environment.get("MININODE_LOG_FORMAT", "plain"),
            pace=_pace(environment),
        )


def _pace(environment: Mapping[str, str]) -> Pace:
    """The figures that the environment gives, each of its own type; the others as they are."""
    given = {one.name: environment.get(f"MININODE_{one.name.upper()}") for one in fields(Pace)}
    return Pace(**{name: type(getattr(USUAL, name))(text) for name, text in given.items() if text})

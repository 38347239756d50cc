"""Which node a command speaks to: the one of the last `mininode install`, unless options say otherwise."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from mininode.errors import Unavailable

KubeconfigOption = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig", help="Access file of the cluster. Default: the one of the last install, else $KUBECONFIG."
    ),
]
NamespaceOption = Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace of the node.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Name of the node.")]


@dataclass(frozen=True, slots=True)
class Target:
    """A node and the way to its cluster."""

    kubeconfig: str
    namespace: str
    name: str


def _file() -> Path:
    return platformdirs.user_state_path("mininode") / "target.json"


def remember(target: Target) -> None:
    """Make `target` what later commands speak to."""
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(asdict(target)))
    new.replace(file)


def target(kubeconfig: Path | None, namespace: str | None, name: str | None) -> Target:
    """The node meant by the options. Raises Unavailable when there is nothing to go by."""
    known = _remembered()
    file = kubeconfig or (Path(known.kubeconfig) if known else None) or _from_environment()
    if file is None:
        raise Unavailable(
            "It is not known which cluster is meant.",
            "Run `mininode install` first, or name the cluster's access file with --kubeconfig.",
            reason="NoTarget",
        )
    return Target(
        str(file),
        namespace or (known.namespace if known else "eucaim-node"),
        name or (known.name if known else "node"),
    )


def reachable(wanted: Target) -> Target:
    """The target, once it is clear that there is a cluster to speak to. Raises Unavailable with what to type first."""
    from mininode.cluster.rehearsal import Rehearsal, default_home

    file = Path(wanted.kubeconfig)
    if not file.exists():
        raise Unavailable(
            f"There is no access file {file}.", "Name the cluster's access file with --kubeconfig.", reason="NoAccessFile"
        )
    stage = Rehearsal(default_home(), lambda _name: file)  # no program is started, so none is looked for
    if file == stage.kubeconfig and not stage.runs("kube-apiserver"):
        raise Unavailable("The rehearsal is stopped.", "Start it with `mininode rehearsal start`.", reason="RehearsalStopped")
    return wanted


def _remembered() -> Target | None:
    try:
        return Target(**json.loads(_file().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _from_environment() -> Path | None:
    text = os.environ.get("KUBECONFIG")
    return Path(text) if text else None

"""`mininode status`: how the node is, from its own status."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mininode.awaiting import awaited
from mininode.cli.output import Output, OutputOption
from mininode.cli.target import KubeconfigOption, NameOption, NamespaceOption, Target, reachable, target
from mininode.errors import Exit, NotThereYet

if TYPE_CHECKING:
    from mininode.api.status import NodeStatus


def status(
    output: OutputOption = Output.TEXT,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Show how the node is: one line a component, and what was proven.

    Exit code 0: every gate holds, or the rehearsal is complete. 3: not (yet). Example: mininode status -o json
    """
    wanted = reachable(target(kubeconfig, namespace, name))
    resource = awaited(fetch(wanted))
    if output is Output.JSON:
        typer.echo(json.dumps(_answer(resource), indent=2))
    elif output is Output.YAML:
        import yaml

        typer.echo(yaml.safe_dump(_answer(resource), sort_keys=False), nl=False)
    else:
        _print(wanted, resource)
    if not settled(resource):
        raise typer.Exit(Exit.NOT_THERE_YET)


async def fetch(wanted: Target) -> dict[str, Any]:
    """The node's resource. Raises NotThereYet when there is none."""
    from mininode.kube.client import Kube
    from mininode.kube.resources import EUCAIM_NODES

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        resource = await kube.get(EUCAIM_NODES, wanted.name, wanted.namespace)
    if resource is None:
        raise NotThereYet(
            f"There is no node {wanted.name} in namespace {wanted.namespace}.",
            "Make one with `mininode install`.",
            reason="NoNode",
        )
    return resource


def settled(resource: dict[str, Any]) -> bool:
    """Whether the status is about the present spec and says Ready, or Rehearsed."""
    from mininode.api.conditions import READY, REHEARSED
    from mininode.api.status import NodeStatus, Truth

    found = NodeStatus.model_validate(resource.get("status") or {})
    if not fresh(resource, found) or resource["metadata"].get("deletionTimestamp"):
        return False
    return any(
        condition is not None and condition.status is Truth.TRUE
        for condition in (found.condition(READY), found.condition(REHEARSED))
    )


def fresh(resource: dict[str, Any], found: "NodeStatus") -> bool:
    """Whether the operator has seen the present spec and the last wish for a new start."""
    from mininode.api import REQUESTED_AT

    requested = (resource["metadata"].get("annotations") or {}).get(REQUESTED_AT, "")
    return bool(
        found.observed_generation == resource["metadata"]["generation"] and found.last_handled_reconcile_at == requested
    )


def _answer(resource: dict[str, Any]) -> dict[str, Any]:
    meta = resource["metadata"]
    return {
        "name": meta["name"],
        "namespace": meta["namespace"],
        "generation": meta["generation"],
        "settled": settled(resource),
        "spec": resource.get("spec") or {},
        "status": resource.get("status") or {},
    }


def _print(wanted: Target, resource: dict[str, Any]) -> None:
    from mininode.api.conditions import CERTIFICATE, ROOM
    from mininode.api.status import NodeStatus, Truth
    from mininode.cli.screen import fitted, lines, verdict, wrapped

    found = NodeStatus.model_validate(resource.get("status") or {})
    spec = resource["spec"]
    typer.echo(
        f"Node {wanted.name} in namespace {wanted.namespace}: profile {spec['profile']}, https://{spec['domain']}"
    )
    width = max((len(component.name) for component in found.components), default=0)
    for line, component in zip(lines(found), found.components, strict=True):
        revision = f"revision {component.revision}" if component.revision else "no release"
        typer.echo(fitted(f"  {line.mark} {line.name:<{width}}  {line.state:<12} {revision:<12} ", line.message))
    for kept in found.kept:
        typer.echo(f"  kept: {kept}")
    for kind in (CERTIFICATE, ROOM):
        if (trouble := found.condition(kind)) is not None and trouble.status is Truth.FALSE:
            typer.echo(wrapped(f"! {trouble.message}"))
    if fresh(resource, found):
        typer.echo(wrapped(verdict(found)))
    else:
        typer.echo("The operator has not looked at the newest spec yet.")

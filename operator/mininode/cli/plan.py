"""`mininode plan`: what an install would change, without changing anything."""

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mininode.awaiting import awaited
from mininode.cli.output import Output, OutputOption
from mininode.cli.target import KubeconfigOption, NameOption, NamespaceOption, Target, reachable, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mininode.api.config import SiteConfig
    from mininode.engine.preview import Change

_IN_TIME = 5.0  # s that the first screen of an install waits for what would change

# Values hold no secrets by design; a name like these is masked all the same, in case somebody put one there.
_SECRET = re.compile(r"pass(word|wd|phrase)?|secret|token|private|credential", re.IGNORECASE)


def plan(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Configuration file. Default: config.yaml if it is there, else the node as declared."
        ),
    ] = None,
    output: OutputOption = Output.TEXT,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Show what an install would change; change nothing. Values that could be secrets are masked.

    Example: mininode plan --config config.yaml
    """
    changes = awaited(_asked(config, kubeconfig, namespace, name))
    answer = [_plain(change) for change in changes]
    if output is Output.JSON:
        typer.echo(json.dumps(answer, indent=2))
    elif output is Output.YAML:
        import yaml

        typer.echo(yaml.safe_dump(answer, sort_keys=False), nl=False)
    else:
        for line in _lines(answer):
            typer.echo(line)
        todo = sum(not change.nothing for change in changes)
        typer.echo(f"{todo} of {len(changes)} components would change." if todo else "Nothing would change.")


def before_an_install(site: "SiteConfig") -> list[str]:
    """What an install would change in the node that is there, for its first screen; empty where nothing can be asked in time."""
    from mininode.errors import MininodeError

    try:
        wanted = reachable(target(None, site.namespace, site.name))
        changes = awaited(asyncio.wait_for(_changes(site, wanted), _IN_TIME))
    except (MininodeError, TimeoutError):
        return []  # the steps that follow say what is wrong, where it matters
    todo = [change for change in changes if not change.nothing]
    if not todo:
        return ["  nothing differs from what is installed"]
    return [f"  {len(todo)} of {len(changes)} components would change:", *_lines([_plain(change) for change in todo])]


def _lines(answer: list[dict[str, Any]]) -> "Iterator[str]":
    from mininode.cli.screen import fitted

    for one in answer:
        yield fitted(f"  {one['component']:<16} {one['action']:<10} ", one["because"])
        for difference in one["values"]:
            yield fitted("      ", f"{difference['path']}: {difference['before']} → {difference['after']}", 8)
        for sentence in one["realm"]:
            yield fitted("      ", sentence, 8)


def _plain(change: "Change") -> dict[str, Any]:
    def shown(path: str, value: Any) -> str:
        if value is None:
            return "(none)"
        return "(masked)" if _SECRET.search(path) else json.dumps(value)

    return {
        "component": change.component,
        "action": change.action.value,
        "because": change.because,
        "changes": not change.nothing,
        "values": [
            {"path": one.path, "before": shown(one.path, one.before), "after": shown(one.path, one.after)}
            for one in change.differences
        ],
        "realm": list(change.realm),
    }


async def _asked(config: Path | None, kubeconfig: Path | None, namespace: str | None, name: str | None) -> "tuple[Change, ...]":
    from mininode.cli.config_file import DEFAULT, read_config

    file = config or (DEFAULT if DEFAULT.exists() else None)
    site = read_config(file) if file else None
    wanted = reachable(target(kubeconfig, namespace or (site.namespace if site else None), name or (site.name if site else None)))
    return await _changes(site, wanted)


async def _changes(site: "SiteConfig | None", wanted: Target) -> "tuple[Change, ...]":
    """What would change in the node for this configuration, or for what is declared."""
    from mininode.app.settings import Settings
    from mininode.app.wiring import build_engine
    from mininode.cli.forward import way_to_keycloak
    from mininode.engine.preview import preview
    from mininode.errors import NotThereYet
    from mininode.kube.resources import EUCAIM_NODES

    engine = await build_engine(Settings(kubeconfig=Path(wanted.kubeconfig)))
    try:
        resource = await engine.kube.get(EUCAIM_NODES, wanted.name, wanted.namespace) or {}
        if site is not None:
            meta = {"name": wanted.name, "namespace": wanted.namespace}
            resource = {
                **resource,
                "metadata": meta,
                "spec": site.node.model_dump(mode="json", by_alias=True, exclude_unset=True),
            }
        elif not resource:
            raise NotThereYet(
                f"There is no node {wanted.name} in namespace {wanted.namespace}.",
                "Name a configuration with --config.",
                reason="NoNode",
            )
        return await preview(engine, resource, lambda node: way_to_keycloak(node, Path(wanted.kubeconfig)))
    finally:
        await engine.kube.close()

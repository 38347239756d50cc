"""`mininode credentials`: the node's passwords and secrets. Listed without values, shown to a terminal only, changed everywhere."""

import asyncio
import enum
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mininode.awaiting import awaited
from mininode.cli.output import Output, OutputOption
from mininode.cli.target import KubeconfigOption, NameOption, NamespaceOption, Target, reachable, target
from mininode.errors import ConfigError, Mistake, NotThereYet

if TYPE_CHECKING:
    from mininode.components.base import Component, Credential, Node
    from mininode.kube.client import Kube

app = typer.Typer(no_args_is_help=True, help="The node's passwords and secrets: list, show, change, bring.")

CredentialArgument = Annotated[str, typer.Argument(help="The credential, as `mininode credentials list` calls it.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Answer the question whether to go on with yes.")]
WaitOption = Annotated[float, typer.Option("--timeout", help="Seconds to wait until it is done; 0: do not wait.", min=0)]
_LOOK = 1.0  # s between two looks while waiting


class State(enum.StrEnum):
    """How a credential is."""

    THERE = "there"
    MISSING = "missing"
    CHANGING = "being changed"


@app.command("list")
def list_(
    output: OutputOption = Output.TEXT,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """List the node's credentials: whose each is, who compares it, since when it is there. Never a value.

    Example: mininode credentials list
    """
    found = awaited(_listed(reachable(target(kubeconfig, namespace, name))))
    if output is Output.JSON:
        typer.echo(json.dumps(found, indent=2))
    elif output is Output.YAML:
        import yaml

        typer.echo(yaml.safe_dump(found, sort_keys=False), nl=False)
    else:
        from mininode.cli.screen import fitted

        columns = ("name", "component", "state")
        wide = {key: max((len(one[key]) for one in found), default=0) for key in columns}
        for one in found:
            row = "  ".join(f"{one[key]:<{wide[key]}}" for key in columns)
            typer.echo(fitted(f"  {row}  {one['since'][:10]:<10}  ", one["checkedBy"]))


@app.command()
def show(
    credential: CredentialArgument,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Show a credential's values, to a terminal and nowhere else.

    Example: mininode credentials show guacamole-admin
    """
    if not sys.stdout.isatty():
        advice = "Programs read the Secret itself, with the rights that the cluster gives them: kubectl get secret"
        raise ConfigError([Mistake(credential, "a value is shown to a terminal only", advice)])
    for key, text in awaited(_values(reachable(target(kubeconfig, namespace, name)), credential)).items():
        typer.echo(f"{key}: {text}")


@app.command()
def rotate(
    credential: CredentialArgument,
    yes: YesOption = False,
    timeout: WaitOption = 600.0,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Give a credential a fresh value, everywhere it is held. What uses it is started again.

    Stopped anywhere, it goes on by itself. Example: mininode credentials rotate postgresql-guacamole
    """
    wanted = reachable(target(kubeconfig, namespace, name))
    _confirmed(f"Change {credential} of node {wanted.name}? What uses it is started again.", yes=yes)
    awaited(_change(wanted, credential, None, timeout))


@app.command("import")
def import_(
    credential: CredentialArgument,
    from_file: Annotated[Path | None, typer.Option("--from-file", help="File whose first line is the value.")] = None,
    from_env: Annotated[str | None, typer.Option("--from-env", help="Environment variable that holds the value.")] = None,
    username: Annotated[
        str | None, typer.Option("--username", help="With keycloak-admin: the administrator of a Keycloak that was there before.")
    ] = None,
    yes: YesOption = False,
    timeout: WaitOption = 600.0,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Give a credential a value of your own: from a file, a variable, or typed in unseen.

    One that is there already is changed everywhere it is held.

    Example: mininode credentials import guacamole-admin --from-file password.txt
    """
    value = _given(credential, from_file, from_env)
    wanted = reachable(target(kubeconfig, namespace, name))
    _confirmed(f"Give {credential} of node {wanted.name} this value?", yes=yes)
    awaited(_change(wanted, credential, {"": value} | ({"username": username} if username else {}), timeout))


def _confirmed(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError([Mistake("--yes", "there is no terminal to ask on", "Add --yes to go on")])
    typer.confirm(question, abort=True)


def _given(credential: str, from_file: Path | None, from_env: str | None) -> str:
    """The value, from the one place that was named. Never an argument: those are seen by everybody on the machine."""
    if from_file and from_env:
        raise ConfigError([Mistake("--from-env", "a value has one source", "Name --from-file or --from-env, not both")])
    if from_file:
        try:
            text = from_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError([Mistake(str(from_file), f"it can't be read: {type(error).__name__}", "")]) from error
    elif from_env:
        text = os.environ.get(from_env, "")
    elif sys.stdin.isatty():
        text = str(typer.prompt(f"Value of {credential}", hide_input=True, confirmation_prompt=True))
    else:
        raise ConfigError([Mistake(credential, "there is no terminal to type a value on", "Use --from-file or --from-env")])
    if not text.isascii() or not text.isprintable() or text != text.strip() or not text:
        advice = "Letters, digits and signs of ASCII, without blanks at the ends: it has to pass through addresses, shells and SQL"
        raise ConfigError([Mistake(credential, "the value is empty or has signs that not everything takes", advice)])
    return text


async def _change(wanted: Target, name: str, given: dict[str, str] | None, timeout: float) -> None:
    from mininode.components.base import Checked
    from mininode.credentials.store import new_secret, next_name, next_secret
    from mininode.kube.client import Kube
    from mininode.kube.resources import SECRETS

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        node = await _node(kube, wanted)
        component, credential = _known(node, name)
        if given is None and credential.checked is Checked.OPERATOR:
            advice = f"Give the client a new secret in Keycloak's realm master, then: mininode credentials import {name}"
            raise ConfigError([Mistake(name, "the operator may not change its own account at Keycloak", advice)])
        if given is not None:
            given = {credential.generated[0].key: given.pop(""), **given}
            if "username" in given and credential.checked is not Checked.FIRST_START:
                raise ConfigError([Mistake("--username", f"the user name of {name} is fixed", "Leave it out")])
        if await kube.get_metadata(SECRETS, name, wanted.namespace) is None:
            if given is None:
                raise NotThereYet(f"{name} is not there yet.", "The operator makes it with its component.", reason="NoCredential")
            await kube.create(SECRETS, new_secret(node, component.name, credential, given), wanted.namespace)
            typer.echo(f"{name} was made with the value that you gave.")
            return
        if await kube.create(SECRETS, next_secret(node, component.name, credential, given), wanted.namespace) is None:
            typer.echo(f"{name} is being changed already: that goes on first.")
        await _until_changed(kube, wanted, next_name(name), timeout)
        typer.echo(f"{name} was changed everywhere it is held.")


async def _until_changed(kube: "Kube", wanted: Target, name: str, timeout: float) -> None:
    from mininode.kube.resources import SECRETS

    typer.echo("The operator changes it everywhere it is held. Stopped here, it goes on by itself.")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while await kube.get_metadata(SECRETS, name, wanted.namespace) is not None:
        if loop.time() >= deadline:
            advice = "Is an operator at work, and what stands in its way? `mininode status` and the node's events tell"
            raise NotThereYet(f"{name.removesuffix('.next')} is still being changed.", advice, reason="Rotating")
        await asyncio.sleep(_LOOK)


async def _values(wanted: Target, name: str) -> dict[str, str]:
    from mininode.engine.credentials import values
    from mininode.kube.client import Kube

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        node = await _node(kube, wanted)
        _known(node, name)
        found = await values(kube, node, name)
    if not found:
        raise NotThereYet(f"{name} is not there yet.", "The operator makes it with its component.", reason="NoCredential")
    return found


async def _listed(wanted: Target) -> list[dict[str, Any]]:
    from mininode.credentials.contract import of_node
    from mininode.credentials.store import next_name
    from mininode.kube.client import Kube
    from mininode.kube.resources import SECRETS

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        node = await _node(kube, wanted)
        made = {
            one["metadata"]["name"]: one["metadata"]["creationTimestamp"]
            for one in await kube.list_metadata(SECRETS, wanted.namespace)
        }
    return [
        {
            "name": one.name,
            "component": component.name,
            "state": (State.CHANGING if next_name(one.name) in made else State.THERE if one.name in made else State.MISSING).value,
            "since": made.get(one.name, ""),
            "checkedBy": one.checked.value,
        }
        for component, one in of_node(node)
    ]


def _known(node: "Node", name: str) -> "tuple[Component, Credential]":
    from mininode.credentials.contract import of_node

    found = {one.name: (component, one) for component, one in of_node(node)}
    if name not in found:
        raise ConfigError([Mistake(name, "the node has no credential of this name", f"There are {', '.join(found)}")])
    return found[name]


async def _node(kube: "Kube", wanted: Target) -> "Node":
    """The node as its components see it."""
    from dataclasses import replace

    from mininode.api.config import parse_spec
    from mininode.components.base import Node
    from mininode.components.registry import all_components
    from mininode.kube.resources import EUCAIM_NODES
    from mininode.planning.plan import enabled

    resource = await kube.get(EUCAIM_NODES, wanted.name, wanted.namespace)
    if resource is None:
        raise NotThereYet(
            f"There is no node {wanted.name} in namespace {wanted.namespace}.", "Make one with `mininode install`.", reason="NoNode"
        )
    components = all_components()
    node = Node(wanted.name, wanted.namespace, parse_spec(resource["spec"], tuple(components)))
    on = enabled(node, components)
    return replace(node, on=tuple(on[one] for one in sorted(on)))

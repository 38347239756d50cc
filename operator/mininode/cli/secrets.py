"""`mininode secrets`: puts what a site brings (a certificate, a mail password) into the Secrets that its configuration names.

No value is ever an argument: arguments are seen by everybody on the computer.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mininode.awaiting import awaited
from mininode.cli.output import Output, OutputOption
from mininode.cli.target import KubeconfigOption, NameOption, NamespaceOption, Target, reachable, target
from mininode.errors import ConfigError, Exit, Mistake, NotThereYet

if TYPE_CHECKING:
    from mininode.kube.client import Kube

app = typer.Typer(no_args_is_help=True, help="Secrets that you bring: certificates, passwords of other systems.")

MAX_BYTES = 256 * 1024  # the API server takes a Secret of 1 MiB; what people bring is a key or a password


@dataclass(frozen=True, slots=True)
class Reference:
    """A key of a Secret that the node's spec names."""

    field: str  # node.tls.certificateRef
    name: str
    key: str


@app.command("set")
def set_(
    secret: Annotated[str, typer.Argument(metavar="NAME", help="The Secret, as the configuration names it.")],
    key: Annotated[str, typer.Argument(help="The key inside it.")],
    from_file: Annotated[Path | None, typer.Option("--from-file", help="File that holds the value, as it is.")] = None,
    from_env: Annotated[str | None, typer.Option("--from-env", help="Environment variable that holds the value.")] = None,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Put a value into a Secret of the node's namespace: from a file, a variable, or typed in unseen.

    Other keys of the Secret stay. Example: mininode secrets set node-certificate tls.key --from-file key.pem
    """
    _check_names(secret, key)
    value = _value(secret, key, from_file, from_env)
    wanted = reachable(target(kubeconfig, namespace, name))
    new = awaited(_put(wanted, secret, key, value))
    typer.echo(f"Secret {secret} in namespace {wanted.namespace}: {key} is {'there' if new else 'changed'} ({len(value)} bytes).")


@app.command("list")
def list_(
    output: OutputOption = Output.TEXT,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """List the Secrets that the node's spec names, and whether each is there. Never a value.

    Exit code 3: one is missing. Example: mininode secrets list
    """
    wanted = reachable(target(kubeconfig, namespace, name))
    found = awaited(_looked_up(wanted))
    rows = [{"field": one.field, "secret": one.name, "key": one.key, "there": there} for one, there in found]
    if output is Output.JSON:
        typer.echo(json.dumps(rows, indent=2))
    elif output is Output.YAML:
        import yaml

        typer.echo(yaml.safe_dump(rows, sort_keys=False), nl=False)
    else:
        for one, there in found:
            command = "" if there else f"  mininode secrets set {one.name} {one.key} --from-file FILE"
            typer.echo(f"  {'✓' if there else '✗'} {one.field}: key {one.key} of Secret {one.name}{command}")
        if not found:
            typer.echo("The node's spec names no Secret.")
    if any(not there for _, there in found):
        raise typer.Exit(Exit.NOT_THERE_YET)


def references(spec: Mapping[str, Any], path: str = "spec") -> Iterator[Reference]:
    """Every Secret that a spec names, with the field that names it."""
    for key, value in spec.items():
        here = f"{path}.{key}"
        if isinstance(value, Mapping):
            if key.endswith("Ref") and {"name", "key"} <= value.keys():
                yield Reference(here, str(value["name"]), str(value["key"]))
            else:
                yield from references(value, here)
        elif isinstance(value, list):
            for number, one in enumerate(value):
                if isinstance(one, Mapping):
                    yield from references(one, f"{here}[{number}]")


def _check_names(secret: str, key: str) -> None:
    import re

    from mininode.api.model import KEY_PATTERN, NAME_PATTERN

    found = []
    if not re.fullmatch(NAME_PATTERN, secret):
        found.append(Mistake("NAME", f"{secret!r} is no name of a Secret", "Small letters, digits and '-'"))
    if not re.fullmatch(KEY_PATTERN, key):
        found.append(Mistake("KEY", f"{key!r} is no key of a Secret", "Letters, digits, '-', '_' and '.'"))
    if found:
        raise ConfigError(found)


def _value(secret: str, key: str, from_file: Path | None, from_env: str | None) -> bytes:
    if from_file and from_env:
        raise ConfigError([Mistake("--from-env", "a value has one source", "Name --from-file or --from-env, not both")])
    if from_file:
        value = _content(from_file)
    elif from_env:
        value = os.environ.get(from_env, "").encode()
    elif sys.stdin.isatty():
        value = str(typer.prompt(f"Value of {key} in {secret}", hide_input=True, confirmation_prompt=True)).encode()
    else:
        advice = "Use --from-file or --from-env, or run it on a terminal"
        raise ConfigError([Mistake(key, "there is no terminal to type a value on", advice)])
    if not value:
        raise ConfigError([Mistake(from_env or str(from_file or key), "the value is empty", "Check where it comes from")])
    _check_pem(key, value)
    return value


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            value = opened.read(MAX_BYTES + 1)
    except OSError as error:
        advice = "Name a file that you may read"
        raise ConfigError([Mistake("--from-file", f"{file} can't be read: {error.strerror}", advice)]) from error
    if len(value) > MAX_BYTES:
        raise ConfigError([Mistake("--from-file", f"{file} is larger than {MAX_BYTES // 1024} KiB", "Is it the right file?")])
    return value


def _check_pem(key: str, value: bytes) -> None:
    """A certificate and a key are mixed up easily, and the mistake shows up far from here."""
    private = b"PRIVATE KEY-----" in value
    if key.endswith(".crt") and (private or b"-----BEGIN CERTIFICATE-----" not in value):
        problem = "this is a private key" if private else "this is no certificate in PEM"
        raise ConfigError([Mistake(key, problem, "Name the certificate's file, with its chain")])
    if key == "tls.key" and not private:
        raise ConfigError([Mistake(key, "this is no private key in PEM", "Name the key's file")])


async def _put(wanted: Target, secret: str, key: str, value: bytes) -> bool:
    """Whether the key was not there before."""
    import base64

    from mininode.api import NODE_LABEL
    from mininode.kube.client import Kube
    from mininode.kube.resources import NAMESPACES, SECRETS

    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        if await kube.get(NAMESPACES, wanted.namespace) is None:
            raise NotThereYet(
                f"There is no namespace {wanted.namespace} yet.",
                "Begin with `mininode install`, which makes it.",
                reason="NoNamespace",
            )
        before = await kube.get(SECRETS, secret, wanted.namespace)
        data = {**((before or {}).get("data") or {}), key: base64.b64encode(value).decode()}
        if before is None:
            meta = {"name": secret, "namespace": wanted.namespace, "labels": {NODE_LABEL: wanted.name}}
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "data": data}
            await kube.create(SECRETS, body, wanted.namespace)
        else:
            await kube.merge(SECRETS, secret, {"data": {key: data[key]}}, wanted.namespace)
        return key not in ((before or {}).get("data") or {})


async def _looked_up(wanted: Target) -> list[tuple[Reference, bool]]:
    from mininode.cli.status import fetch
    from mininode.kube.client import Kube

    resource = await fetch(wanted)
    async with await Kube.connect(Path(wanted.kubeconfig)) as kube:
        return [(one, await _there(kube, wanted, one)) for one in references(resource.get("spec") or {})]


async def _there(kube: "Kube", wanted: Target, one: Reference) -> bool:
    from mininode.kube.resources import SECRETS

    found = await kube.get(SECRETS, one.name, wanted.namespace)
    return bool(found and one.key in (found.get("data") or {}))

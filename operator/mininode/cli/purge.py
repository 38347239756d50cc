"""`mininode uninstall --purge`: also what an uninstall keeps. Lists what dies, wants the node's name, goes on past faults."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mininode.cli.target import Target
from mininode.errors import ConfigError, KubeError, MininodeError, Mistake, NotThereYet

if TYPE_CHECKING:
    from mininode.kube.client import Kube, Object
    from mininode.kube.resources import Resource

_LOOK = 0.5  # s between two looks at what is going
_GOING = 60.0  # s that claims may take: Kubernetes holds them until no pod uses them


@dataclass(slots=True)
class Doomed:
    """What a purge takes, as it was found."""

    node: bool = False
    secrets: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    volumes: dict[str, str] = field(default_factory=dict)  # name -> folder of the machine; empty when the class holds the data
    copy: str = ""  # file of the machine with a copy of the passwords; empty where none is kept
    rest: list[str] = field(default_factory=list)  # Helm's records and objects of releases: "Deployment keycloak"

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to take."""
        return not (self.node or self.secrets or self.claims or self.volumes or self.rest)

    def lines(self) -> list[str]:
        """For people: what dies, and what they have to delete themselves."""
        where = f"of which {self.copy} has a copy" if self.copy else "that are nowhere else"
        found = [f"Secret {name}: passwords and keys {where}" for name in self.secrets]
        found += [f"PersistentVolumeClaim {name}: its data" for name in self.claims]
        found += [
            f"PersistentVolume {name}" + (f" (its files stay in {path})" if path else ": its data")
            for name, path in self.volumes.items()
        ]
        if self.rest:
            found.append(f"{len(self.rest)} objects of its software")
        return found


def agree(wanted: Target, purge_node: str | None) -> None:
    """Raise unless the node's name was given, as an option or typed. Nothing was changed yet."""
    if purge_node is None and not sys.stdin.isatty():
        advice = f"Type it on a terminal, or give --purge-node {wanted.name} if you mean it"
        raise ConfigError([Mistake("--purge", "it destroys data, and there is no terminal to type the node's name on", advice)])
    said = purge_node if purge_node is not None else str(typer.prompt(f"Type the node's name ({wanted.name}) to destroy all of it"))
    if said.strip() != wanted.name:
        where = "--purge-node" if purge_node is not None else "the name"
        raise ConfigError([Mistake(where, f"{said!r} is not {wanted.name!r}: nothing was removed", "Type the node's name exactly")])


async def doomed(kube: "Kube", wanted: Target) -> Doomed:
    """What is there to take. Reads only."""
    from mininode.api import NO_RELEASES, NODE_LABEL, RELEASES
    from mininode.kube.resources import CLAIMS, EUCAIM_NODES, SECRETS

    label = f"{NODE_LABEL}={wanted.name}"
    secrets = await kube.list_metadata(SECRETS, wanted.namespace, labels=f"{label},{NO_RELEASES}")
    claims = await kube.list_metadata(CLAIMS, wanted.namespace, labels=label)
    records = await kube.list_metadata(SECRETS, wanted.namespace, labels=f"{label},{RELEASES}")
    found = Doomed(
        node=await _there(kube, EUCAIM_NODES, wanted),
        secrets=sorted(one["metadata"]["name"] for one in secrets),
        claims=sorted(one["metadata"]["name"] for one in claims),
        rest=[f"Secret {one['metadata']['name']}" for one in records],
    )
    volumes = await _all_volumes(kube)
    found.volumes = _bound(volumes, wanted, found.claims)
    found.copy = _copy(volumes, wanted)
    for kind, resource in _swept().items():
        objects = await kube.list_metadata(resource, wanted.namespace, labels=label)
        found.rest += [f"{kind} {one['metadata']['name']}" for one in objects]
    return found


async def destroy(kube: "Kube", wanted: Target, doomed_now: Doomed, uninstall: Callable[[], Awaitable[None]]) -> None:
    """Take everything. What fails is told at the end (NotThereYet); what does not is gone by then. May be run again."""
    from mininode.kube.resources import CLAIMS, PERSISTENT_VOLUMES, SECRETS

    failed: list[str] = []

    async def tried(what: str, deed: Awaitable[Any]) -> None:
        try:
            await deed
        except (MininodeError, TimeoutError) as error:
            failed.append(f"{what}: {getattr(error, 'message', None) or 'the time was up'}")

    await tried("the software", uninstall())
    await tried("the resource", _let_go(kube, wanted))
    await tried("what is left of the software", _sweep(kube, wanted))
    for name in doomed_now.claims:
        await tried(f"PersistentVolumeClaim {name}", kube.delete(CLAIMS, name, wanted.namespace))
    await tried("claims", _until_no_claims(kube, wanted, doomed_now.claims))
    for name in doomed_now.volumes:
        await tried(f"PersistentVolume {name}", kube.delete(PERSISTENT_VOLUMES, name))
    # Last: as long as a database is there, its passwords are the only way to it.
    if not failed:
        for name in doomed_now.secrets:
            await tried(f"Secret {name}", kube.delete(SECRETS, name, wanted.namespace))
    if failed:
        raise NotThereYet(
            f"Not everything could be removed: {'; '.join(failed)}.",
            "The passwords were kept. Put right what is named above and run the same command again.",
            reason="PurgeIncomplete",
        )


def files_left(found: Doomed) -> list[str]:
    """Folders, and the copy of the passwords, that stay: no cluster deletes files of a machine, and it is well so."""
    return sorted({path for path in (*found.volumes.values(), found.copy) if path})


def _swept() -> "dict[str, Resource]":
    from mininode.kube.resources import BY_KIND

    kinds = ("Deployment", "StatefulSet", "Job", "Service", "ConfigMap", "NetworkPolicy", "ServiceAccount", "Role", "RoleBinding")
    return {kind: BY_KIND[kind] for kind in kinds}


async def _all_volumes(kube: "Kube") -> "list[Object]":
    from mininode.kube.resources import PERSISTENT_VOLUMES

    try:
        return list(await kube.list(PERSISTENT_VOLUMES))
    except KubeError as error:
        if error.forbidden:  # volumes belong to the cluster, and this user may not see them
            return []
        raise


def _bound(volumes: "list[Object]", wanted: Target, claims: list[str]) -> dict[str, str]:
    """The volumes that these claims are bound to, with their folders."""
    return {
        one["metadata"]["name"]: _folder(one)
        for one in volumes
        if (claim := one["spec"].get("claimRef") or {}).get("namespace") == wanted.namespace and claim.get("name") in claims
    }


def _copy(volumes: "list[Object]", wanted: Target) -> str:
    """The file in which the operator keeps a copy of the node's passwords, beside the data."""
    from mininode.credentials.kept import file_name
    from mininode.manifests.keep import NAME

    folder = next((_folder(one) for one in volumes if one["metadata"]["name"] == NAME), "")
    return f"{folder}/{file_name(wanted.namespace, wanted.name)}" if folder else ""


def _folder(volume: "Object") -> str:
    return str((volume["spec"].get("hostPath") or volume["spec"].get("local") or {}).get("path", ""))


async def _there(kube: "Kube", resource: "Resource", wanted: Target) -> bool:
    try:
        return await kube.get(resource, wanted.name, wanted.namespace) is not None
    except KubeError as error:
        if error.not_found:  # the CRD itself is gone
            return False
        raise


async def _let_go(kube: "Kube", wanted: Target) -> None:
    """Take our finalizer off a resource that nobody finished: what it stands for is swept next."""
    from mininode.api import FINALIZER
    from mininode.kube.resources import EUCAIM_NODES

    if not await _there(kube, EUCAIM_NODES, wanted):
        return
    resource = await kube.get(EUCAIM_NODES, wanted.name, wanted.namespace)
    if resource is None:
        return
    left = [one for one in resource["metadata"].get("finalizers") or [] if one != FINALIZER]
    await kube.merge(EUCAIM_NODES, wanted.name, {"metadata": {"finalizers": left or None}}, wanted.namespace)
    await kube.delete(EUCAIM_NODES, wanted.name, wanted.namespace)


async def _sweep(kube: "Kube", wanted: Target) -> None:
    """Delete what releases left behind, by label; not left to the garbage collector, which may be far behind."""
    from mininode.api import NODE_LABEL, RELEASES
    from mininode.kube.resources import SECRETS

    label = f"{NODE_LABEL}={wanted.name}"
    for resource in _swept().values():
        for one in await kube.list_metadata(resource, wanted.namespace, labels=label):
            await kube.delete(resource, one["metadata"]["name"], wanted.namespace)
    for one in await kube.list_metadata(SECRETS, wanted.namespace, labels=f"{label},{RELEASES}"):
        await kube.delete(SECRETS, one["metadata"]["name"], wanted.namespace)


async def _until_no_claims(kube: "Kube", wanted: Target, names: list[str]) -> None:
    from mininode.api import NODE_LABEL
    from mininode.kube.resources import CLAIMS

    ends = time.monotonic() + _GOING
    while True:
        there = await kube.list_metadata(CLAIMS, wanted.namespace, labels=f"{NODE_LABEL}={wanted.name}")
        left = sorted({one["metadata"]["name"] for one in there} & set(names))
        if not left:
            return
        if time.monotonic() > ends:
            raise NotThereYet(f"{', '.join(left)} are still in use by a pod", "Wait until the pods are gone.")
        await asyncio.sleep(_LOOK)


def unreachable(wanted: Target, error: MininodeError) -> MininodeError:
    """Advice where the cluster does not answer: nothing can be taken out of it, but it can be taken away as a whole."""
    whole = "mininode rehearsal reset" if Path(wanted.kubeconfig).parent.name == "rehearsal" else "minikube delete -p mininode"
    return NotThereYet(
        f"The cluster does not answer, so nothing could be removed from it: {error.message}",
        f"Start it and run the same command again. If it is beyond repair, this takes it away as a whole: {whole}. "
        "Data in folders of this computer stay then.",
        reason="ClusterSilent",
    )

"""Changing a credential everywhere it is held, in an order in which nobody is left with a value that does not work for long.

The wish, its value and its progress are one Secret beside the credential, made by `mininode credentials rotate` or `import`:
NAME.next. The steps below look before they do, so a change that is cut off anywhere goes on from there:

1. who checks the value learns the new one (a login of PostgreSQL, a client of the realm); connections and tokens at hand go on;
2. the credential's Secret gets it; from here on everything that starts uses it;
3. what is computed from it is computed anew, and the workloads that read it are started again;
4. they are seen to be ready; then NAME.next goes.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from mininode.api import GROUP, NODE_LABEL
from mininode.components.base import Checked, Component, Credential, Node, ProbeFailed
from mininode.components.identity import NAME as IDENTITY
from mininode.components.postgresql import PORT
from mininode.credentials.scram import verifier
from mininode.credentials.store import new_secret, next_name
from mininode.engine.credentials import values
from mininode.engine.health import not_ready
from mininode.engine.probes import LiveProbes, postgres_execute
from mininode.engine.tend import door
from mininode.errors import MininodeError
from mininode.kube.client import Kube, Object
from mininode.kube.resources import DEPLOYMENTS, PODS, SECRETS

_READY_SECONDS, _LOOK_SECONDS = 300.0, 1.0
_TRIES = 3
_SUPERUSER = "postgresql-superuser"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rotation:
    """One credential's change."""

    kube: Kube
    node: Node
    component: Component
    credential: Credential
    render: Callable[[Component], Awaitable[None]]  # computes the rendered Secrets of a component anew
    simulated: Collection[str]  # components with simulated pods: they check nothing
    clock: Callable[[], float] = time.monotonic

    async def run(self) -> None:
        """All steps. Raises KubeError, MininodeError with what stands in the way; then it is begun anew later."""
        found = await self.kube.get(SECRETS, next_name(self.credential.name), self.node.namespace)
        if found is None:
            return
        new = await values(self.kube, self.node, next_name(self.credential.name))
        old = await values(self.kube, self.node, self.credential.name)
        checker = "postgresql" if self.credential.checked is Checked.DATABASE else IDENTITY
        if checker not in self.simulated:
            await self._checked(new, old)
        await self._stored(new, old)
        for name in await self._restarted(found["metadata"]["uid"]):
            log.info("%s is started again", name, extra={"node": self.node.name, "component": self.component.name})
        await self.kube.delete(SECRETS, next_name(self.credential.name), self.node.namespace)

    async def _checked(self, new: dict[str, str], old: dict[str, str]) -> None:
        """Step 1."""
        match self.credential.checked:
            case Checked.DATABASE:
                await self._database({**self.credential.fixed, **old, **new}, old)
            case Checked.REALM | Checked.OPERATOR:
                await self._client(new)
            case Checked.PERSON:
                await self._person(new)
            case Checked.AT_START | Checked.FIRST_START:
                pass  # what starts with the Secret learns it from there

    async def _database(self, login: dict[str, str], old: dict[str, str]) -> None:
        host, user = self.node.service("postgresql"), login["username"]
        database = login.get("database", "postgres")
        probes = LiveProbes(self.kube, self.node.namespace)
        try:
            await probes.postgres_login(host=host, port=PORT, database=database, user=user, password=login["password"])
        except ProbeFailed:
            superuser = old if self.credential.name == _SUPERUSER else await values(self.kube, self.node, _SUPERUSER)
            statement = f"ALTER ROLE \"{user}\" PASSWORD '{verifier(login['password'])}'"
            account = (superuser.get("username", "postgres"), superuser.get("password", ""))
            try:
                await postgres_execute(host, PORT, *account, statement)
            except ProbeFailed as error:
                raise MininodeError(str(error), "See whether PostgreSQL is ready: mininode status", reason="Refused") from error

    async def _client(self, new: dict[str, str]) -> None:
        client_id, secret = self.credential.fixed["client-id"], new[self.credential.generated[0].key]
        async with door(self.kube, self.node) as one:
            realm = "master" if self.credential.checked is Checked.OPERATOR else ""
            form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
            if (await one.token(form, realm)).is_success:
                return
            if self.credential.checked is Checked.OPERATOR:
                raise MininodeError(
                    f"Keycloak does not take the new secret of {client_id}",
                    "The operator may not change its own account: give the client this secret in the realm master, or let "
                    "`kc.sh bootstrap-admin user` make an administrator (docs/identity.md)",
                    reason="KeycloakLoginRefused",
                )
            found = await one.get("clients", clientId=client_id)
            if found:
                await one.write("PUT", f"clients/{found[0]['id']}", {"clientId": client_id, "secret": secret})

    async def _person(self, new: dict[str, str]) -> None:
        async with door(self.kube, self.node) as one:
            for person in await one.get("users", username=self.credential.fixed["username"], exact="true") or []:
                body = {"type": "password", "value": new["password"], "temporary": True}
                await one.write("PUT", f"users/{person['id']}/reset-password", body)

    async def _stored(self, new: dict[str, str], old: dict[str, str]) -> None:
        """Step 2. One that may not be changed is made anew; whoever makes it meanwhile makes it with the next value."""
        if old == {**old, **new}:
            return
        body = new_secret(self.node, self.component.name, self.credential, {**old, **new})
        if not self.credential.mounted:
            for _ in range(_TRIES):
                await self.kube.delete(SECRETS, self.credential.name, self.node.namespace)
                if await self.kube.create(SECRETS, body, self.node.namespace) is not None:
                    return
            # Somebody else made it in between, for example from the copy beside the data, which has the old value.
            raise MininodeError(f"{self.credential.name} comes back while it is being changed", reason="Refused")
        await self.kube.merge(SECRETS, self.credential.name, {"data": body["data"]}, self.node.namespace)

    async def _restarted(self, change: str) -> list[str]:
        """Steps 3 and 4; returns the names of the workloads."""
        names = {self.credential.name}
        for component in self.node.on:
            rendered = {one.name for one in component.rendered if any(ref.name in names for ref in one.inputs)}
            if rendered:
                await self.render(component)
                names |= rendered
        if self.credential.checked is Checked.FIRST_START:
            return []
        mark = f"{GROUP}/credential-{self.credential.name}"[:63]
        touched = [one for one in await self._workloads() if reads(one, names)]
        for one in touched:
            annotations = one["spec"]["template"]["metadata"].get("annotations") or {}
            if annotations.get(mark) != change:
                patch = {"spec": {"template": {"metadata": {"annotations": {mark: change}}}}}
                await self.kube.merge(DEPLOYMENTS, one["metadata"]["name"], patch, self.node.namespace)
        found = [one["metadata"]["name"] for one in touched]
        await self._ready(found)
        return found

    async def _workloads(self) -> list[Object]:
        return await self.kube.list(DEPLOYMENTS, self.node.namespace, labels=f"{NODE_LABEL}={self.node.name}")

    async def _ready(self, names: Collection[str]) -> None:
        deadline = self.clock() + _READY_SECONDS
        while True:
            now = [{**one, "kind": "Deployment"} for one in await self._workloads() if one["metadata"]["name"] in names]
            pods = await self.kube.list(PODS, self.node.namespace, labels=f"{NODE_LABEL}={self.node.name}")
            if (problem := not_ready(now, pods)) is None:
                return
            if self.clock() > deadline:
                raise MininodeError(f"after the change of {self.credential.name}: {problem}", reason="NotReady")
            await asyncio.sleep(_LOOK_SECONDS)


def reads(workload: Object, names: Collection[str]) -> bool:
    """Whether a workload's pods name one of the Secrets, in a variable or a volume."""
    return any(one in names for one in _secrets(workload["spec"]["template"]["spec"]))


def _secrets(thing: Any) -> Iterable[str]:
    if isinstance(thing, list):
        for one in thing:
            yield from _secrets(one)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            if key in {"secretKeyRef", "secretRef"} and isinstance(value, dict):
                yield str(value.get("name", ""))
            elif key == "secret" and isinstance(value, dict):
                yield str(value.get("secretName") or value.get("name", ""))
            else:
                yield from _secrets(value)


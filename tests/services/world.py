"""What a test of this folder works on: a realm of its own at the real Keycloak, our door to it, and the door of a human admin."""

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import servers

from mininode.api.identity import Identity
from mininode.api.spec import DriftCorrection, NodeSpec
from mininode.components.base import Node
from mininode.keycloak.bootstrap import MASTER, OPERATOR_CLIENT
from mininode.keycloak.door import ClientLogin, KeycloakDoor, PasswordLogin
from mininode.keycloak.reconcile import RealmReport, reconcile_realm
from mininode.realm.desired import desired_realm
from mininode.realm.model import DesiredRealm

COMPONENTS = ("batch", "dataset-service", "federated-compute", "guacamole", "kubeapps", "orthanc", "tracer", "workspaces")
OPERATOR = ClientLogin(MASTER, OPERATOR_CLIENT, "operators-own-secret-of-the-tests")
HUMAN = PasswordLogin(MASTER, "tests", "tests-own-password")
NODE = Node("node", "eucaim-node", NodeSpec(domain=servers.DOMAIN, site_name="Hospital Example"))


def desired(realm: str, identity: Identity | None = None, components: tuple[str, ...] = COMPONENTS) -> DesiredRealm:
    """What a node would want of its realm, under a name that is the test's own."""
    node = dataclasses.replace(NODE, spec=NODE.spec.model_copy(update={"identity": identity or Identity()}))
    found = desired_realm(node, components)
    return dataclasses.replace(found, name=realm, issuer=f"https://{servers.DOMAIN}/auth/realms/{realm}")


def values(wanted: DesiredRealm) -> dict[str, str]:
    """A value for each secret, as the credential store would hold it."""
    return {name: f"Value-of-{name}-1" for name in wanted.secret_names()}


@dataclass(frozen=True)
class Session:
    """The servers of a run."""

    keycloak: servers.Keycloak
    postgres: servers.Postgres
    temporary: PasswordLogin


@dataclass
class World:
    server: servers.Keycloak
    http: httpx.AsyncClient
    realm: str
    door: KeycloakDoor  # the operator's
    human: KeycloakDoor  # an administrator's, in the console
    desired: DesiredRealm
    secrets: dict[str, str]
    opened: list[httpx.AsyncClient] = dataclasses.field(default_factory=list)  # closed with the test

    def through(self, transport: httpx.AsyncBaseTransport) -> KeycloakDoor:
        """The operator's door through a way with faults."""
        self.opened.append(httpx.AsyncClient(transport=transport))
        return KeycloakDoor(self.opened[-1], self.server.url, self.realm, OPERATOR)

    def want(self, identity: Identity, components: tuple[str, ...] = COMPONENTS) -> None:
        self.desired = desired(self.realm, identity, components)
        self.secrets |= {name: value for name, value in values(self.desired).items() if name not in self.secrets}

    async def reconcile(self, policy: DriftCorrection = DriftCorrection.ENFORCE, door: KeycloakDoor | None = None) -> RealmReport:
        return await reconcile_realm(door or self.door, self.desired, policy=policy, secrets=self.secrets)

    async def converge(self) -> RealmReport:
        """A pass that must succeed."""
        report = await self.reconcile()
        assert report.converged, [str(one) for one in (*report.remaining, *report.failures)]
        return report

    async def admin_events(self) -> list[dict[str, Any]]:
        """What Keycloak itself says was changed in this realm, newest first."""
        found: list[dict[str, Any]] = await self.human.get("admin-events", max="1000")
        return found

    async def client(self, client_id: str) -> dict[str, Any]:
        found = await self.human.get("clients", clientId=client_id)
        assert len(found) == 1
        one: dict[str, Any] = found[0]
        return one

    async def make_person(self, username: str, password: str, groups: tuple[str, ...] = (), **fields: Any) -> str:
        """A person who may log in."""
        person = {
            "username": username,
            "email": f"{username}@hospital.example",
            "firstName": "Ada",
            "lastName": "Example",
            "enabled": True,
            "emailVerified": True,
            "groups": [f"/{group}" for group in groups],
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        } | fields
        return await self.human.write("POST", "users", person)


Fault = Callable[[httpx.Request], Awaitable[httpx.Response | None]]


class Faulty(httpx.AsyncBaseTransport):
    """The real way to Keycloak, with a fault at requests of our choice: `before` may answer in its place or raise."""

    def __init__(self, before: Fault | None = None, after: Callable[[httpx.Request], None] | None = None) -> None:
        self._real = httpx.AsyncHTTPTransport()
        self._before = before
        self._after = after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._before and (answer := await self._before(request)):
            return answer
        answer = await self._real.handle_async_request(request)
        if self._after:
            await answer.aread()
            self._after(request)
        return answer

    async def aclose(self) -> None:
        await self._real.aclose()

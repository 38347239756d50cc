"""A credential's change on the real PostgreSQL and Keycloak: killed at every request, and never a value at work refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import rotating
import servers
from rotating import Cluster, Killed
from world import Session, World

from mininode.components.base import Component, ProbeFailed
from mininode.credentials.store import next_name
from mininode.engine import postgres, rotate
from mininode.engine.checkers import Checkers
from mininode.engine.postgres import Login
from mininode.engine.rotate import Rotation
from mininode.keycloak.door import KeycloakDoor

LOGIN, CLIENT = "postgresql-guacamole", "dataset-service-client"


@dataclass
class Place:
    """The workloads of a node with the servers that check what they have."""

    session: Session
    world: World
    cluster: Cluster
    tried: int = 0
    refused: list[str] = field(default_factory=list)

    async def look(self) -> None:
        """Whoever runs logs in, with what it has had since it started."""
        for name, value in rotating.held(self.cluster):
            if name in (LOGIN, CLIENT):
                self.tried += 1
                if not await self.takes(name, value):
                    self.refused.append(f"{name}, after {self.cluster.log[-5:]}")

    async def takes(self, name: str, value: str) -> bool:
        if name == CLIENT:
            return await self.token(value) == httpx.codes.OK
        try:
            await postgres.login(Login("127.0.0.1", self.session.postgres.port, "guacamole", value, "guacamole"))
        except ProbeFailed:
            return False
        return True

    async def token(self, secret: str) -> int:
        url = f"{self.session.keycloak.url}/realms/{self.world.realm}/protocol/openid-connect/token"
        form = {"grant_type": "client_credentials", "client_id": "dataset-service", "client_secret": secret}
        return (await self.world.http.post(url, data=form)).status_code

    def rotation(self, name: str) -> Rotation:
        async def superuser() -> dict[str, str]:
            return {"username": "keycloak", "password": self.session.postgres.password}

        @asynccontextmanager
        async def door() -> AsyncIterator[KeycloakDoor]:
            yield self.world.door

        async def render(component: Component) -> None:
            body = rotating.rendered_secret(rotating.NODE, component.name, rotating.CONFIG, rotating.config(self.cluster))
            self.cluster.put(body)

        checkers = Checkers(("127.0.0.1", self.session.postgres.port), superuser, door)
        component, credential = rotating.known(name)
        kube: rotating.Any = self.cluster
        return Rotation(kube, rotating.NODE, component, credential, render, checkers, (), asyncio.Lock())


@pytest.fixture
async def place(session: Session, world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """A realm with its client, a database with its login, and the workloads at work with both."""
    monkeypatch.setattr(rotate, "_LOOK_SECONDS", 0.0)
    cluster = rotating.filled()
    world.secrets["client/dataset-service"] = cluster.text(CLIENT)["secret"]
    await world.converge()
    password = cluster.text(LOGIN)["password"]
    login = "CREATE ROLE guacamole LOGIN PASSWORD :'password';\nCREATE DATABASE guacamole OWNER guacamole;"
    servers.sql(session.postgres, login, password=password)
    one = Place(session, world, cluster)
    cluster.watch = one.look
    yield one
    servers.sql(session.postgres, "DROP DATABASE guacamole;\nDROP ROLE guacamole;")


@pytest.mark.parametrize("name", [LOGIN, CLIENT])
async def test_killed_at_every_request_nobody_at_work_is_ever_refused(place: Place, name: str) -> None:
    cluster, k = place.cluster, 0
    key = rotating.known(name)[1].generated[0].key
    while True:
        old, new, k = cluster.text(name)[key], rotating.wish(cluster, name), k + 1
        cluster.calls, cluster.kill_at, killed = 0, k, False
        try:
            await place.rotation(name).run()
        except Killed:
            killed, cluster.kill_at = True, 0
            await place.rotation(name).run()
        assert place.refused == []
        assert (await place.takes(name, new), await place.takes(name, old)) == (True, False)
        assert ("Secret", next_name(name)) not in cluster.objects
        await place.look()  # all are at work again, with the new one
        assert {value for found, value in rotating.held(cluster) if found == name} == {new}
        assert place.refused == []
        if not killed:
            break
    assert k > 10
    assert place.tried > 10 * k


async def test_without_stopping_first_somebody_would_be_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the look of these tests sees what it is there to see."""
    async def nothing(_: Rotation) -> None: ...

    monkeypatch.setattr(Rotation, "_stopped", nothing)
    rotating.wish(place.cluster, LOGIN)
    await place.rotation(LOGIN).run()
    assert place.refused

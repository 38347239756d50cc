"""One PostgreSQL and one Keycloak for the session, and a realm of its own for each test. What is needed: servers.py."""

import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # helpers of this folder, which is no package
sys.path.insert(1, str(Path(__file__).parents[1] / "unit/engine"))  # and what a credential's change works on

import servers
import world as worlds

from mininode.keycloak.bootstrap import MASTER, Bootstrapped, bootstrap
from mininode.keycloak.door import KeycloakDoor, PasswordLogin


@pytest.fixture(scope="session")
def session() -> Iterator[worlds.Session]:
    with tempfile.TemporaryDirectory(prefix="mininode-services-") as name:
        folder = Path(name)
        # pytest's own folders are closed to others, and PostgreSQL runs as an account of its own when the tests run as root.
        folder.chmod(0o755)
        with servers.postgres(folder) as postgres, servers.keycloak(folder, postgres) as keycloak:
            yield worlds.Session(keycloak, postgres, PasswordLogin(MASTER, keycloak.admin, keycloak.password))


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def done_once() -> dict[str, Bootstrapped]:
    return {}


@pytest.fixture
async def first_start(session: worlds.Session, http: httpx.AsyncClient, done_once: dict[str, Bootstrapped]) -> Bootstrapped:
    """What the bootstrap of this session did; before it, the temporary administrator makes one for the tests' own use."""
    if "bootstrap" not in done_once:
        master = KeycloakDoor(http, session.keycloak.url, MASTER, session.temporary)
        person = {"username": worlds.HUMAN.username, "enabled": True}
        person |= {"credentials": [{"type": "password", "value": worlds.HUMAN.password, "temporary": False}]}
        user = await master.write("POST", "users", person)
        role = await master.get("roles/admin")
        await master.write("POST", f"users/{user}/role-mappings/realm", [role])
        door = KeycloakDoor(http, session.keycloak.url, "EUCAIM-NODE", worlds.OPERATOR)
        done_once["bootstrap"] = await bootstrap(door, session.temporary)
    return done_once["bootstrap"]


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return iter(range(1, 10_000))


@pytest.fixture
async def world(
    session: worlds.Session,
    http: httpx.AsyncClient,
    first_start: Bootstrapped,  # noqa: ARG001 - has to have happened
    numbers: Iterator[int],
) -> AsyncIterator[worlds.World]:
    """An empty realm, as the bootstrap leaves it, with the operator's least rights in it; gone after the test."""
    realm = f"TEST-{next(numbers)}"
    door = KeycloakDoor(http, session.keycloak.url, realm, worlds.OPERATOR)
    await bootstrap(door, worlds.HUMAN)
    human = KeycloakDoor(http, session.keycloak.url, realm, worlds.HUMAN)
    wanted = worlds.desired(realm)
    world = worlds.World(session.keycloak, http, realm, door, human, wanted, worlds.values(wanted))
    yield world
    for client in world.opened:
        await client.aclose()
    await human.write("DELETE", "")

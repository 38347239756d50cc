"""The questions of gates, asked for real: HTTP, a PostgreSQL login, a credential's value."""

import base64
from collections.abc import Awaitable, Callable, Mapping

import httpx

from mininode.components.base import GateResult, HttpAnswer, ProbeFailed
from mininode.kube.client import Kube
from mininode.kube.resources import SECRETS

_INSIDE = ".svc.cluster.local"
_SECONDS = 10.0  # a service inside the cluster that needs longer is not ready for its dependants


Realm = Callable[[], Awaitable[GateResult]]  # brings the realm to what is declared, and tells how it is


class LiveProbes:
    """Implements `components.base.Probes` for one node."""

    def __init__(self, kube: Kube, namespace: str, realm: Realm | None = None) -> None:
        self._kube = kube
        self._namespace = namespace
        self._realm = realm

    async def http(
        self,
        url: str,
        *,
        method: str = "GET",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Ask a web server; no proxy of the environment stands between pods, but perhaps before a Keycloak of the site's."""
        outside = not httpx.URL(url).host.endswith(_INSIDE)
        try:
            async with httpx.AsyncClient(timeout=_SECONDS, trust_env=outside) as client:
                answer = await client.request(method, url, data=form, headers=headers)
        except httpx.HTTPError as error:
            raise ProbeFailed(f"{url} does not answer: {error or type(error).__name__}") from error
        try:
            return HttpAnswer(answer.status_code, answer.json())
        except ValueError:
            return HttpAnswer(answer.status_code)

    async def postgres_login(self, *, host: str, port: int, database: str, user: str, password: str) -> None:
        """Log in and run `SELECT 1`."""
        import asyncpg  # noqa: PLC0415 - 5 MiB that only a node with real pods needs

        try:
            connection = await asyncpg.connect(
                host=host,
                port=port,
                database=database,
                user=user,
                password=password,
                timeout=_SECONDS,
                command_timeout=_SECONDS,
            )
            try:
                await connection.fetchval("SELECT 1")
            finally:
                await connection.close()
        except (asyncpg.PostgresError, OSError, TimeoutError) as error:
            raise ProbeFailed(f"no login to {database} at {host} as {user}: {error or type(error).__name__}") from error

    async def secret(self, name: str, key: str) -> str:
        """The value of a credential."""
        found = await self._kube.get(SECRETS, name, self._namespace)
        if found is None or key not in (found.get("data") or {}):
            raise ProbeFailed(f"Secret {name} has no key {key}")
        return base64.b64decode(found["data"][key]).decode()

    async def realm(self) -> GateResult:
        """Bring the realm to what is declared, and tell how it is."""
        if self._realm is None:
            raise ProbeFailed("the realm can't be looked at from here")
        return await self._realm()


async def postgres_execute(host: str, port: int, user: str, password: str, statement: str) -> None:
    """Run one statement in the database `postgres`. Raises ProbeFailed; neither password nor statement is in its text."""
    import asyncpg  # noqa: PLC0415 - 5 MiB that only a node with real pods needs

    try:
        connection = await asyncpg.connect(
            host=host, port=port, database="postgres", user=user, password=password, timeout=_SECONDS, command_timeout=_SECONDS
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise ProbeFailed(f"PostgreSQL at {host} refuses {user}: {type(error).__name__}") from error

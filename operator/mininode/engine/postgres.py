"""The door to PostgreSQL: a login tried, a statement run."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mininode.components.base import ProbeFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

_SECONDS = 10.0  # a service inside the cluster that needs longer is not ready for its dependants


@dataclass(frozen=True, slots=True)
class Login:
    """Where, and as whom."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str = "postgres"


async def login(one: Login) -> None:
    """Log in and run `SELECT 1`. Raises ProbeFailed."""
    async with _connection(one) as connection:
        await connection.fetchval("SELECT 1")


async def execute(one: Login, statement: str) -> None:
    """Run one statement. Raises ProbeFailed; neither password nor statement is in its text."""
    async with _connection(one) as connection:
        await connection.execute(statement)


@asynccontextmanager
async def _connection(one: Login) -> "AsyncIterator[asyncpg.Connection]":
    import asyncpg  # noqa: PLC0415 - 5 MiB that only a node with real pods needs

    faults = (asyncpg.PostgresError, OSError, TimeoutError)
    where = {"host": one.host, "port": one.port, "database": one.database}
    account = {"user": one.user, "password": one.password}
    try:
        connection = await asyncpg.connect(**where, **account, timeout=_SECONDS, command_timeout=_SECONDS)
    except faults as error:
        raise ProbeFailed(f"no login to {one.database} at {one.host} as {one.user}: {error or type(error).__name__}") from error
    try:
        yield connection
    except faults as error:
        raise ProbeFailed(f"PostgreSQL at {one.host} refuses what {one.user} asks: {type(error).__name__}") from error
    finally:
        await connection.close()

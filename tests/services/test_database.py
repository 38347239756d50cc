"""A PostgreSQL that restarts under a Keycloak at work: its connections are gone, and nobody who logs in gets to know."""

import httpx
import servers
from world import Session, World

FORGOTTEN = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'keycloak' and pid <> pg_backend_pid();"


async def test_nobody_is_refused_after_the_database_restarted(session: Session, world: World, http: httpx.AsyncClient) -> None:
    await world.converge()
    form = {"grant_type": "client_credentials", "client_id": "dataset-service"}
    form["client_secret"] = world.secrets["client/dataset-service"]
    token = f"{session.keycloak.url}/realms/{world.realm}/protocol/openid-connect/token"
    for _ in range(3):
        servers.sql(session.postgres, FORGOTTEN)
        answers = [(await http.post(token, data=form)).status_code for _ in range(5)]
        assert answers == [200] * 5

"""Taking over a realm that somebody else made: its secrets go into the store before anything is written."""

from mininode.keycloak.door import KeycloakDoor
from mininode.keycloak.observed import observe
from mininode.keycloak.steps_asked import client_secret
from mininode.realm.model import DesiredRealm


async def read_secrets(door: KeycloakDoor, desired: DesiredRealm) -> dict[str, str]:
    """Secrets of declared clients that are there already, by the names of `DesiredRealm.secret_names()`.

    For the first look at a realm, before credentials are made: what applications use today goes on working. Those of
    identity providers and mail servers are not shown by Keycloak: the site gives them by reference.
    """
    if not await door.has_realm():
        return {}
    observed = observe(await door.export())
    found: dict[str, str] = {}
    for client in desired.clients:
        if client.secret and client.client_id in observed.clients:
            value = await client_secret(door, observed.clients[client.client_id]["id"])
            if value:
                found[client.secret] = value
    return found

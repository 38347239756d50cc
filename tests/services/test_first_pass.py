"""The first pass over an empty realm: in one request, with the same outcome as object by object."""

import json
from typing import Any

import httpx
import world as worlds
from world import Faulty, World

from mininode.api.identity import Identity, Mfa
from mininode.keycloak.bootstrap import bootstrap

IMPORT = "/partialImport"
OF_ITS_OWN = {"id", "containerId", "createdTimestamp", "client.secret.creation.time"}  # of each object, whoever makes it


def plain(found: Any) -> Any:
    """What an export says, without ids and without an order."""
    if isinstance(found, dict):
        return {key: plain(value) for key, value in found.items() if key not in OF_ITS_OWN}
    return sorted((plain(one) for one in found), key=json.dumps) if isinstance(found, list) else found


class Refusing(Faulty):
    """Keycloak takes no import."""

    def __init__(self) -> None:
        self.refused = 0
        super().__init__(before=self._refuse)

    async def _refuse(self, request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith(IMPORT):
            return None
        self.refused += 1
        return httpx.Response(500, json={"errorMessage": "Error creating data-scientists"})


async def test_at_once_and_object_by_object_make_the_same_realm(world: World) -> None:
    world.want(Identity(admins=("ada.lovelace@hospital.example",), mfa=Mfa.REQUIRED))
    at_once = await world.converge()
    made = plain(await world.human.export())
    await world.human.write("DELETE", "")
    await bootstrap(world.door, worlds.HUMAN)

    refusing = Refusing()
    piece_by_piece = await world.reconcile(door=world.through(refusing))

    assert refusing.refused == 1
    assert piece_by_piece.converged, [str(one) for one in (*piece_by_piece.remaining, *piece_by_piece.failures)]
    assert plain(await world.human.export()) == made
    assert len(at_once.writes) < len(piece_by_piece.writes) / 2
    assert set(at_once.differences) <= set(piece_by_piece.differences)


async def test_a_realm_that_holds_something_of_ours_is_made_object_by_object(world: World) -> None:
    await world.human.write("POST", "groups", {"name": "data-scientists", "attributes": {"of": ["the site"]}})
    refusing = Refusing()
    assert (await world.reconcile(door=world.through(refusing))).converged
    assert refusing.refused == 0
    found = next(one for one in (await world.human.export())["groups"] if one["name"] == "data-scientists")
    assert found["attributes"] == {"of": ["the site"]}


async def test_a_client_whose_secret_nobody_gave_is_left_out_and_the_rest_is_made(world: World) -> None:
    lacking = next(one for one in world.desired.clients if one.secret)
    del world.secrets[lacking.secret]
    report = await world.reconcile()
    assert [one.reason for one in report.failures] == ["SecretMissing"]
    there = {one["clientId"] for one in await world.human.get("clients")}
    assert {one.client_id for one in world.desired.clients} - there == {lacking.client_id}

"""Passes over a real realm: from nothing to declared, then nothing to write, whatever happens in between."""

import time

import httpx
import pytest
import servers
import world as worlds
from world import Faulty, Session, World

from mininode.api.identity import Identity, Mfa
from mininode.api.spec import DriftCorrection
from mininode.keycloak.errors import KeycloakError

ADMINS = Identity(admins=("ada.lovelace@hospital.example",), mfa=Mfa.REQUIRED)


async def test_second_pass_writes_nothing_by_keycloaks_own_count(world: World) -> None:
    world.want(ADMINS)
    await world.converge()
    events = await world.admin_events()
    report = await world.reconcile()
    assert report.writes == ()
    assert report.differences == ()
    assert await world.admin_events() == events
    assert events


async def test_second_pass_takes_at_most_25_requests(world: World) -> None:
    world.want(ADMINS)
    await world.converge()
    assert (await world.reconcile()).requests <= 25


@pytest.mark.parametrize("policy", [DriftCorrection.WARN, DriftCorrection.OFF])
async def test_without_enforcing_a_pass_lists_differences_and_writes_nothing(world: World, policy: DriftCorrection) -> None:
    report = await world.reconcile(policy)
    assert report.writes == ()
    assert "client dataset-explorer is not there" in [str(one) for one in report.differences]


async def test_current_signing_key_is_recorded_and_a_rotation_is_seen(world: World) -> None:
    before = (await world.converge()).signing_key_id
    keys = (await world.human.get("keys"))["keys"]
    assert before in [one["kid"] for one in keys if one.get("algorithm") == "RS256"]
    provider = {
        "name": "newer",
        "providerId": "rsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "config": {"priority": ["200"]},
    }
    await world.human.write("POST", "components", provider)
    after = await world.reconcile()
    assert after.signing_key_id != before
    assert after.writes == ()


async def test_components_decide_which_clients_there_are(world: World) -> None:
    world.want(Identity(), ("guacamole",))
    await world.converge()
    ours = {one["clientId"] for one in await world.human.get("clients")}
    assert "guacamole" in ours
    assert not ours & {"dataset-service", "kubernetes-operator", "jobman-service"}


async def test_component_switched_off_later_loses_nothing(world: World) -> None:
    await world.converge()
    world.want(Identity(), ("guacamole",))
    assert (await world.converge()).writes == ()
    assert await world.client("dataset-service")


async def test_pass_killed_after_every_fifteenth_request_ends_where_an_undisturbed_one_does(world: World) -> None:
    world.want(ADMINS)
    passes = 0
    while not await _killed(world, 15):
        passes += 1
        assert passes < 80
    assert passes >= 2
    report = await world.reconcile()
    assert (report.writes, report.remaining, report.failures) == ((), (), ())


async def test_pass_killed_after_its_first_second_third_request_and_so_on(world: World) -> None:
    world.want(ADMINS)
    number = 1
    while not await _killed(world, number):
        number += 1
    report = await world.reconcile()
    assert (report.writes, report.remaining, report.failures) == ((), (), ())
    assert number > 10


class Killed(Exception):
    """Stands for the end of the process."""


async def _killed(world: World, last: int) -> bool:
    """Whether a pass got through that is killed after its `last` request was carried out."""
    done = 0

    def count(_: httpx.Request) -> None:
        nonlocal done
        done += 1
        if done > last:
            raise Killed

    try:
        await world.reconcile(door=world.through(Faulty(after=count)))
    except Killed:
        return False
    return True


async def test_login_asks_for_the_second_factor_at_no_time_less_than_before(world: World) -> None:
    """A flow is bound only with all its steps, whichever request was the last one before the operator was killed."""
    world.want(Identity(mfa=Mfa.REQUIRED), ("guacamole",))
    number, through = 1, False
    while not through:
        through = await _killed(world, number)
        number += 1
        bound = (await world.human.get(""))["browserFlow"]
        if bound != "browser":
            steps = await world.human.get(f"authentication/flows/{bound.replace(' ', '%20')}/executions")
            active = {one.get("providerId") for one in steps if one["requirement"] == "REQUIRED"}
            assert active == {"auth-username-password-form", "auth-otp-form"}
    assert (await world.human.get(""))["browserFlow"] != "browser"


async def test_pass_with_ten_thousand_people_takes_a_second_at_most(session: Session, world: World) -> None:
    await world.converge()
    # The Admin API takes a minute for so many; the rows are what it would write.
    people = (
        "INSERT INTO user_entity (id, username, email, email_constraint, email_verified, enabled, realm_id, not_before)"
        " SELECT gen_random_uuid(), 'person-' || n, n || '@hospital.example', n || '@hospital.example', true, true, id, 0"
        " FROM generate_series(1, 10000) AS n, realm WHERE name = :'realm'"
    )
    servers.sql(session.postgres, people, realm=world.realm)
    assert await world.human.get("users/count") >= 10_000
    begin = time.monotonic()
    report = await world.reconcile()
    assert time.monotonic() - begin < 1
    assert report.writes == ()


async def test_unknown_version_is_not_written_to(world: World) -> None:
    async def older(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/partial-export"):
            async with httpx.AsyncClient(trust_env=False) as plain:
                real = await plain.post(request.url, headers={"Authorization": request.headers["Authorization"]})
            return httpx.Response(200, json=real.json() | {"keycloakVersion": "26.7.1"})
        return None

    events = await world.admin_events()
    with pytest.raises(KeycloakError, match=r"26\.7\.1") as found:
        await world.reconcile(door=world.through(Faulty(before=older)))
    assert found.value.reason == "KeycloakVersion"
    assert await world.admin_events() == events


async def test_scope_of_newer_versions_is_given_to_those_who_call_the_admin_api(world: World) -> None:
    await world.human.write("POST", "client-scopes", {"name": "kc-admin-api", "protocol": "openid-connect"})
    await world.converge()
    with_scope = {
        one["clientId"] for one in await world.human.get("clients") if "kc-admin-api" in one.get("defaultClientScopes", [])
    }
    assert with_scope == {"dataset-service", "jobman-service"}
    assert worlds.OPERATOR.client_id not in with_scope

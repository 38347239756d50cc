"""A credential's change: every place gets the value, in order, and a change that is cut off anywhere goes on to the same end."""

import asyncio
from typing import Any

import pytest

from mininode.components.base import Checked, Component, Credential
from mininode.credentials.store import next_name, rendered_secret
from mininode.engine import rotate as module
from mininode.engine.credentials import made, value
from mininode.engine.rotate import Rotation, reads
from mininode.errors import MininodeError

from .rotating import CONFIG, NODE, READY, Cluster, Killed, config, filled, held, known, wish


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.0)


@pytest.fixture
def cluster() -> Cluster:
    return filled()


class Outside:
    """PostgreSQL's logins and the realm's clients: one value each."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.accepted = {name: text for name, text in held(cluster) if self._checks(known(name)[1])}
        self.refused: list[str] = []
        cluster.watch = self.looked

    async def looked(self) -> None:
        """Whoever runs logs in with what it has."""
        for name, text in held(self.cluster):
            if self.accepted.get(name, text) != text:
                self.refused.append(f"{name} before {len(self.cluster.log)}: {self.cluster.log[-5:]}")

    async def take(self, credential: Credential, new: dict[str, str]) -> bool:
        return not self._checks(credential) or self.accepted.get(credential.name) == new[credential.generated[0].key]

    async def teach(self, credential: Credential, new: dict[str, str]) -> None:
        self.accepted[credential.name] = new[credential.generated[0].key]

    @staticmethod
    def _checks(credential: Credential) -> bool:
        return credential.checked in (Checked.DATABASE, Checked.REALM)


def rotation(cluster: Any, name: str, outside: Any) -> Rotation:
    component, credential = known(name)

    async def render(one: Component) -> None:
        data = {}
        for key, (secret, of_secret) in {"password": NAMES_OF[0], "secret": NAMES_OF[1]}.items():
            data[key] = await value(cluster, NODE, secret, of_secret) or ""
        cluster.put(rendered_secret(NODE, one.name, CONFIG, data))

    return Rotation(cluster, NODE, component, credential, render, outside, simulated=(), realm_alone=asyncio.Lock())


NAMES_OF = (("postgresql-dataset-service", "password"), ("dataset-service-client", "secret"))

NAMES = ("postgresql-keycloak", "postgresql-dataset-service", "guacamole-admin", "dataset-service-client", "keycloak-admin")
RESTARTED = {
    "postgresql-keycloak": {"keycloak"},
    "postgresql-dataset-service": {"dataset-service-backend"},
    "guacamole-admin": {"guacamole"},
    "dataset-service-client": {"dataset-service-backend"},
    "keycloak-admin": set(),  # nobody looks at it after the first start
}


@pytest.mark.parametrize("name", NAMES)
async def test_every_place_gets_it_and_only_who_reads_it_starts_again(cluster: Cluster, name: str) -> None:
    new, outside = wish(cluster, name), Outside(cluster)
    fixed = {key: text for key, text in cluster.text(name).items() if key in ("username", "database", "client-id")}
    await rotation(cluster, name, outside).run()
    assert new in cluster.text(name).values()
    assert cluster.text(name).items() >= fixed.items()
    assert ("Secret", next_name(name)) not in cluster.objects
    assert {one for _, one in cluster.objects if ("Deployment", one) in cluster.objects and cluster.marks(one)} == RESTARTED[name]
    if RESTARTED[name] == {"dataset-service-backend"}:
        assert new in cluster.text(CONFIG).values()
    assert outside.refused == []


@pytest.mark.parametrize("name", NAMES)
async def test_killed_at_every_request_it_goes_on_to_the_same_end(cluster: Cluster, name: str) -> None:
    kinds = ("Secret", "Deployment")
    for k in range(1, 60):
        new, outside = wish(cluster, name), Outside(cluster)
        cluster.calls, cluster.kill_at, killed = 0, k, False
        try:
            await rotation(cluster, name, outside).run()
        except Killed:
            killed = True
            cluster.kill_at = 0
            component, credential = known(name)
            # Whoever makes missing credentials meanwhile must not make up a third value.
            await made(cluster, NODE, component.name, credential)  # type: ignore[arg-type]
            await rotation(cluster, name, outside).run()
        assert new in cluster.text(name).values(), f"killed at request {k}: {cluster.log[-10:]}"
        assert not [one for kind, one in cluster.objects if kind in kinds and one.endswith(".next")]
        assert outside.refused == []
        assert {one["spec"]["replicas"] for (kind, _), one in cluster.objects.items() if kind == "Deployment"} == {1}
        assert config(cluster) == cluster.text(CONFIG)
        marks = {one for kind, one in cluster.objects if kind == "Deployment" and cluster.marks(one)}
        assert marks == RESTARTED[name]
        cluster.log.clear()
        if not killed:
            assert k > 5
            return
    raise AssertionError("it never came through in one go")


@pytest.mark.parametrize("fails", ["take", "teach"])
async def test_who_checks_it_can_not_be_asked_or_taught(cluster: Cluster, fails: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is stopped for a change that can't begin; one that had begun goes on once he is there again."""
    async def away(*_: Any) -> bool:
        raise MininodeError("nobody is there")

    new, outside = wish(cluster, "postgresql-keycloak"), Outside(cluster)
    with monkeypatch.context() as broken:
        broken.setattr(Outside, fails, away)
        with pytest.raises(MininodeError, match="nobody is there"):
            await rotation(cluster, "postgresql-keycloak", outside).run()
    assert cluster.objects["Deployment", "keycloak"]["spec"]["replicas"] == (1 if fails == "take" else 0)
    await rotation(cluster, "postgresql-keycloak", outside).run()
    assert cluster.objects["Deployment", "keycloak"]["spec"]["replicas"] == 1
    assert (outside.accepted["postgresql-keycloak"], outside.refused) == (new, [])


async def test_a_pod_that_does_not_stop_is_told_and_nothing_is_changed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    new, outside = wish(cluster, "postgresql-keycloak"), Outside(cluster)
    monkeypatch.setattr(module, "_GONE_SECONDS", -1.0)
    with pytest.raises(MininodeError, match="before the change of postgresql-keycloak: pod keycloak-1 does not stop"):
        await rotation(cluster, "postgresql-keycloak", outside).run()
    assert new not in (outside.accepted["postgresql-keycloak"], cluster.text("postgresql-keycloak")["password"])


async def test_a_pass_over_the_realm_waits_while_keycloak_and_the_secret_differ(cluster: Cluster) -> None:
    wish(cluster, "dataset-service-client")
    one = rotation(cluster, "dataset-service-client", Outside(cluster))
    async with one.realm_alone:
        under_way = asyncio.create_task(one.run())
        await asyncio.sleep(0.05)
        assert not under_way.done()
        assert len(cluster.running) == 3
    await under_way


async def test_without_a_next_value_nothing_is_done(cluster: Cluster) -> None:
    before = dict(cluster.objects)
    await rotation(cluster, "guacamole-admin", Outside(cluster)).run()
    assert cluster.objects == before


async def test_pods_that_do_not_come_back_are_told_and_the_change_goes_on_later(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(cluster, "guacamole-admin")
    cluster.objects["Deployment", "guacamole"]["status"] = {**READY, "readyReplicas": 0}
    monkeypatch.setattr(module, "_READY_SECONDS", -1.0)
    with pytest.raises(MininodeError, match="after the change of guacamole-admin: Deployment guacamole has 0 of 1 pods ready"):
        await rotation(cluster, "guacamole-admin", Outside(cluster)).run()
    assert ("Secret", "guacamole-admin.next") in cluster.objects
    cluster.objects["Deployment", "guacamole"]["status"] = READY
    await rotation(cluster, "guacamole-admin", Outside(cluster)).run()
    assert ("Secret", "guacamole-admin.next") not in cluster.objects


def test_secrets_are_found_wherever_a_pod_may_name_them() -> None:
    def of(**spec: Any) -> Any:
        return {"spec": {"template": {"spec": spec}}}

    variable = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}}
    assert reads(of(containers=[{"env": [variable]}]), {"one"})
    assert reads(of(initContainers=[{"envFrom": [{"secretRef": {"name": "one"}}]}]), {"one"})
    assert reads(of(volumes=[{"secret": {"secretName": "one"}}]), {"one"})
    assert reads(of(volumes=[{"projected": {"sources": [{"secret": {"name": "one"}}]}}]), {"one"})
    assert not reads(of(containers=[{"env": [variable]}]), {"two"})

"""The real engine on a real Kubernetes API with real Helm, and a real Keycloak that was there before (`spec.identity.external`).

The applications' pods are simulated; the realm is not, so the component identity is Held for true, and what it sees reaches plans.
"""

import asyncio
import base64
import dataclasses
import functools
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
import world as worlds
from test_adoption import SITES, UPSTREAMS, upstream
from test_external import inside_client
from world import Session, World

from mininode.cluster.operator_process import operator_spec
from mininode.cluster.processes import ProcessSpec
from mininode.cluster.rehearsal import Rehearsal, State
from mininode.keycloak.bootstrap import Bootstrapped, bootstrap
from mininode.keycloak.door import KeycloakDoor
from mininode.kube.client import Kube
from mininode.toolbox.toolbox import Toolbox

_path = Path(__file__).parents[1] / "control_plane" / "conftest.py"
_spec = importlib.util.spec_from_file_location("control_plane_helpers", _path)
assert _spec is not None
assert _spec.loader is not None
helpers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(helpers)

SECONDS = 120


class Operator(helpers.Operator):  # type: ignore[misc, name-defined]
    """The operator, which trusts the site's Keycloak."""

    certificate: Path

    def start(self) -> None:
        async def spec() -> ProcessSpec:
            async with await Kube.connect(self.rehearsal.kubeconfig) as kube:
                return await operator_spec(kube, self.folder, self.rehearsal.kubeconfig, self.helm)

        found = asyncio.run(spec())
        trusting = {**found.env, "SSL_CERT_FILE": str(self.certificate), "MININODE_PROBE_AGAIN": "20"}
        self.rehearsal.run_beside(dataclasses.replace(found, env=trusting))


@pytest.fixture(scope="module")
def tools() -> Callable[[str], Path]:
    box = Toolbox.from_environment(say=print)
    return lambda name: box.get(name).path


@pytest.fixture(scope="module")
def rehearsal(tools: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    one = Rehearsal(tmp_path_factory.mktemp("rehearsal"), tools)
    try:
        assert one.start(print).state is State.RUNNING
        yield one
    finally:
        one.stop(print)


@pytest.fixture(scope="module")
def site(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Keycloak]:
    """The site's Keycloak: another server on the same database, under an address that is reached from here."""
    with servers.keycloak(tmp_path_factory.mktemp("site"), session.postgres, local=True) as one:
        yield one


@pytest.fixture
async def world(
    site: servers.Keycloak,
    http: httpx.AsyncClient,
    first_start: Bootstrapped,  # noqa: ARG001 - has to have happened
    numbers: Iterator[int],
) -> AsyncIterator[World]:
    """A realm that the site's server made: two servers with caches of their own do not see each other's changes."""
    realm = f"SITE-{next(numbers)}"
    door = KeycloakDoor(http, site.url, realm, worlds.OPERATOR)
    await bootstrap(door, worlds.HUMAN)
    human = KeycloakDoor(http, site.url, realm, worlds.HUMAN)
    wanted = worlds.desired(realm)
    yield World(site, http, realm, door, human, wanted, worlds.values(wanted))
    await human.write("DELETE", "")


@pytest.fixture
def kubectl(rehearsal: Rehearsal, tools: Callable[[str], Path]) -> Any:
    return helpers.Kubectl(tools("kubectl"), rehearsal.kubeconfig)


@pytest.fixture(scope="module")
def operator(
    rehearsal: Rehearsal, tools: Callable[[str], Path], site: servers.Keycloak, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    one = Operator(rehearsal, tools("helm"), tmp_path_factory.mktemp("operator"))
    one.certificate = site.certificate
    yield one
    one.stop()


@dataclasses.dataclass
class Place:
    """A node on the site's Keycloak."""

    node: Any
    kubectl: Any
    world: World
    door: KeycloakDoor  # a human administrator's, at the site's server
    spec: dict[str, Any]

    def identity(self) -> dict[str, Any]:
        found: dict[str, Any] = self.node.components().get("identity", {})
        return found

    def until_held(self) -> dict[str, Any]:
        return self._until(lambda one: one.get("gate") == "Held" and one.get("ready") == "True")

    def until_said(self, *words: str) -> str:
        """What identity says, as soon as all the words are in it."""
        return str(self._until(lambda one: all(word in one.get("message", "") for word in words))["message"])

    def _until(self, right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            resource = self.node.resource()
            fresh = (resource.get("status") or {}).get("observedGeneration") == resource["metadata"]["generation"]
            found = self.identity()
            return found if fresh and right(found) else None

        try:
            found: dict[str, Any] = self.kubectl.until(look, SECONDS)
        except AssertionError as error:
            raise AssertionError(f"identity stays {self.identity()}") from error
        return found

    def again(self) -> None:
        """`mininode reconcile`."""
        text = str(time.time())
        self.node.wish_again(text)
        self.kubectl.until(lambda: self.node.resource()["status"].get("lastHandledReconcileAt") == text, SECONDS)

    def secret(self, name: str) -> dict[str, str]:
        found = self.kubectl.json("get", "secret", name, "-n", self.node.namespace)
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.secret("dataset-service-config")["dataset-service.yaml"])
        return found

    def events(self, reason: str) -> list[str]:
        found = self.kubectl.json("get", "events.events.k8s.io", "-n", self.node.namespace)["items"]
        return [one["note"] for one in found if one["reason"] == reason]

    async def writes(self) -> int:
        """What Keycloak itself noted as changes of the realm, by the operator or anybody."""
        return len(await self.door.get("admin-events", max="1000"))


@pytest.fixture
async def place(operator: Operator, kubectl: Any, world: World, site: servers.Keycloak, request: Any) -> Any:
    namespace = f"node-{request.node.name.replace('_', '-')[:40].strip('-')}"
    await asyncio.to_thread(operator.prepare, namespace)
    await asyncio.to_thread(operator.start)
    login = await inside_client(world)
    kubectl("create", "secret", "generic", "site-keycloak", "-n", namespace, f"--from-literal=secret={login.secret}")
    external = {
        "issuer": f"{site.public}/realms/{world.realm}",
        "clientId": login.client_id,
        "clientSecretRef": {"name": "site-keycloak", "key": "secret"},
    }
    spec = {"identity": {"external": external}}
    door = KeycloakDoor(world.http, site.url, world.realm, world.human.login)
    node = helpers.Node(kubectl, namespace)
    yield Place(node, kubectl, world, door, spec)
    kubectl("delete", "emn", "--all", "-n", namespace, "--wait=false")
    operator.stop()
    for name in kubectl("get", "emn", "-n", namespace, "-o", "name").split():
        kubectl.run("patch", name, "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


async def test_from_nothing_to_a_realm_that_is_kept(place: Place) -> None:
    """First pass, second pass, drift, a new signing key."""
    place.node.declare(**place.spec)
    held = place.until_held()
    place.node.until("Rehearsed")
    assert "keycloak" not in place.node.components(), "the site's is used in its place"
    assert place.spec["identity"]["external"]["issuer"] in held["message"]

    # Its key is in dataset-service's configuration, which speaks of the site's realm.
    first = (await place.door.get("keys"))["active"]["RS256"]
    validation = place.configuration()["auth"]["token_validation"]
    assert (validation["kid"], validation["issuer"]) == (first, place.spec["identity"]["external"]["issuer"])
    assert place.secret("dataset-service-client")["secret"] == (await place.door.get(f"clients/{await _id(place)}"))["secret"]

    # A second pass writes nothing.
    before = await place.writes()
    place.again()
    place.until_held()
    assert await place.writes() == before

    # What is changed by hand is put right and told.
    (guacamole,) = await place.door.get("clients", clientId="guacamole")
    await place.door.write("PUT", f"clients/{guacamole['id']}", {"clientId": "guacamole", "redirectUris": ["https://evil.example/*"]})
    place.again()
    place.kubectl.until(lambda: place.events("DriftCorrected"), SECONDS)
    told = place.events("DriftCorrected")
    assert any("client guacamole, redirectUris, was changed by hand and was put right" in one for one in told)
    (guacamole,) = await place.door.get("clients", clientId="guacamole")
    assert guacamole["redirectUris"] == ["https://node.hospital.example/guacamole/"]

    # A new signing key reaches dataset-service, and nobody else is touched.
    revisions = place.node.revisions()
    body = {"name": "newer", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider"}
    await place.door.write("POST", "components", body | {"config": {"priority": ["200"], "algorithm": ["RS256"]}})
    second = (await place.door.get("keys"))["active"]["RS256"]
    assert second != first
    place.again()
    place.kubectl.until(lambda: place.configuration()["auth"]["token_validation"]["kid"] == second, SECONDS)

    def upgraded() -> set[str]:
        return {name for name, revision in place.node.revisions().items() if revision != revisions[name]}

    place.kubectl.until(upgraded, SECONDS)
    place.node.until("Rehearsed")
    assert upgraded() == {"dataset-service"}


async def test_what_is_wrong_is_said_with_advice_and_the_rest_converges(place: Place) -> None:
    mail = {"host": "mail.hospital.example", "sender": "node@hospital.example", "user": "node"}
    place.spec["identity"]["smtp"] = mail | {"passwordRef": {"name": "mail", "key": "p"}}
    place.node.declare(**place.spec)
    place.until_said("the secret smtp is missing", "See that the Secret")
    assert place.node.until("RealmConverged", "False", SECONDS)["reason"] == "SecretMissing"
    assert await place.door.get("clients", clientId="dataset-service"), "the rest of the realm is there"
    place.kubectl("create", "secret", "generic", "mail", "-n", place.node.namespace, "--from-literal=p=a-password-of-the-site")
    place.until_held()
    assert (await place.door.get(""))["smtpServer"]["user"] == "node"

    # The operator's own secret is wrong: nothing is done, and the node says what to do.
    right = place.secret("site-keycloak")["secret"]
    wrong = '{"data":{"secret":"' + base64.b64encode(b"wrong").decode() + '"}}'
    place.kubectl("patch", "secret", "site-keycloak", "-n", place.node.namespace, "-p", wrong)
    place.again()
    place.until_said("Keycloak refuses the login", "given-by-the-site")
    assert "wrong" not in place.identity()["message"]
    refused = place.node.until("RealmConverged", "False", SECONDS)
    assert (refused["reason"], "Give it the secret" in refused["message"]) == ("KeycloakLoginRefused", True)
    good = '{"data":{"secret":"' + base64.b64encode(right.encode()).decode() + '"}}'
    place.kubectl("patch", "secret", "site-keycloak", "-n", place.node.namespace, "-p", good)
    place.until_held()
    assert place.node.until("RealmConverged", seconds=SECONDS)["reason"] == "RealmAsDeclared"


async def test_a_wrong_secret_of_an_identity_provider_is_noticed_before_anybody_logs_in(place: Place) -> None:
    """The provider is the same Keycloak's realm itself, where the operator's client stands for the node's one there."""
    login, issuer = place.secret("site-keycloak"), place.spec["identity"]["external"]["issuer"]
    place.kubectl("create", "secret", "generic", "clinic", "-n", place.node.namespace, "--from-literal=secret=not-the-one")
    paths = {"authorizationUrl": "auth", "tokenUrl": "token", "userInfoUrl": "userinfo", "jwksUrl": "certs"}
    clinic = {"alias": "clinic", "kind": "oidc", "issuer": issuer, "clientId": "given-by-the-site"}
    clinic |= {name: f"{issuer}/protocol/openid-connect/{path}" for name, path in paths.items()}
    place.spec["identity"]["providers"] = [clinic | {"clientSecretRef": {"name": "clinic", "key": "secret"}}]
    place.node.declare(**place.spec)
    place.until_said("the identity provider clinic refuses the client given-by-the-site", "Put the secret")
    assert place.node.until("RealmConverged", "False", SECONDS)["reason"] == "ProviderSecretWrong"
    assert await place.door.get("clients", clientId="dataset-service"), "the rest of the realm is there"
    right = '{"data":{"secret":"' + base64.b64encode(login["secret"].encode()).decode() + '"}}'
    place.kubectl("patch", "secret", "clinic", "-n", place.node.namespace, "-p", right)
    place.until_held()


async def test_a_client_s_secret_is_changed_everywhere_and_a_lost_operator_comes_back(
    place: Place, operator: Operator
) -> None:
    place.node.declare(**place.spec)
    place.until_held()
    place.node.until("Rehearsed")
    old = place.secret("dataset-service-client")["secret"]
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "dataset-service-client.next",
            "labels": {
                "mininode.cancerimage.eu/node": "node",
                "mininode.cancerimage.eu/component": "dataset-service",
                "mininode.cancerimage.eu/credential": "next",
            },
        },
        "stringData": {"secret": "the-next-secret-of-the-dataset-service"},
    }
    place.kubectl.apply(body, namespace=place.node.namespace)
    gone = ("get", "secret", "dataset-service-client.next", "-n", place.node.namespace, "--ignore-not-found", "-o", "name")
    place.kubectl.until(lambda: not place.kubectl(*gone), SECONDS)
    new = place.secret("dataset-service-client")["secret"]
    assert new == "the-next-secret-of-the-dataset-service" != old
    assert (await place.door.get(f"clients/{await _id(place)}"))["secret"] == new
    assert place.configuration()["auth"]["client"]["client_secret"] == new

    # Everything of the operator but the credentials is lost, and the client's credential too: the realm has its secret.
    before = await place.writes()
    operator.stop()
    here = ("-n", place.node.namespace)
    place.kubectl("delete", "secrets", *here, "-l", "owner=mininode")
    place.kubectl("delete", "secret", "dataset-service-client", *here)
    place.kubectl("patch", "emn", "node", *here, "--subresource=status", "--type=merge", "-p", '{"status":{"components":[]}}')
    await asyncio.to_thread(operator.start)
    place.kubectl.until(lambda: place.kubectl.run("get", "secret", "dataset-service-client", *here).returncode == 0, SECONDS)
    place.until_held()
    assert place.secret("dataset-service-client")["secret"] == new, "taken over from the realm"
    assert await place.writes() == before


async def test_a_realm_that_others_made_is_planned_and_taken_over(
    place: Place, operator: Operator, site: servers.Keycloak, tmp_path: Path
) -> None:
    await upstream(place.world)
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"namespace": place.node.namespace, "node": {"domain": "node.hospital.example", **place.spec}}))
    command = [sys.executable, "-m", "mininode.cli.main", "plan", "--config", str(config), "--output", "json"]
    command += ["--kubeconfig", str(operator.rehearsal.kubeconfig)]
    environment = {**os.environ, "SSL_CERT_FILE": str(site.certificate), "PYTHONPATH": str(Path(__file__).parents[2] / "operator")}
    before = await place.writes()
    run = functools.partial(subprocess.run, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    done = await asyncio.to_thread(run, command)
    assert done.returncode == 0, done.stderr
    planned = {one["component"]: one for one in json.loads(done.stdout)}
    assert "the secret of dataset-service is taken over from the realm" in planned["identity"]["realm"]
    assert "client kubernetes-operator" not in str(planned["identity"]["realm"]), "workspaces are off: it is the site's own"
    assert [one for one in planned["identity"]["realm"] if one.startswith("client guacamole: redirectUris is ")]
    assert UPSTREAMS not in done.stdout
    assert await place.writes() == before, "a plan changes nothing"

    place.node.declare(**place.spec)
    place.until_held()
    assert place.secret("dataset-service-client")["secret"] == UPSTREAMS
    assert (await place.door.get("clients", clientId="oauth2p"))[0]["secret"] == SITES
    operations = {one["operationType"] for one in await place.door.get("admin-events", max="1000")}
    assert "DELETE" not in operations


async def _id(place: Place) -> str:
    (client,) = await place.door.get("clients", clientId="dataset-service")
    return str(client["id"])

"""The table of values that must be the same in several places: each place is visited, and holds the same."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from mininode.api.identity import Identity
from mininode.api.spec import NodeSpec
from mininode.assets import asset
from mininode.components.base import Checked, Facts, Node
from mininode.components.postgresql import DATABASES
from mininode.components.registry import all_components
from mininode.credentials.contract import SHARED, all_credentials, of_node
from mininode.engine.tend import credentials
from mininode.realm.desired import desired_realm

NODE = Node(
    "demo",
    "eucaim",
    NodeSpec(domain="node.hospital.example", identity=Identity(admins=("ada@hospital.example",))),
    on=tuple(all_components().values()),
    facts=Facts(signing_key_id="the-key"),
)
REALM = desired_realm(NODE, (one.name for one in NODE.on))


def configuration() -> dict[str, Any]:
    """What dataset-service reads, with the names of Secrets in place of their values."""
    (secret,) = all_components()["dataset-service"].rendered
    found: dict[str, Any] = json.loads(secret.render(NODE, tuple(f"{one.name}/{one.key}" for one in secret.inputs)))
    return found


def chart(name: str) -> str:
    return "".join(path.read_text() for path in sorted((asset("charts") / name / "templates").glob("*.yaml")))


def client_secret() -> list[str]:
    (client,) = [one for one in REALM.clients if one.client_id == "dataset-service"]
    _, credential = credentials(NODE, REALM)[client.secret]
    return [f"{credential.name}/{credential.generated[0].key}", configuration()["auth"]["client"]["client_secret"]]


def database(application: str) -> Callable[[], list[str]]:
    def places() -> list[str]:
        (login,) = [
            one for one in all_components()["postgresql"].credentials if one.fixed.get("database") == DATABASES[application]
        ]
        server = (asset("charts") / "postgresql" / "templates" / "_applications.tpl").read_text().split()
        assert application in server, "the database server mounts postgresql-APPLICATION of each of these"
        held = [f"{login.name}/{login.generated[0].key}"]
        if application == "dataset-service":
            return [*held, configuration()["db"]["password"]]
        variables = re.findall(r"secretKeyRef: \{name: (postgresql-\S+), key: (password)\}", chart(application))
        files = [(name, "password") for name in re.findall(r"secretName: (postgresql-\S+)", chart(application))]
        return [*held, *(f"{name}/{key}" for name, key in [*variables, *files])]

    return places


def administrator() -> list[str]:
    (credential,) = all_components()["guacamole"].credentials
    assert "MININODE_ADMIN_PASSWORD_FILE" in chart("guacamole")
    return [credential.name, *re.findall(r"secretName: (guacamole-\S+)", chart("guacamole"))]


def issuer() -> list[str]:
    return [REALM.issuer, configuration()["auth"]["token_validation"]["issuer"]]


PLACES: dict[str, Callable[[], list[str]]] = {
    "client secret of dataset-service": client_secret,
    "database password of keycloak": database("keycloak"),
    "database password of dataset-service": database("dataset-service"),
    "database password of guacamole": database("guacamole"),
    "password of Guacamole's administrator": administrator,
    "id of the signing key": lambda: [NODE.facts.signing_key_id, configuration()["auth"]["token_validation"]["kid"]],
    "issuer": issuer,
}


@pytest.mark.parametrize("one", [row for row in SHARED if row.name != "user name"], ids=lambda row: row.name)
def test_every_place_holds_the_same(one: Any) -> None:
    found = PLACES[one.name]()
    assert len(found) >= 2
    assert len(set(found)) == 1, found
    assert found[0]


def test_user_names_are_held_to_the_syntax_of_namespaces() -> None:
    pattern = REALM.profile["attributes"]["username"]["validations"]["pattern"]["pattern"]
    assert "A" not in pattern
    assert REALM.profile["attributes"]["username"]["validations"]["length"]["max"] <= 63 - len("user-")


def test_every_credential_that_two_know_is_in_the_table() -> None:
    """The superuser, the first start's administrator, the operator itself and people's first passwords are known to one alone."""
    alone = {"postgresql-superuser", "keycloak-admin", "identity-operator"}
    shared = {credential.name for _, credential in of_node(NODE) if credential.checked is not Checked.PERSON} - alone
    assert {row.source for row in SHARED if row.source} == shared


def test_what_a_pod_mounts_can_be_changed_and_nothing_else() -> None:
    """An immutable Secret of which a pod on the machine has the old content is given in the old content to a pod that starts."""
    charts = "".join(chart(one.name) for one in NODE.on if one.chart) + (
        asset("charts") / "postgresql" / "templates" / "_applications.tpl"
    ).read_text()
    for component in NODE.on:
        for credential in all_credentials(NODE, component):
            application = credential.name.removeprefix("postgresql-")
            mounted = credential.name in charts or (component.name == "postgresql" and application in charts)
            assert credential.mounted == mounted, credential.name

"""`mininode credentials` as a person runs it: no value but on a terminal, and a change that reaches every place."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

NAME = "guacamole-admin"
NODE = ("-n", "eucaim-node")


@pytest.fixture
def password(kubectl: Callable[..., str]) -> Callable[[], str]:
    def read() -> str:
        return base64.b64decode(kubectl("get", "secret", NAME, *NODE, "-o", "jsonpath={.data.password}")).decode()

    return read


def test_the_list_has_every_credential_and_no_value(installed: Any, kubectl: Callable[..., str]) -> None:
    done = installed.run("credentials", "list", "-o", "json")
    assert done.returncode == 0, done.stderr
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert {"postgresql-superuser", "postgresql-keycloak", "dataset-service-client", NAME, "identity-operator"} <= found.keys()
    assert {one["state"] for one in found.values()} == {"there"}
    said = done.stdout + installed.run("credentials", "list").stdout
    secrets = json.loads(kubectl("get", "secrets", *NODE, "-l", "owner notin (helm,mininode)", "-o", "json"))["items"]
    kept = [one["data"].get(key) for one in secrets for key in ("password", "secret")]
    values = [base64.b64decode(text).decode() for text in kept if text]
    assert values
    assert [one for one in values if one in said] == []


def test_a_value_is_shown_on_a_terminal_and_nowhere_else(installed: Any, password: Callable[[], str]) -> None:
    refused = installed.run("credentials", "show", NAME)
    assert refused.returncode == 2
    assert "terminal" in refused.stderr
    assert password() not in refused.stdout + refused.stderr
    code, screen = installed.terminal("credentials", "show", NAME)
    assert code == 0
    assert password() in screen


def test_one_that_there_is_not_is_told_with_those_that_there_are(installed: Any) -> None:
    done = installed.run("credentials", "rotate", "moon", "--yes")
    assert done.returncode == 2
    assert NAME in done.stderr


def test_the_operator_s_own_is_refused_before_anything_is_wished_for(installed: Any, kubectl: Callable[..., str]) -> None:
    done = installed.run("credentials", "rotate", "identity-operator", "--yes")
    assert done.returncode == 2
    assert "mininode credentials import identity-operator" in done.stderr
    assert "identity-operator.next" not in kubectl("get", "secrets", "-o", "name", *NODE)


def test_without_a_terminal_a_change_needs_a_yes(installed: Any, password: Callable[[], str]) -> None:
    before = password()
    done = installed.run("credentials", "rotate", NAME)
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    assert password() == before


def test_a_change_reaches_the_secret_and_the_pods_that_read_it(
    installed: Any, kubectl: Callable[..., str], password: Callable[[], str]
) -> None:
    marks = ("get", "deployment", "-o", "jsonpath={.items[*].spec.template.metadata.annotations}", *NODE)
    before, untouched = password(), kubectl(*marks, "-l", "mininode.cancerimage.eu/component=keycloak")
    done = installed.run("credentials", "rotate", NAME, "--yes")
    assert done.returncode == 0, done.stderr
    assert "changed everywhere" in done.stdout
    assert password() != before
    assert "credential-guacamole-admin" in kubectl(*marks)
    assert kubectl(*marks, "-l", "mininode.cancerimage.eu/component=keycloak") == untouched
    assert "guacamole-admin.next" not in kubectl("get", "secrets", "-o", "name", *NODE)
    assert installed.run("status").returncode == 0


def test_a_value_of_ones_own_comes_from_a_file(installed: Any, password: Callable[[], str]) -> None:
    file = installed.folder / "password.txt"
    file.write_text("a-password-of-the-site\n")
    done = installed.run("credentials", "import", NAME, "--from-file", str(file), "--yes")
    assert done.returncode == 0, done.stderr
    assert "a-password-of-the-site" not in done.stdout + done.stderr
    assert password() == "a-password-of-the-site"


@pytest.mark.parametrize("value", ["", "two\tparts", " blank", "ümlaut"])
def test_a_value_that_not_everything_takes_is_refused(installed: Any, password: Callable[[], str], value: str) -> None:
    before, file = password(), installed.folder / "wrong.txt"
    file.write_text(value)
    done = installed.run("credentials", "import", NAME, "--from-file", str(file), "--yes")
    assert done.returncode == 2
    assert password() == before

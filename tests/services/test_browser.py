"""The two logins that people see, through a real browser. With PICTURES set to a folder, the pictures of docs/identity.md."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import servers
from browser import Page, chromium
from people import Person, fragment
from world import World

from mininode.api.identity import Identity, LsAai
from mininode.api.model import SecretKey

NODE = f"https://{servers.DOMAIN}"
PASSWORD = "a-password-of-her-own"  # noqa: S105 - of a person in a throw-away realm


@pytest.fixture
def page(world: World, tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path, servers.DOMAIN, world.server.https_port) as found:
        yield found


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("PICTURES") or tmp_path)


def _log_in(page: Page, picture: Path) -> None:
    page.until("document.readyState === 'complete' && !!document.querySelector('#kc-form-login')")
    page.picture(picture)
    page.run(f"document.querySelector('#username').value = 'ada'; document.querySelector('#password').value = '{PASSWORD}'")
    page.run("document.querySelector('#kc-login').click()")


async def test_guacamoles_login_in_a_browser(world: World, page: Page, pictures: Path) -> None:
    await world.converge()
    await world.make_person("ada", PASSWORD, ("data-scientists",))
    person = Person(world.server, world.realm)
    asked = {"response_type": "id_token", "scope": "openid email profile", "nonce": "n-1"}
    page.open(person.login("guacamole", f"{NODE}/guacamole/", **asked))
    _log_in(page, pictures / "login-guacamole.png")
    page.until(f"location.href.startsWith('{NODE}/guacamole/')")
    token = fragment(httpx.URL(page.run("location.href")))["id_token"]
    claims = await person.read(token)
    await person.http.aclose()
    assert (claims["aud"], claims["preferred_username"], claims["groups"]) == ("guacamole", "ada", ["data-scientists"])


async def test_explorers_login_in_a_browser(world: World, page: Page, pictures: Path) -> None:
    world.want(Identity(ls_aai=LsAai(client_id="node", client_secret_ref=SecretKey(name="ls", key="secret"))))
    await world.converge()
    await world.make_person("ada", PASSWORD, ("data-scientists",))
    person = Person(world.server, world.realm)
    page.open(person.login("dataset-explorer", f"{NODE}/dataset-service/web"))
    _log_in(page, pictures / "login-explorer.png")
    page.until(f"location.href.startsWith('{NODE}/dataset-service/web')")
    person.landed = httpx.URL(page.run("location.href"))
    claims = await person.tokens("dataset-explorer")
    await person.http.aclose()
    assert claims["resource_access"]["dataset-service"]["roles"] == ["use_datasets"]

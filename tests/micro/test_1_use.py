"""A node in real pods: Ready, left alone by a second run, used by people and programs, every pod killed.

The applications behind are those of the lab (tests/lab/images): dataset service and Guacamole are stand-ins there.
"""

from pathlib import Path

import httpx
import pytest
from browser import Page
from micro_node import DOMAIN, HTTP, NAMESPACE, SYSTEM, condition, install, pods, read, ready, secret
from person import Person, until
from visitors import DATASETS, EXPLORER, PASSWORD, SITE, Program, authorization, log_in, logged_in, token_of

pytestmark = pytest.mark.micro

ROTATED = ("postgresql-guacamole", "postgresql-keycloak", "dataset-service-client")


def test_every_gate_holds_because_it_holds(person: Person) -> None:
    assert ready(person)
    assert condition(person, "Rehearsed")["status"] == "False"
    assert condition(person, "CertificateFresh")["status"] == "True"
    assert condition(person, "RealmConverged")["status"] == "True"
    assert condition(person, "DataDiskHasRoom")["status"] == "True"
    running = pods(person)
    assert {one["metadata"]["labels"]["app.kubernetes.io/name"] for one in running} == {
        "postgresql", "keycloak", "edge", "dataset-service", "guacamole",
    }  # fmt: skip
    assert all(one["ready"] for pod in running for one in pod["status"]["containerStatuses"])


def test_a_second_run_changes_nothing(person: Person) -> None:
    def state() -> dict[str, str]:
        releases = read(person, "secrets", "-l", "owner=helm")["items"]
        return {one["metadata"]["name"]: one["metadata"]["uid"] for one in (*releases, *pods(person))}

    before = state()
    install(person)
    assert state() == before


def test_the_front_page_leads_to_what_there_is(page: Page, pictures: Path) -> None:
    page.open(f"{SITE}/")
    page.until("document.readyState === 'complete' && document.links.length > 0")
    leads = page.run("Array.from(document.links, link => link.href)")
    assert sorted(leads) == [f"{SITE}/dataset-service/web/", f"{SITE}/guacamole/"]
    page.picture(pictures / "micro-portal.png")


def test_http_leads_to_https(person: Person) -> None:  # noqa: ARG001 - its node is asked
    answer = httpx.get(f"http://127.0.0.1:{HTTP}/auth", headers={"Host": DOMAIN}, trust_env=False)
    assert answer.status_code in {301, 308}
    assert answer.headers["location"] == f"{SITE}/auth"


def test_an_administrator_changes_the_password_at_the_first_login_and_makes_a_data_set(
    person: Person, page: Page, program: Program, pictures: Path
) -> None:
    name = next(
        one["metadata"]["name"]
        for one in read(person, "secrets")["items"]
        if one["metadata"]["name"].startswith("identity-admin-")
    )
    page.open(authorization())
    log_in(page, secret(person, name, "password"))
    page.until("!!document.querySelector('#password-new')")
    page.picture(pictures / "micro-first-password.png")
    page.run(f"for (const id of ['password-new', 'password-confirm']) document.getElementById(id).value = '{PASSWORD}'")
    page.run("document.querySelector('#password-new').form.requestSubmit(document.querySelector('[type=submit]'))")
    page.until(f"!!document.querySelector('#firstName') || location.href.startsWith('{EXPLORER}')")
    if page.run("!!document.querySelector('#firstName')"):
        page.run("document.querySelector('#firstName').value = 'Ada'; document.querySelector('#lastName').value = 'Lovelace'")
        page.run("document.querySelector('#firstName').form.requestSubmit(document.querySelector('[type=submit]'))")
    token = token_of(page, program)
    made = program.ask("POST", DATASETS, token, json={"name": "Kept", "description": "stays"})
    assert made.status_code == 201, made.text
    assert program.datasets(token)["Kept"]["description"] == "stays"


def test_guacamole_by_openid_and_out_again(page: Page, pictures: Path) -> None:
    page.open(f"{SITE}/guacamole/")
    page.until("!!document.querySelector('#openid') && !document.querySelector('#openid').hidden")
    page.run("document.querySelector('#openid').click()")
    log_in(page, PASSWORD)
    page.until("!!document.querySelector('#logout') && !document.querySelector('#logout').hidden")
    assert "Logged in as" in page.run("document.querySelector('#state').textContent")
    page.picture(pictures / "micro-guacamole.png")
    page.run("document.querySelector('#logout').click()")
    page.until("!!document.querySelector('#openid') && !document.querySelector('#openid').hidden")


def test_a_service_is_answered_with_its_token_and_refused_without(person: Person, program: Program) -> None:
    values = {key: secret(person, "dataset-service-client", key) for key in ("client-id", "secret")}
    token = program.token(grant_type="client_credentials", client_id=values["client-id"], client_secret=values["secret"])
    assert program.ask("GET", DATASETS, token).status_code == 200
    assert program.ask("GET", DATASETS, token[:-8] + "AAAAAAAA").status_code == 401
    assert program.ask("POST", DATASETS, json={"name": "Nobody's", "description": ""}).status_code == 401


def test_every_pod_killed_once_all_are_back(person: Person, page: Page, program: Program) -> None:
    for namespace in (NAMESPACE, SYSTEM):
        before = {one["metadata"]["uid"] for one in pods(person, namespace)}
        person.kubectl("delete", "pods", "-n", namespace, "--grace-period=0", "--force", "--field-selector=status.phase=Running")

        def back(namespace: str = namespace, before: set[str] = before) -> bool:
            found = pods(person, namespace)
            whole = {"True"}
            here = [{c["status"] for c in one["status"].get("conditions", ()) if c["type"] == "Ready"} for one in found]
            new = before.isdisjoint(one["metadata"]["uid"] for one in found)
            return len(found) == len(before) and new and all(one == whole for one in here)

        until(back, 300, f"the pods of {namespace} are back")
    until(lambda: ready(person), 300, "every gate holds")
    assert "Kept" in program.datasets(logged_in(page, program))


@pytest.mark.parametrize("name", ROTATED)
def test_a_changed_credential_reaches_everybody_and_refuses_nobody(
    person: Person, page: Page, program: Program, name: str
) -> None:
    key = "secret" if name.endswith("-client") else "password"
    before = secret(person, name, key)
    done = person.run("credentials", "rotate", name, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert secret(person, name, key) != before
    until(lambda: ready(person), 300, "every gate holds")
    assert "Kept" in program.datasets(logged_in(page, program))
    # The operator itself tries the new value once, before the server knows it.
    said = "".join(person.kubectl("logs", one, "-n", NAMESPACE) for one in ("postgresql-0", "deployment/keycloak"))
    refused = ("password authentication failed", "invalid_client_credentials")
    assert sum(said.count(words) for words in refused) <= ROTATED.index(name) + 1

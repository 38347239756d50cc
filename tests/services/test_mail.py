"""Messages that Keycloak really sends, to a mail server on loopback, with what the spec and the Secret say."""

import asyncio
import email
import email.policy
import re
from collections.abc import AsyncIterator

import pytest
from mail import MailServer, mail_server
from people import Person
from test_login import EXPLORER, OTHER, PASSWORD
from world import World

from mininode.api.identity import Identity, Smtp, SmtpEncryption
from mininode.api.model import SecretKey

SECONDS = 60


@pytest.fixture
async def post() -> AsyncIterator[MailServer]:
    async with mail_server("node", "the-mail-password") as one:
        yield one


@pytest.fixture
async def ada(world: World) -> AsyncIterator[Person]:
    person = Person(world.server, world.realm)
    yield person
    await person.http.aclose()


def _smtp(post: MailServer) -> Identity:
    ref = SecretKey(name="mail", key="password")
    server = {"host": "127.0.0.1", "port": post.port, "encryption": SmtpEncryption.NONE}
    return Identity(smtp=Smtp(**server, sender="node@hospital.example", user="node", password_ref=ref))


async def test_forgotten_password_comes_by_message_and_lets_one_in(world: World, post: MailServer, ada: Person) -> None:
    world.want(_smtp(post))
    world.secrets["smtp"] = "the-mail-password"
    await world.converge()
    await world.make_person("ada", PASSWORD)
    await ada.open(*EXPLORER)
    await ada.click("reset-credentials")
    await ada.send(username="ada")
    await asyncio.wait_for(post.arrived.wait(), SECONDS)
    message = email.message_from_string(post.messages[0], policy=email.policy.default)
    assert (message["From"], message["To"]) == ("Hospital Example <node@hospital.example>", "ada@hospital.example")
    text = message.get_body(("plain",)).get_content()
    link = re.search(r"https://\S+/login-actions/action-token\S+", text)
    assert link, text
    await ada.visit(link[0].rstrip('">)'))
    await ada.send(**{"password-new": OTHER, "password-confirm": OTHER})
    assert (await ada.tokens("dataset-explorer"))["preferred_username"] == "ada"
    assert (await world.reconcile()).writes == ()


async def test_changed_mail_password_is_brought_to_keycloak(world: World, post: MailServer, ada: Person) -> None:
    world.want(_smtp(post))
    world.secrets["smtp"] = "an-old-password"
    await world.converge()
    await world.make_person("ada", PASSWORD)
    await ada.open(*EXPLORER)
    await ada.click("reset-credentials")
    await ada.send(username="ada")
    assert post.messages == []
    assert post.refused >= 1
    world.secrets["smtp"] = "the-mail-password"
    report = await world.converge()
    assert [one.kind for one in report.differences] == ["mail server"]
    again = Person(world.server, world.realm)
    await again.open(*EXPLORER)
    await again.click("reset-credentials")
    await again.send(username="ada")
    await asyncio.wait_for(post.arrived.wait(), SECONDS)
    await again.http.aclose()

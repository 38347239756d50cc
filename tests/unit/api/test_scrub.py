"""Secrets in text of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mininode.api.scrub import scrubbed

SECRET = "hunter2hunter2"  # noqa: S105 - the marked one


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        f'invalid field "dbPassword": "{SECRET}" in values',
        f"POSTGRES_PASSWORD: '{SECRET} with blanks'",
        f"cannot connect to postgresql://app:{SECRET}@db:5432/app",
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
        f"token is eyJhbGciOiJub25l.{SECRET}.x",
        f"client_secret={SECRET}&grant_type=x",
        f"Error: INSTALLATION FAILED: password={SECRET}",
        f"password: token: {SECRET}",
    ],
)
def test_what_is_a_secret_goes(text: str) -> None:
    assert SECRET not in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        "exceeded quota: blocks, requested: count/statefulsets.apps=1, used: count/statefulsets.apps=0",
        'Secret "guacamole-admin" not found',
        "Deployment guacd has 0 of 1 pods ready: pod guacd-7b4 can't be placed: 0/1 nodes are available",
        "secretName: postgresql-superuser",
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert scrubbed(text) == text


@given(st.text())
def test_any_text_is_scrubbed_once_and_for_all(text: str) -> None:
    once = scrubbed(text)
    assert scrubbed(once) == once

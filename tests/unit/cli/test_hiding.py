"""What leaves a site in a support bundle has no secret in it, in whatever form the secret travels."""

import base64
import json

import pytest
import yaml

from mininode.cli.hiding import Hider

VALUE = "Qm4rkedS3cret-1"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQC7VJTU\n-----END PRIVATE KEY-----\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def hider() -> Hider:
    hider = Hider()
    hider.learn_secret(
        {"password": encoded(VALUE), "tls.key": encoded(KEY), "username": encoded("keycloak-user"), "pin": encoded("1234")}
    )
    return hider


@pytest.mark.parametrize(
    "text",
    [
        VALUE,
        f"FATAL: login failed for {VALUE}!",
        encoded(VALUE),
        encoded(KEY),
        KEY,
        json.dumps({"note": KEY}),
        "AASCBKcwggSjAgEAAoIBAQC7VJTU",
        f'{{"say": "{VALUE}"}}',
        "db_password=" + "unknown-value-9",
        "Authorization: Bearer abcdef0123456789",
        "postgres://u:unknown-value-9@db/x",
    ],
)
def test_it_is_gone(hider: Hider, text: str) -> None:
    shown = hider.hidden(text)
    for secret in (VALUE, encoded(VALUE), "AASCBKcwggSjAgEAAoIBAQC7VJTU", "unknown-value-9", "abcdef0123456789"):
        assert secret not in shown


def test_what_is_no_secret_stays(hider: Hider) -> None:
    text = "keycloak-user logged in, 1234 rows, Secret postgresql-keycloak has key password"
    assert hider.hidden(text) == text


def test_objects_lose_values_that_are_secret_by_their_name(hider: Hider) -> None:
    pod = {
        "metadata": {
            "name": "p",
            "managedFields": ["x"],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": VALUE},
        },
        "spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": "unknown-value-9"}, {"name": "MODE", "value": "fast"}]}]},
    }
    masked = hider.masked(pod)
    assert masked["spec"]["containers"][0]["env"] == [
        {"name": "DB_PASSWORD", "value": "[hidden]"},
        {"name": "MODE", "value": "fast"},
    ]
    assert masked["metadata"] == {"name": "p", "annotations": {}}


def test_a_secret_in_a_manifest_keeps_its_keys_only(hider: Hider) -> None:
    text = yaml.safe_dump_all([{"kind": "Secret", "data": {"a": encoded("another-secret")}, "stringData": {"b": "third-secret"}}])
    masked = hider.masked_yaml(text)
    assert yaml.safe_load(masked) == {"kind": "Secret", "data": {"a": "[hidden]"}, "stringData": {"b": "[hidden]"}}
    assert "another-secret" not in hider.hidden("a log that says another-secret and third-secret")


def test_values_keep_their_shape(hider: Hider) -> None:
    value = {"a": [f"say {VALUE}", 7, None], "password": "unknown-value-9", "note": 'token: "abc", more: 1'}
    shown = hider.hidden_in(value)
    assert json.loads(json.dumps(shown)) == shown
    assert shown["a"] == ["say [hidden]", 7, None]
    assert "abc" not in shown["note"]

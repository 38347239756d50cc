"""The examination of a token: each thing that an application would stumble over is found, and only then is it refused."""

import base64
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mininode.keycloak.errors import KeycloakError
from mininode.keycloak.tokens import TokenWrong, examine, read_token
from mininode.keycloak.versions import check_version
from mininode.realm.model import ServiceAccountCheck

ISSUER = "https://node.hospital.example/auth/realms/EUCAIM-NODE"
CHECK = ServiceAccountCheck("caller", "client/caller", "service", {"service": ("read", "write"), "": ("member",)})
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": ["service", "account"],
    "exp": 2_000_000_000,
    "iat": 1,
    "sub": "1",
    "preferred_username": "service-account-caller",
    "resource_access": {"service": {"roles": ["read", "write", "more"]}},
    "realm_access": {"roles": ["member"]},
}


def test_good_token_passes() -> None:
    examine(GOOD, CHECK, ISSUER)
    examine(GOOD | {"aud": "service"}, CHECK, ISSUER)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iss": "http://keycloak:8080/auth/realms/EUCAIM-NODE"}, "issuer"),
        ({"aud": ["account"]}, "not for service"),
        ({"aud": None}, "for nobody"),
        ({"sub": None}, "lacks sub"),
        ({"preferred_username": ""}, "preferred_username"),
        ({"resource_access": {"service": {"roles": ["read"]}}}, "roles write of service"),
        ({"resource_access": {}}, "roles read, write"),
        ({"realm_access": {}}, "member of the realm"),
    ],
)
def test_token_with_one_fault_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(TokenWrong, match=words):
        examine(GOOD | change, CHECK, ISSUER)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(key: rsa.RSAPrivateKey, claims: dict[str, Any], **header: str) -> str:
    head = _text(json.dumps({"alg": "RS256", "kid": "k1"} | header).encode())
    body = _text(json.dumps(claims).encode())
    return f"{head}.{body}.{_text(key.sign(f'{head}.{body}'.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _published(key: rsa.RSAPrivateKey) -> list[dict[str, Any]]:
    numbers = key.public_key().public_numbers()
    return [{"kid": "k1", "n": _text(numbers.n.to_bytes(256, "big")), "e": _text(numbers.e.to_bytes(3, "big"))}]


def test_signed_token_is_read(key: rsa.RSAPrivateKey) -> None:
    claims = {"exp": time.time() + 60, "sub": "x"}
    assert read_token(_signed(key, claims), _published(key)) == claims


@pytest.mark.parametrize(("header", "words"), [({"alg": "none"}, "signed with none"), ({"kid": "k2"}, "k2 is not among")])
def test_token_of_another_kind_is_refused(key: rsa.RSAPrivateKey, header: dict[str, str], words: str) -> None:
    with pytest.raises(TokenWrong, match=words):
        read_token(_signed(key, {"exp": time.time() + 60}, **header), _published(key))


def test_token_signed_by_somebody_else_is_refused(key: rsa.RSAPrivateKey) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    with pytest.raises(TokenWrong, match="signature"):
        read_token(_signed(stranger, {"exp": time.time() + 60}), _published(key))


def test_token_that_ended_is_refused(key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(TokenWrong, match="ended"):
        read_token(_signed(key, {"exp": time.time() - 1}), _published(key))


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "!.!.!"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenWrong):
        read_token(text, [])


@pytest.mark.parametrize("version", ["26.7.2", "26.7.3", "26.7.10"])
def test_known_versions(version: str) -> None:
    check_version(version)


@pytest.mark.parametrize("version", ["", "26.7.1", "26.8.0", "27.0.0", "25.0.6", "nightly"])
def test_versions_that_nothing_is_written_to(version: str) -> None:
    with pytest.raises(KeycloakError, match="version") as found:
        check_version(version)
    assert "Nothing was changed" in found.value.advice

"""Every key of mini-node's configuration has its fate, and no value of a secret is ever told."""

from typing import Any

import pytest

from mininode.cli.upstream_keys import Fate, migrated

WHOLE: dict[str, Any] = {
    "host_path": "/home/ubuntu/minikube-data/",
    "public_domain": "node.hospital.eu",
    "use_gateway_api": False,
    "postgres": {"db_password": "PLAINTEXT", "username": "u", "database": "d", "db_host": "h", "db_port": 1},
    "keycloak": {
        "admin_username": "admin", "admin_password": "PLAINTEXT", "db_password": "PLAINTEXT", "client_secret": "PLAINTEXT",
        "admin_emails": "ada@hospital.eu, bob@hospital.eu",
        "idp_lsri": {"enabled": "true", "client_id": "abc-123", "client_secret": "PLAINTEXT"},
    },
    "platform_admin_user": {"username": "x", "email": "ada@hospital.eu", "password": "PLAINTEXT"},
    "oidc": {
        "authorization_endpoint": "a", "jwks_endpoint": "b", "issuer": "c", "clientID": "d", "redirect_uri": "e",
        "username_claim_type": "f", "groups_claim_type": "g", "node_name": "h",
    },
    "letsencrypt": {"email": "it@hospital.eu", "use_staging": True},
    "tracer": {"url": ""},
    "guacamole": {
        "password": "PLAINTEXT", "adminPassword": "PLAINTEXT", "username": "g", "database": "g", "hostname": "h", "port": 5432,
    },
    "orthanc": {
        "patient_id_encryption_key": "PLAINTEXT", "db_orthanc_password": "PLAINTEXT", "db_keycloak_password": "PLAINTEXT",
        "kc_admin_user": "x", "kc_admin_password": "PLAINTEXT", "kc_client_secret": "PLAINTEXT", "svc_internal_user": "x",
        "svc_internal_password": "PLAINTEXT", "auth_secret_key": "PLAINTEXT", "admin_username": "admin",
        "admin_password": "PLAINTEXT", "node_name": "o",
    },
    "focus": {
        "provider": "p", "focus_api_key": "PLAINTEXT", "dataset_service_auth_header": "Basic PLAINTEXT", "beam_broker_url": "b",
        "root_crt_pem": "c", "proxy_private_key_pem": "PLAINTEXT",
    },
    "fem": {"node_name": "EUCAIM", "node_password": "PLAINTEXT"},
}  # fmt: skip


def leaves(data: dict[str, Any]) -> int:
    return sum(leaves(value) if isinstance(value, dict) else 1 for value in data.values())


def test_every_key_of_the_whole_file_is_known_and_told_once() -> None:
    done = migrated(WHOLE)
    assert len(done.told) == leaves(WHOLE) == len({one.key for one in done.told})
    assert [one.key for one in done.told if one.fate is Fate.UNKNOWN] == []


def test_no_secret_leaves() -> None:
    assert "PLAINTEXT" not in repr(migrated(WHOLE))


def test_what_is_taken() -> None:
    assert migrated(WHOLE).answers == {
        ("computer", "dataFolder"): "/home/ubuntu/minikube-data",
        ("node", "domain"): "node.hospital.eu",
        ("node", "identity", "admins"): ["ada@hospital.eu", "bob@hospital.eu"],
        ("node", "identity", "lsAai", "clientId"): "abc-123",
        ("node", "identity", "lsAai", "clientSecretRef", "name"): "ls-login",
        ("node", "identity", "lsAai", "clientSecretRef", "key"): "client-secret",
        ("node", "tls", "mode"): "acme",
        ("node", "contact"): "it@hospital.eu",
    }


@pytest.mark.parametrize(
    ("data", "key", "fate", "words"),
    [
        ({"public_domain": "https://x"}, "public_domain", Fate.LOOK, "does not fit node.domain"),
        ({"public_domain": 7}, "public_domain", Fate.LOOK, "does not fit node.domain"),
        ({"host_path": "../x"}, "host_path", Fate.LOOK, "does not fit"),
        ({"use_gateway_api": True}, "use_gateway_api", Fate.LOOK, "className"),
        ({"keycloak": {"idp_lsri": {"enabled": False}}}, "keycloak.idp_lsri.enabled", Fate.DERIVED, "off"),
        ({"keycloak": {"idp_lsri": {"enabled": True}}}, "keycloak.idp_lsri.enabled", Fate.LOOK, "without a client id"),
        ({"keycloak": {"idp_lsri": {"client_secret": "x"}}}, "keycloak.idp_lsri.client_secret", Fate.NO_EFFECT, "off"),
        ({"keycloak": {"admin_emails": "nobody"}}, "keycloak.admin_emails", Fate.LOOK, "no e-mail"),
        ({"tracer": None}, "tracer", Fate.NO_EFFECT, "empty"),
        ({"oidc": {"isuer": "x"}}, "oidc.isuer", Fate.UNKNOWN, "no such key"),
        ({"db_pasword": "x", "api_token": "PLAINTEXT"}, "api_token", Fate.UNKNOWN, "not shown"),
        ({"guacamole": {"adminPassword": "changeme"}}, "guacamole.adminPassword", Fate.MADE, "everybody knows"),
        ({}, "letsencrypt.email", Fate.LOOK, "ownCA"),
    ],
)
def test_one_key_at_a_time(data: dict[str, Any], key: str, fate: Fate, words: str) -> None:
    (told,) = [one for one in migrated(data).told if one.key == key]
    assert told.fate is fate
    assert words in told.said
    assert "PLAINTEXT" not in told.said


def test_a_name_that_no_authority_vouches_for_gets_an_authority_of_its_own() -> None:
    done = migrated({"public_domain": "node.hospital.local", "letsencrypt": {"email": "it@hospital.eu"}})
    assert done.answers["node", "tls", "mode"] == "ownCA"

"""`mininode secrets`: what a site brings goes into the cluster, from a file or a variable, and is nowhere shown."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mininode.cli.secrets import references

VALUE = "PLAINTEXT-of-the-site"


def value_of(kubectl: Callable[..., str], secret: str, key: str) -> str:
    data = json.loads(kubectl("get", "secret", secret, "-n", "eucaim-node", "-o", "json"))["data"]
    return base64.b64decode(data[key]).decode()


def test_from_a_file_and_from_a_variable_other_keys_stay_and_no_value_is_shown(
    installed: Any, kubectl: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(VALUE)
    try:
        first = installed.run("secrets", "set", "mail-account", "password", "--from-file", str(file))
        assert first.returncode == 0, first.stderr
        installed.extra["MAIL_USER"] = "node"
        second = installed.run("secrets", "set", "mail-account", "user", "--from-env", "MAIL_USER")
        assert second.returncode == 0, second.stderr
        assert value_of(kubectl, "mail-account", "password") == VALUE
        assert value_of(kubectl, "mail-account", "user") == "node"
        file.write_text("another")
        again = installed.run("secrets", "set", "mail-account", "password", "--from-file", str(file))
        assert "password is changed" in again.stdout
        assert value_of(kubectl, "mail-account", "password") == "another"
        assert VALUE not in first.stdout + first.stderr + second.stdout + again.stdout
    finally:
        installed.extra.pop("MAIL_USER", None)
        kubectl("delete", "secret", "mail-account", "-n", "eucaim-node", "--ignore-not-found")


def test_the_list_of_a_node_that_names_none(installed: Any) -> None:
    assert installed.run("secrets", "list").stdout == "The node's spec names no Secret.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Mail_Account", "pass word", "--from-env", "X"), "is no key of a Secret"),
        (("mail", "password"), "no terminal to type a value on"),
        (("mail", "password", "--from-env", "NOT_SET"), "the value is empty"),
        (("mail", "password", "--from-file", "none"), "can't be read"),
        (("mail", "password", "--from-file", "/dev/zero"), "larger than 256 KiB"),
        (("mail", "password", "--from-file", "x", "--from-env", "Y"), "one source"),
        (("node-certificate", "tls.crt", "--from-env", "KEY_PEM"), "this is a private key"),
        (("node-certificate", "tls.key", "--from-env", "HOME"), "no private key in PEM"),
    ],
)
def test_what_is_no_value_is_refused(blank: Any, arguments: tuple[str, ...], words: str) -> None:
    blank.extra["KEY_PEM"] = "-----BEGIN PRIVATE KEY-----\nPLAINTEXT\n"
    done = blank.run("secrets", "set", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "PLAINTEXT" not in done.stderr


def test_references_are_found_in_maps_and_lists() -> None:
    spec = {
        "tls": {"certificateRef": {"name": "c", "key": "tls.crt"}},
        "identity": {"providers": [{"clientSecretRef": {"name": "h", "key": "s"}}], "smtp": None},
    }
    assert [(one.field, one.name) for one in references(spec)] == [
        ("spec.tls.certificateRef", "c"),
        ("spec.identity.providers[0].clientSecretRef", "h"),
    ]

"""Finds secrets that were written where everybody may read them. The value itself never leaves this file."""

import re
from collections.abc import Iterator
from typing import Any

from mininode.api.text import Path

PROBLEM = "looks like a secret written in the open; its value is not shown here"
ADVICE = (
    "Remove it: mininode makes its own passwords. One that you bring goes into a Secret of the cluster, and here stand"
    " only the name and key of that Secret"
)

# Endings of a key's name, in lower case and without '-' and '_'. A plural or a reference is handled below.
_SECRET_ENDINGS = (
    "password", "passwd", "passphrase", "passwort", "pwd", "secret", "token", "apikey", "accesskey", "secretkey",
    "privatekey", "signingkey", "encryptionkey", "masterkey", "privatekeyref", "credential", "clientsecret", "authkey",
)  # fmt: skip
# These name a Secret and hold none: Helm charts' usual words for a reference.
_REFERENCE = re.compile(
    r"(existing|image)?pull(secret|credential)s?|existing\w*|\w*(secretname|secretref|credentialsname)"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")
_KEY = re.compile(r"([A-Za-z][\w.-]*)[\"']?\s*[:=]")


def inline_secrets(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of everything below `value` that looks like a secret by its name, or by what it is."""
    pending: list[tuple[Path, Any, bool]] = [(path, value, False)]
    while pending:
        here, current, named = pending.pop()
        if isinstance(current, dict):
            pair = isinstance(current.get("name"), str) and names_secret(
                current["name"]
            )  # env: [{name: DB_PASSWORD, value: …}]
            for key, child in current.items():
                secret = names_secret(str(key)) or (pair and key == "value")
                pending.append(((*here, key), child, secret and not isinstance(child, dict)))
        elif isinstance(current, list):
            pending.extend(((*here, index), child, named) for index, child in enumerate(current))
        elif (named and _has_value(current)) or (isinstance(current, str) and looks_secret(current)):
            yield here


def names_secret(key: str) -> bool:
    """Whether a field of this name would hold a secret."""
    plain = key.lower().replace("-", "").replace("_", "").replace(".", "")
    if _REFERENCE.fullmatch(plain):
        return False
    return plain.endswith(_SECRET_ENDINGS) or plain.removesuffix("s").endswith(_SECRET_ENDINGS)


def looks_secret(text: str) -> bool:
    """Whether a text is a secret by its form: a private key, or an address with a password in it."""
    return _PEM.search(text) is not None or _URL_PASSWORD.search(text) is not None


def line_holds_secret(line: str) -> bool:
    """Whether a line of text may hold a secret, for text that is not (or not yet) known to be YAML."""
    return looks_secret(line) or any(names_secret(key) for key in _KEY.findall(line))


def _has_value(value: Any) -> bool:
    """Truth values and empty ones give nothing away: `automountServiceAccountToken: false`."""
    return value is not None and not isinstance(value, bool) and value != ""

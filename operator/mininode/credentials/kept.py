"""A node's credentials as the text of one file, which lies beside the data that they open.

A database that was kept is of no use without its passwords, and those live in etcd, which goes with a cluster. Pure: what the
file says is decided here; `engine/keep.py` reads and writes it. With a pass phrase the credentials are encrypted (scrypt, then
AES-256-GCM); whose they are stays readable, and is protected against change.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mininode.api import COMPONENT_LABEL, NODE_LABEL
from mininode.components.base import Node
from mininode.credentials.store import CREDENTIAL_LABEL, KEPT_LABEL_VALUE
from mininode.errors import MininodeError

FORMAT = 1
_N, _R, _P = 2**15, 8, 1  # scrypt: 32 MiB and about a tenth of a second (RFC 7914, section 2)
_SALT, _NONCE, _KEY = 16, 12, 32  # bytes

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """One Secret: its component, its type, and its values as Kubernetes writes them (base64)."""

    component: str
    kind: str
    data: Mapping[str, str]
    immutable: bool = False


Kept = dict[str, KeptSecret]


def file_name(namespace: str, node: str) -> str:
    """The file's name: one for each node of a machine."""
    return f"{namespace}.{node}.json"  # a dot can't be part of a namespace's name


def from_objects(objects: list[Object]) -> Kept:
    """Secrets of the API server as they are kept."""
    return {
        one["metadata"]["name"]: KeptSecret(
            one["metadata"]["labels"][COMPONENT_LABEL],
            one.get("type", "Opaque"),
            dict(one.get("data") or {}),
            bool(one.get("immutable", False)),
        )
        for one in objects
    }


def to_object(node: Node, name: str, one: KeptSecret) -> Object:
    """A kept Secret as it was made (credentials/store.py)."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": node.namespace,
            "labels": {
                NODE_LABEL: node.name,
                COMPONENT_LABEL: one.component,
                CREDENTIAL_LABEL: KEPT_LABEL_VALUE,
                "app.kubernetes.io/managed-by": "mininode",
            },
        },
        "type": one.kind,
        "data": dict(one.data),
        **({"immutable": True} if one.immutable else {}),
    }


def text_of(node: Node, kept: Kept, passphrase: str | None) -> str:
    """The file's text. Two with a pass phrase differ though they say the same: salt and nonce are fresh."""
    about = {"format": FORMAT, "node": node.name, "namespace": node.namespace, "domain": node.spec.domain}
    body = {
        name: {"component": one.component, "type": one.kind, "data": dict(one.data), "immutable": one.immutable}
        for name, one in sorted(kept.items())
    }
    if passphrase is None:
        return json.dumps({**about, "secrets": body}, indent=1) + "\n"
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, json.dumps(body).encode(), _whose(about))
    hidden = {"scrypt": [_N, _R, _P], "salt": _text(salt), "nonce": _text(nonce), "aes256gcm": _text(sealed)}
    return json.dumps({**about, "encrypted": hidden}, indent=1) + "\n"


def read(text: str, node: Node, passphrase: str | None, place: str) -> Kept:
    """What a file says. Raises MininodeError, with what to do, when it can't be told, or is another node's."""
    try:
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise _unreadable(place, f"it has format {found['format']}, and this mininode knows {FORMAT}")
        whose = (found["namespace"], found["node"])
        if whose != (node.namespace, node.name):
            raise _unreadable(place, f"it belongs to node {whose[1]} in namespace {whose[0]}")
        body = found["secrets"] if "secrets" in found else _opened(found, passphrase, place)
        return {
            name: KeptSecret(one["component"], one["type"], dict(one["data"]), one["immutable"] is True)
            for name, one in body.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(place, "it is damaged") from error


def _opened(found: Object, passphrase: str | None, place: str) -> Object:
    if passphrase is None:
        raise MininodeError(
            f"the node's credentials in {place} are encrypted, and there is no pass phrase",
            "Name the Secret that holds it in spec.storage.passphraseRef, and make that Secret first.",
            reason="PassphraseMissing",
        )
    hidden = found["encrypted"]
    if hidden["scrypt"] != [_N, _R, _P]:  # the file must not decide how much memory it takes
        raise _unreadable(place, "it is encrypted with parameters that this mininode does not use")
    salt, nonce, sealed = (base64.b64decode(hidden[key]) for key in ("salt", "nonce", "aes256gcm"))
    about = {key: found[key] for key in ("format", "node", "namespace", "domain")}
    try:
        opened = AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed, _whose(about))
    except InvalidTag as error:
        raise MininodeError(
            f"the pass phrase does not open the node's credentials in {place}",
            "Give the one they were kept with. Without it the data can't be opened: nothing was started, nothing was changed.",
            reason="PassphraseWrong",
        ) from error
    return dict(json.loads(opened))


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=_KEY, n=_N, r=_R, p=_P).derive(passphrase.encode())


def _whose(about: Mapping[str, Any]) -> bytes:
    return json.dumps(about, sort_keys=True).encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _unreadable(place: str, why: str) -> MininodeError:
    return MininodeError(
        f"the node's kept credentials in {place} can't be used: {why}",
        "Put the file back from a backup. Only if there is no data that it opens: move the file away, and the node makes new ones.",
        reason="CredentialsUnreadable",
    )

"""Credentials as Secret objects: made once, never overwritten, kept when software goes.

Pure: what to store is decided here, the engine hands it to the API server, whose own conflict on create decides who was first.
"""

import base64
import secrets
import string
from collections.abc import Mapping
from typing import Any

from mininode.api import COMPONENT_LABEL, NODE_LABEL
from mininode.components.base import Credential, Node

ALPHABET = string.ascii_letters + string.digits  # safe in URLs, shells, SQL, YAML and JSON: 5.95 bits a character
KEPT_LABEL_VALUE, NEXT_LABEL_VALUE = "kept", "next"
CREDENTIAL_LABEL = "mininode.cancerimage.eu/credential"


def new_secret(
    node: Node, component: str, credential: Credential, given: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A Secret for a credential, with fresh values where none are given.

    Labelled as the node's, with no owner, so nothing deletes it with the node.
    """
    given = given or {}
    data = {**credential.fixed, **given}
    data |= {one.key: fresh(one.length) for one in credential.generated if one.key not in given}
    body = _secret(node, component, credential.name, data)
    return body if credential.mounted else {**body, "immutable": True}


def next_secret(node: Node, component: str, credential: Credential, given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The next value of a credential, beside it: the wish to change it, and how far that has come (engine/rotate.py)."""
    values = given or {one.key: fresh(one.length) for one in credential.generated}
    body = _secret(node, component, next_name(credential.name), values)
    body["metadata"]["labels"][CREDENTIAL_LABEL] = NEXT_LABEL_VALUE
    return {**body, "immutable": True}


def next_name(name: str) -> str:
    """Name of the Secret with a credential's next value."""
    return f"{name}.next"


def fresh(length: int) -> str:
    """A fresh value."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def rendered_secret(node: Node, component: str, name: str, data: dict[str, str]) -> dict[str, Any]:
    """A Secret whose text is computed from credentials; made anew whenever what it is computed from changes."""
    return _secret(node, component, name, data)


def kept_secret(node: Node, component: str, name: str, data: Mapping[str, str]) -> dict[str, Any]:
    """A Secret that a component keeps by itself, such as a certificate."""
    # Doors of a cluster want a certificate's Secret to be of this type.
    pair = {"tls.crt", "tls.key"} <= data.keys()
    return _secret(node, component, name, data) | ({"type": "kubernetes.io/tls"} if pair else {})


def _secret(node: Node, component: str, name: str, data: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": node.namespace,
            "labels": {
                NODE_LABEL: node.name,
                COMPONENT_LABEL: component,
                CREDENTIAL_LABEL: KEPT_LABEL_VALUE,
                "app.kubernetes.io/managed-by": "mininode",
            },
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }

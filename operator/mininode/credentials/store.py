"""Credentials as Secret objects: made once, never overwritten, kept when software goes.

Pure: what to store is decided here, the engine hands it to the API server, whose own conflict on create decides who was first.
"""

import base64
import secrets
import string

from mininode.api import COMPONENT_LABEL, NODE_LABEL
from mininode.components.base import Credential, Node

ALPHABET = string.ascii_letters + string.digits  # safe in URLs, shells, SQL, YAML and JSON: 5.95 bits a character
KEPT_LABEL_VALUE = "kept"
CREDENTIAL_LABEL = "mininode.cancerimage.eu/credential"


def new_secret(node: Node, component: str, credential: Credential) -> dict[str, object]:
    """A Secret with fresh values for a credential. Labelled as the node's, with no owner, so nothing deletes it with the node."""
    data = dict(credential.fixed)
    data |= {one.key: "".join(secrets.choice(ALPHABET) for _ in range(one.length)) for one in credential.generated}
    return _secret(node, component, credential.name, data)


def rendered_secret(node: Node, component: str, name: str, data: dict[str, str]) -> dict[str, object]:
    """A Secret whose text is computed from credentials; made anew whenever what it is computed from changes."""
    return _secret(node, component, name, data)


def _secret(node: Node, component: str, name: str, data: dict[str, str]) -> dict[str, object]:
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

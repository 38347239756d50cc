"""Credentials in the cluster: reading a value, making a Secret that is missing.

While a credential is being changed, its next value stands in a Secret beside it (engine/rotate.py), and counts for nobody before
that change has put it into the credential's own. Only one that is missing then is made with it: so a change that was cut off
goes on.
"""

import base64
import logging
from collections.abc import Mapping

from mininode.components.base import Credential, Node
from mininode.credentials.store import new_secret, next_name
from mininode.kube.client import Kube
from mininode.kube.resources import SECRETS

log = logging.getLogger(__name__)


async def value(kube: Kube, node: Node, name: str, key: str) -> str | None:
    """The value that holds; of one that is missing, the next if there is one. Raises KubeError."""
    for one in (name, next_name(name)):
        data = await values(kube, node, one)
        if key in data:
            return data[key]
    return None


async def values(kube: Kube, node: Node, name: str) -> dict[str, str]:
    """All of one Secret, decoded; empty when it is not there. Raises KubeError."""
    found = await kube.get(SECRETS, name, node.namespace)
    return {key: base64.b64decode(text).decode() for key, text in ((found or {}).get("data") or {}).items()}


async def made(kube: Kube, node: Node, component: str, credential: Credential, given: Mapping[str, str] | None = None) -> bool:
    """Make the Secret if it is not there: with its next value, or what is given, or a fresh one. False when it was there."""
    given = await values(kube, node, next_name(credential.name)) or given or {}
    # None: somebody else was first, and theirs counts.
    done = await kube.create(SECRETS, new_secret(node, component, credential, given), node.namespace) is not None
    if done:
        log.info("credential %s was made", credential.name, extra={"node": node.name, "component": component})
    return done

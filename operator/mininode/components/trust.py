"""Trust: the node's own authority, and the bundle of all authorities that the node's pods believe.

The bundle is the public authorities, the node's own where it has one, and those that the site adds, in one ConfigMap that
every pod mounts.
"""

import hashlib
from typing import Any

from mininode.api.spec import ExposureMode, TlsMode
from mininode.components.base import Node, Upkeep
from mininode.credentials.certificates import Pair, chain, java_truststore, new_authority
from mininode.errors import MininodeError

AUTHORITY = "platform-authority"  # Secret, kept for ever: browsers that trust it trust it by its bytes
BUNDLE = "trust-bundle"  # ConfigMap
BUNDLE_KEY = "ca.crt"
JAVA_KEY = "truststore.p12"  # the same for Java; its password is the usual one and guards nothing: all of it is public
CERTIFICATE_KEY, PRIVATE_KEY = "tls.crt", "tls.key"


def has_authority(node: Node) -> bool:
    """Whether the node has an authority of its own.

    With `acme` behind a cluster's own door that door has the public certificate; ours, which only pods see, is issued here.
    """
    tls, behind = node.spec.tls.mode, node.spec.exposure.mode is not ExposureMode.EDGE
    return tls is TlsMode.OWN_CA or (behind and tls is TlsMode.ACME)


async def keep_authority(node: Node, upkeep: Upkeep) -> Pair | None:
    """The node's own authority, made when it is not there; None where the mode has none."""
    if not has_authority(node):
        return None
    found = await upkeep.secret(AUTHORITY)
    if found is None:
        fresh = new_authority(f"{node.spec.site_name or node.spec.domain} {node.name} mininode CA", upkeep.now)
        await upkeep.make_secret(AUTHORITY, {CERTIFICATE_KEY: fresh.certificate, PRIVATE_KEY: fresh.key})
        # Read again: another operator may have been first.
        found = await upkeep.secret(AUTHORITY) or {}
    if not (found.get(CERTIFICATE_KEY) and found.get(PRIVATE_KEY)):
        raise MininodeError(
            f"Secret {AUTHORITY} holds no {CERTIFICATE_KEY} and {PRIVATE_KEY}, the node's own authority",
            "Put it back from your copy. Deleting it makes a new authority, which every browser has to be taught anew.",
            reason="AuthorityBroken",
        )
    return Pair(found[CERTIFICATE_KEY], found[PRIVATE_KEY])


async def keep_bundle(node: Node, upkeep: Upkeep) -> None:
    """Make the bundle as it should be."""
    authority = await keep_authority(node, upkeep)
    texts = [upkeep.public_authorities(), authority.certificate if authority else "", await _site_s(node, upkeep)]
    text = "\n".join(one.strip() for one in texts if one.strip()) + "\n"
    await upkeep.put_config_map(BUNDLE, {BUNDLE_KEY: text}, {JAVA_KEY: lambda: java_truststore(text)})


async def _site_s(node: Node, upkeep: Upkeep) -> str:
    """The authorities that the site adds."""
    if (ref := node.spec.tls.authorities_ref) is None:
        return ""
    text = (await upkeep.secret(ref.name) or {}).get(ref.key, "")
    try:
        chain(text)
    except ValueError as error:
        raise MininodeError(
            f"key {ref.key} of Secret {ref.name} was to hold authorities of your site, and no certificate is in it",
            f"Put them there in PEM, one after the other: kubectl create secret generic {ref.name} --from-file={ref.key}=FILE",
            reason="AuthoritiesMissing",
        ) from error
    return text


def surroundings(node: Node) -> dict[str, Any]:
    """Chart values of every component whose pods ask for the public address or believe a certificate."""
    return {"door": {"ip": node.facts.door_ip}, "trust": {"digest": node.facts.trust_digest}}


def digest(text: str) -> str:
    """What tells one bundle from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]

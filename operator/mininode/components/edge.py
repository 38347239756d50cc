"""Edge: the public door of the node, one Caddy in front of everything that people reach.

Gate: asked inside the cluster for the public address, by https and with the trust that the node's pods have, the door
answers with this node's own front page and shows the certificate that it should.
"""

import hashlib
from typing import Any

from mininode.api.model import SecretKey
from mininode.api.spec import ExposureMode, Profile, TlsMode
from mininode.components.base import (
    Component,
    Flow,
    GateResult,
    Node,
    Outside,
    Probes,
    Route,
    Upkeep,
    Volume,
    held,
    pending,
)
from mininode.components.network import DOOR, proxy
from mininode.components.trust import CERTIFICATE_KEY, PRIVATE_KEY, has_authority, keep_authority
from mininode.credentials.certificates import covers, expiry, faults, fingerprint, issue, issued_by, renewal_due, rfc3339
from mininode.errors import MininodeError

OK = 200
USER = 10002  # of our own: the official image has none but root
HTTP, HTTPS = 8080, 8443  # of the pod; the Service has 80 and 443
CERTIFICATE = "edge-certificate"  # Secret
PUBLIC = "edge-public"  # Secret that cert-manager fills, for the cluster's own door
# Beside the certificate lies a line of Caddy's configuration that names it: Caddy reads its certificate files again only
# when its configuration changes, and it watches that.
RELOAD_KEY = "certificate.caddy"
WHO = "/.well-known/mininode"  # tells whose door this is


def routes(node: Node) -> list[Route]:
    """Every route of the components that are on, the longest path first."""
    found = [route for component in node.on for route in component.routes]
    return sorted(found, key=lambda route: (-len(route.path), route.path))


def _values(node: Node) -> dict[str, Any]:
    spec = node.spec
    return {
        "siteName": spec.site_name,
        "tls": {
            "mode": spec.tls.mode.value,
            "email": spec.contact or "" if spec.tls.mode is TlsMode.ACME else "",
            "directory": spec.tls.acme_directory or "",
            "issuer": spec.tls.issuer or "",
        },
        "exposure": {
            "mode": spec.exposure.mode.value,
            "className": spec.exposure.class_name or "",
            "gateway": spec.exposure.gateway.model_dump(exclude_none=True) if spec.exposure.gateway else {},
        },
        "proxy": proxy(node),
        "trust": {"digest": node.facts.trust_digest},
        "identity": _who(node),
        "routes": [
            {
                "path": route.path,
                "service": route.service,
                "port": route.port,
                "strip": route.strip,
                "title": route.title,
                "start": route.start,
            }
            for route in routes(node)
        ],
    }


def _who(node: Node) -> str:
    """What the door answers at `WHO`: tells two nodes apart, and is no secret."""
    return hashlib.sha256(f"{node.namespace}/{node.name}/{node.spec.domain}".encode()).hexdigest()[:16]


async def _keep(node: Node, upkeep: Upkeep) -> None:
    """The certificate's Secret as the mode asks for it; with `acme` it is Caddy's own matter."""
    if node.spec.exposure.mode is ExposureMode.EDGE:
        await upkeep.announce("edge")
    if has_authority(node):
        await _issue(node, upkeep)
    elif node.spec.tls.mode is TlsMode.PROVIDED:
        await _take_over(node, upkeep)
    if not _own_matter(node):
        await _tell_end(node, upkeep)


def _own_matter(node: Node) -> bool:
    """Whether the door gets its certificate itself, so that only asking it tells when that ends."""
    return node.spec.exposure.mode is ExposureMode.EDGE and node.spec.tls.mode is TlsMode.ACME


async def _tell_end(node: Node, upkeep: Upkeep) -> None:
    """When the certificate that visitors are shown ends; nothing where no Secret of the node has it."""
    secret = PUBLIC if node.spec.tls.mode is TlsMode.ACME else CERTIFICATE
    theirs = node.spec.exposure.gateway is not None  # a Gateway that others made shows one of their own
    found = "" if theirs else (await upkeep.secret(secret) or {}).get(CERTIFICATE_KEY, "")
    try:
        upkeep.tell(certificate_ends=rfc3339(expiry(found)))
    except ValueError:  # not issued yet
        upkeep.tell(certificate_ends="")


async def _issue(node: Node, upkeep: Upkeep) -> None:
    authority = await keep_authority(node, upkeep)
    if authority is None:
        return
    found = (await upkeep.secret(CERTIFICATE) or {}).get(CERTIFICATE_KEY)
    if found and _good(found, authority.certificate, node, upkeep):
        return
    try:
        fresh = issue(authority, node.spec.domain, upkeep.now)
    except ValueError as error:
        raise MininodeError(
            f"the node's own authority can't be used: {error}", "Put Secret platform-authority back from your copy.",
            reason="AuthorityBroken",
        ) from error  # fmt: skip
    await upkeep.put_secret(CERTIFICATE, certificate_data(fresh.certificate, fresh.key))


def _good(found: str, authority: str, node: Node, upkeep: Upkeep) -> bool:
    try:
        return issued_by(found, authority) and covers(found, node.spec.domain) and not renewal_due(found, upkeep.now)
    except ValueError:  # no certificate at all
        return False


async def _take_over(node: Node, upkeep: Upkeep) -> None:
    """Check the site's certificate, then give it to the door. What is wrong never replaces what works."""
    tls = node.spec.tls
    if tls.certificate_ref is None or tls.private_key_ref is None:
        return  # the spec's own rules refuse that
    certificate, key = await _part(tls.certificate_ref, upkeep), await _part(tls.private_key_ref, upkeep)
    if said := faults(certificate, key, node.spec.domain, upkeep.now):
        raise MininodeError(
            f"the certificate in Secret {tls.certificate_ref.name} can't be used: {'; '.join(said)}",
            "Put a certificate for this domain with its chain, and its private key, into the Secret; the one that is in "
            "use stays until then.",
            reason="CertificateRefused",
        )
    await upkeep.put_secret(CERTIFICATE, certificate_data(certificate, key))


async def _part(ref: SecretKey, upkeep: Upkeep) -> str:
    found = await upkeep.secret(ref.name)
    if found is None or ref.key not in found:
        what = "there is no such Secret" if found is None else f"it has no key {ref.key}, only {', '.join(sorted(found))}"
        raise MininodeError(
            f"Secret {ref.name} was to hold the node's certificate and key: {what}",
            f"Make it in the node's namespace: kubectl create secret tls {ref.name} --cert=FILE --key=FILE",
            reason="CertificateMissing",
        )
    return found[ref.key]


def certificate_data(certificate: str, key: str) -> dict[str, str]:
    """What the door's Secret holds for this pair."""
    line = f"vars mininode_certificate {fingerprint(certificate)}\n"
    return {CERTIFICATE_KEY: certificate, PRIVATE_KEY: key, RELOAD_KEY: line}


async def _gate(node: Node, probes: Probes) -> GateResult:
    answer = await probes.door(WHO)
    if answer.status != OK:
        return pending(f"{node.spec.url}{WHO} answered {answer.status}, asked through the door's Service")
    found = answer.json.get("node") if isinstance(answer.json, dict) else None
    if found != _who(node):
        return pending(f"{node.spec.url}{WHO} is answered by something else than this node's door")
    if has_authority(node) or node.spec.tls.mode is TlsMode.PROVIDED:
        wanted = fingerprint(await probes.secret(CERTIFICATE, CERTIFICATE_KEY))
        if answer.certificate != wanted:
            return pending("the door still shows another certificate; it takes a new one up within two minutes")
    seen = {"certificate_ends": answer.certificate_ends} if _own_matter(node) else {}
    return held(
        f"{node.spec.url} answers from inside the cluster and shows the node's certificate",
        door_ip=await probes.service_ip("edge"),
        **seen,
    )


COMPONENT = Component(
    name="edge",
    summary="public door of the node",
    profiles=frozenset(Profile),
    requires=("platform", "storage"),
    values=_values,
    gate=_gate,
    images={"image": "caddy"},
    upkeep=_keep,
    volumes=(Volume("edge-data", USER, lambda _: "1Gi"),),
    flows=(
        Flow(Outside.VISITORS, DOOR, HTTP, "people are sent on to https"),
        Flow(Outside.VISITORS, DOOR, HTTPS, "the public address"),
        Flow(Outside.OPERATOR, DOOR, HTTPS, "the gate"),
        Flow(DOOR, Outside.INTERNET, 443, "certificates of a public authority (ACME)"),
    ),
)

"""How long the certificate that visitors are shown still lasts, as a condition of the node. Pure."""

import datetime

from mininode.api.spec import ExposureMode, NodeSpec, TlsMode
from mininode.api.status import Truth

AHEAD = datetime.timedelta(days=21)  # what renews itself did so long before; a site's own certificate takes weeks to order

Said = tuple[Truth, str, str]  # status, reason, message
CERTIFICATE_UNSEEN: Said = (Truth.UNKNOWN, "CertificateUnseen", "Nobody saw the certificate yet.")


def certificate_said(ends: str, now: str, spec: NodeSpec) -> Said:
    """What is to be said of a certificate that ends then (RFC 3339; empty when nobody saw it)."""
    if not ends:
        return (*CERTIFICATE_UNSEEN[:2], _unseen(spec))
    end = datetime.datetime.fromisoformat(ends)
    left = end - datetime.datetime.fromisoformat(now)
    when = f"{end:%Y-%m-%d %H:%M} UTC"
    if left > AHEAD:
        return Truth.TRUE, "CertificateLasts", f"The certificate for {spec.domain} ends on {when}."
    if left > datetime.timedelta():
        return Truth.FALSE, "CertificateEndsSoon", f"The certificate for {spec.domain} ends on {when}. {_advice(spec)}"
    return Truth.FALSE, "CertificateEnded", f"The certificate for {spec.domain} ended on {when}. {_advice(spec)}"


def _unseen(spec: NodeSpec) -> str:
    if spec.exposure.mode is ExposureMode.EDGE:
        return CERTIFICATE_UNSEEN[2]
    return "The certificate is the matter of the cluster's own door, and no Secret of the node has it."


def _advice(spec: NodeSpec) -> str:
    """Who has to renew it, and where to look."""
    tls = spec.tls
    if tls.mode is TlsMode.PROVIDED and tls.certificate_ref is not None:
        return f"Put a new one, with its key, into Secret {tls.certificate_ref.name}; it is taken up by itself."
    if tls.mode is TlsMode.OWN_CA:
        return "The operator should have renewed it: see what the component edge says, and the operator's log."
    if spec.exposure.mode is not ExposureMode.EDGE:
        return "cert-manager should have renewed it: kubectl describe certificate, in the node's namespace, says why it did not."
    return (
        "The door should have renewed it: its log says why it did not (kubectl logs deployment/edge). "
        "Port 80 or 443 of the domain has to be reached from the Internet."
    )

"""How long the certificate still lasts, as the API server tells it: a site's own one that ends soon, then a new one."""

import datetime
from typing import Any

import pytest

from mininode.credentials.certificates import CERTIFICATE_LIFE, issue, new_authority

pytestmark = pytest.mark.control_plane

PROVIDED = {
    "mode": "provided",
    "certificateRef": {"name": "site-tls", "key": "tls.crt"},
    "privateKeyRef": {"name": "site-tls", "key": "tls.key"},
}


def give(node: Any, left: datetime.timedelta) -> None:
    """A certificate of the site's that lasts so much longer."""
    issued = datetime.datetime.now(datetime.UTC) - CERTIFICATE_LIFE + left
    pair = issue(new_authority("site", issued), "node.hospital.example", issued)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "site-tls", "namespace": node.namespace},
        "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key},
    }
    node.kubectl.apply(body, namespace=node.namespace)


def test_a_certificate_s_end_is_a_condition_three_weeks_ahead(node: Any) -> None:
    give(node, datetime.timedelta(days=20))
    node.declare(tls=PROVIDED)
    soon = node.until("CertificateFresh", "False")
    assert soon["reason"] == "CertificateEndsSoon"
    assert "into Secret site-tls" in soon["message"]
    node.until("Rehearsed")  # it still is valid: nothing stops for it
    give(node, datetime.timedelta(days=80))
    node.wish_again("a new certificate")
    assert node.until("CertificateFresh")["reason"] == "CertificateLasts"
    node.declare()  # back to the node's own authority, which the operator renews long before
    assert node.until("CertificateFresh")["reason"] == "CertificateLasts"

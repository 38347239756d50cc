"""What is said of a certificate, by how long it still lasts and by whose matter it is."""

from typing import Any

import pytest

from mininode.api.conditions import REASONS
from mininode.api.spec import NodeSpec
from mininode.engine.expiry import certificate_said

NOW = "2026-11-25T12:00:00Z"
PROVIDED = {
    "mode": "provided",
    "certificateRef": {"name": "site-tls", "key": "tls.crt"},
    "privateKeyRef": {"name": "site-tls", "key": "tls.key"},
}


def spec(exposure: str = "edge", **tls: Any) -> NodeSpec:
    return NodeSpec.model_validate({"domain": "n.example", "exposure": {"mode": exposure}, "tls": tls or {"mode": "ownCA"}})


@pytest.mark.parametrize(
    ("ends", "status", "reason"),
    [
        ("", "Unknown", "CertificateUnseen"),
        ("2027-02-23T12:00:00Z", "True", "CertificateLasts"),
        ("2026-12-16T12:00:01Z", "True", "CertificateLasts"),
        ("2026-12-16T12:00:00Z", "False", "CertificateEndsSoon"),  # 21 days to the second
        ("2026-11-25T12:00:01Z", "False", "CertificateEndsSoon"),
        ("2026-11-25T12:00:00Z", "False", "CertificateEnded"),
        ("2025-01-01T00:00:00Z", "False", "CertificateEnded"),
    ],
)
def test_three_weeks_ahead(ends: str, status: str, reason: str) -> None:
    said = certificate_said(ends, NOW, spec())
    assert (str(said[0]), said[1]) == (status, reason)
    assert reason in REASONS
    assert (f"{ends[:10]} {ends[11:16]} UTC" in said[2]) is bool(ends)


@pytest.mark.parametrize(
    ("wish", "advice"),
    [
        (spec(**PROVIDED), "into Secret site-tls"),
        (spec(mode="ownCA"), "the operator's log"),
        (spec(mode="acme"), "kubectl logs deployment/edge"),
        (spec("ingress", mode="acme"), "cert-manager"),
    ],
)
def test_who_has_to_renew_it_is_named_before_and_after_its_end(wish: NodeSpec, advice: str) -> None:
    for ends in ("2026-12-01T12:00:00Z", "2026-11-01T12:00:00Z"):
        assert advice in certificate_said(ends, NOW, wish)[2]
    assert advice not in certificate_said("2027-12-01T12:00:00Z", NOW, wish)[2]


def test_the_sentence_does_not_move_with_the_clock() -> None:
    """The status is written when it differs, and a node where nothing happens writes nothing."""
    first = certificate_said("2026-12-01T12:00:00Z", NOW, spec())
    assert certificate_said("2026-12-01T12:00:00Z", "2026-11-30T12:00:00Z", spec()) == first

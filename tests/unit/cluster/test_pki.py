"""The rehearsal's certificates: complete, private, kept while they hold, renewed before they end."""

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mininode.cluster import pki as module
from mininode.cluster.pki import CLUSTER, ETCD, LEAVES, Pki


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    one = Pki(tmp_path)
    one.ensure()
    return one


def certificate(pki: Pki, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.certificate(name).read_bytes())


def contents(pki: Pki) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in pki.folder.iterdir()}


def test_each_certificate_is_its_authoritys_and_not_the_others(pki: Pki) -> None:
    for leaf in LEAVES:
        other = ETCD if leaf.authority == CLUSTER else CLUSTER
        certificate(pki, leaf.name).verify_directly_issued_by(certificate(pki, leaf.authority))
        with pytest.raises((ValueError, InvalidSignature)):
            certificate(pki, leaf.name).verify_directly_issued_by(certificate(pki, other))


def test_the_admin_is_in_the_masters_group_and_the_api_server_can_not_log_in(pki: Pki) -> None:
    def usages(name: str) -> list[x509.ObjectIdentifier]:
        return list(certificate(pki, name).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)

    groups = certificate(pki, "admin").subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)

    assert [group.value for group in groups] == ["system:masters"]
    assert usages("admin") == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert usages("kube-apiserver") == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_nobody_else_can_read_a_key(pki: Pki) -> None:
    keys = list(pki.folder.glob("*.key"))

    assert len(keys) == len(LEAVES) + 3  # two authorities, service accounts
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_what_holds_is_kept(pki: Pki) -> None:
    before = contents(pki)

    pki.ensure()

    assert contents(pki) == before


def test_a_certificate_near_its_end_is_renewed_and_the_rest_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki = Pki(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(module, "LEAF_LIFE", dt.timedelta(days=30))
        pki.ensure()
    before = contents(pki)

    pki.ensure()

    after = contents(pki)
    renewed = {name for name in before if before[name] != after[name]}
    assert renewed == {f"{leaf.name}{end}" for leaf in LEAVES for end in (".key", ".crt")}
    assert certificate(pki, "admin").not_valid_after_utc - dt.datetime.now(dt.UTC) > dt.timedelta(days=300)


@pytest.mark.parametrize("damage", [b"", b"no certificate", None])
def test_a_damaged_or_missing_authority_makes_everything_below_it_anew(pki: Pki, damage: bytes | None) -> None:
    before = contents(pki)
    if damage is None:
        pki.key(CLUSTER).unlink()
    else:
        pki.certificate(CLUSTER).write_bytes(damage)

    pki.ensure()

    for leaf in LEAVES:
        certificate(pki, leaf.name).verify_directly_issued_by(certificate(pki, leaf.authority))
    assert pki.certificate("etcd").read_bytes() == before["etcd.crt"]
    assert pki.service_account_key.read_bytes() == before["service-account.key"]  # tokens stay valid

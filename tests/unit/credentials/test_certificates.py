"""The node's authority, what it issues, and the check of what a site provides: with OpenSSL as the judge where it can be one."""

import datetime
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mininode.credentials.certificates import (
    CERTIFICATE_LIFE,
    Pair,
    chain,
    covers,
    expiry,
    faults,
    fingerprint,
    issue,
    issued_by,
    java_truststore,
    new_authority,
    renewal_due,
)

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
DOMAIN = "node.hospital.example"


@pytest.fixture(scope="module")
def authority() -> Pair:
    return new_authority("Hospital Example, Radiología", NOW)


@pytest.fixture(scope="module")
def issued(authority: Pair) -> Pair:
    return issue(authority, DOMAIN, NOW)


def self_made(domain: str, *, days: float = 30, key: rsa.RSAPrivateKey | None = None) -> Pair:
    """What a site may bring: RSA, self-signed."""
    key = key or rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 60 * DAY)
        .not_valid_after(NOW + days * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain).decode()
    return Pair(made.public_bytes(serialization.Encoding.PEM).decode(), text)


def test_openssl_believes_what_the_authority_issues(authority: Pair, issued: Pair, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(authority.certificate)
    (tmp_path / "leaf.pem").write_text(issued.certificate)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", DOMAIN]
    done = subprocess.run(
        [*command, "-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    command[-1] = "other.hospital.example"
    done = subprocess.run(
        [*command, "-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0


def test_python_s_own_tls_takes_certificate_and_key(issued: Pair, authority: Pair, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text(issued.certificate)
    (tmp_path / "key.pem").write_text(issued.key)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cadata=authority.certificate)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=DOMAIN)
    two = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (one, two):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    shown = one.getpeercert(binary_form=True)
    assert shown is not None
    assert fingerprint(ssl.DER_cert_to_PEM_cert(shown)) == fingerprint(issued.certificate)


def test_an_issued_certificate_is_renewed_at_two_thirds_of_its_life(issued: Pair) -> None:
    assert not renewal_due(issued.certificate, NOW)
    assert not renewal_due(issued.certificate, NOW + CERTIFICATE_LIFE * 0.66)
    assert renewal_due(issued.certificate, NOW + CERTIFICATE_LIFE * 0.67)
    assert expiry(issued.certificate) == NOW + CERTIFICATE_LIFE


def test_whose_and_for_whom(authority: Pair, issued: Pair) -> None:
    assert issued_by(issued.certificate, authority.certificate)
    assert not issued_by(issued.certificate, new_authority("Hospital Example, Radiología", NOW).certificate)
    assert covers(issued.certificate, DOMAIN)
    assert not covers(issued.certificate, "other.hospital.example")
    assert len(chain(issued.certificate)) == 2
    assert len(chain(authority.certificate)) == 1


def test_a_domain_that_is_too_long_for_a_common_name_is_in_the_names(authority: Pair) -> None:
    domain = f"{'a' * 60}.{'b' * 60}.example"
    assert covers(issue(authority, domain, NOW).certificate, domain)


def test_a_good_one_has_no_faults(issued: Pair) -> None:
    assert faults(issued.certificate, issued.key, DOMAIN, NOW) == ()
    own = self_made(DOMAIN)
    assert faults(own.certificate, own.key, DOMAIN, NOW) == ()
    wild = self_made("*.hospital.example")
    assert faults(wild.certificate, wild.key, DOMAIN, NOW) == ()
    assert faults(wild.certificate, wild.key, "a.node.hospital.example", NOW) != ()


def test_each_fault_is_named_and_all_at_once(issued: Pair) -> None:
    old = self_made("old.hospital.example", days=-1)
    assert faults(old.certificate, issued.key, DOMAIN, NOW) == (
        "the private key belongs to another certificate",
        "it is for old.hospital.example, not for node.hospital.example",
        f"it ended on {NOW - DAY:%Y-%m-%d}",
    )
    (young,) = faults(issued.certificate, issued.key, DOMAIN, NOW - 2 * DAY)
    assert "it begins on" in young


def test_what_is_no_certificate_or_no_key(issued: Pair) -> None:
    assert "no PEM text" in faults("rubbish", issued.key, DOMAIN, NOW)[0]
    assert faults(issued.certificate, "rubbish", DOMAIN, NOW) == ("the private key is no PEM text that can be read",)
    key = rsa.generate_private_key(65537, 2048)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    ).decode()
    made = self_made(DOMAIN, key=key)
    assert "pass phrase" in faults(made.certificate, locked, DOMAIN, NOW)[0]


def test_a_chain_out_of_order_or_with_a_stranger_in_it_is_told(authority: Pair, issued: Pair) -> None:
    leaf, root = issued.certificate.split("-----END CERTIFICATE-----\n")[:2]
    end = "-----END CERTIFICATE-----\n"
    turned = faults(root + end + leaf + end, issued.key, DOMAIN, NOW)
    assert any("belongs to another certificate" in one for one in turned)
    assert any("out of order" in one for one in turned)
    stranger = self_made("stranger.example", days=-2).certificate
    said = faults(leaf + end + stranger, issued.key, DOMAIN, NOW)
    assert len(said) == 2
    assert "did not sign" in said[0]
    assert "in its chain ended" in said[1]
    assert authority.certificate.strip() == (root + end).strip()


def test_java_believes_what_the_bundle_has(authority: Pair, tmp_path: Path) -> None:
    """The real keytool: each certificate is one that Java trusts, not only one that it has."""
    keytool = shutil.which("keytool")
    if keytool is None:
        pytest.skip("no Java here")
    store = tmp_path / "truststore.p12"
    store.write_bytes(java_truststore(authority.certificate + new_authority("another", NOW).certificate))
    command = [keytool, "-list", "-keystore", store, "-storepass", "changeit"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("trustedCertEntry") == 2

"""The node's certificates: an authority of its own, what it issues, and what is wrong with one that a site provides.

Pure: times, names and PEM texts in, PEM texts and sentences out. Keys are P-256: small, quick, known to every browser and Java.
"""

import datetime
import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = datetime.timedelta(days=3652)
CERTIFICATE_LIFE = datetime.timedelta(days=90)
JAVA_PASSWORD = "changeit"  # noqa: S105 - the one of every Java; authorities are no secret
RENEWED_AT = 2 / 3  # of its life
# Clocks differ, between the machine and a browser as well.
_BACKDATED = datetime.timedelta(hours=1)

When = datetime.datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate, with its chain where it has one, and its private key; both PEM."""

    certificate: str
    key: str


def new_authority(name: str, now: When) -> Pair:
    """An authority of a node's own; `name` is what a browser's list of authorities shows."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(_pem(certificate), _key_pem(key))


def issue(authority: Pair, domain: str, now: When) -> Pair:
    """A certificate for a domain, signed by the authority; the authority's own follows in the chain.

    Raises ValueError when the authority's texts are none.
    """
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    signer = serialization.load_pem_private_key(authority.key.encode(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is no elliptic-curve key")  # noqa: TRY004 - a text that is not what it should be
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)] if len(domain) <= 64 else [])  # noqa: PLR2004 - X.520's limit
    certificate = (
        _builder(subject, issuer.subject, key.public_key(), now, CERTIFICATE_LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=not list(subject))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type] # ours are EC
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    return Pair(_pem(certificate) + _pem(issuer), _key_pem(key))


def renewal_due(text: str, now: When) -> bool:
    """Whether a certificate has lived two thirds of its life."""
    certificate = chain(text)[0]
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return now >= certificate.not_valid_before_utc + life * RENEWED_AT


def expiry(text: str) -> When:
    """When the certificate ends, or the first in its chain that ends before it."""
    return min(one.not_valid_after_utc for one in chain(text))


def rfc3339(when: When) -> str:
    """A time as the Kubernetes API has it."""
    return when.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def chain(text: str) -> list[x509.Certificate]:
    """The certificates of a PEM text. Raises ValueError when there is none."""
    return x509.load_pem_x509_certificates(text.encode())


def fingerprint(text: str) -> str:
    """SHA-256 of the first certificate of a PEM text, as openssl and browsers show it, without the colons."""
    return hashlib.sha256(chain(text)[0].public_bytes(serialization.Encoding.DER)).hexdigest()


def issued_by(text: str, authority: str) -> bool:
    """Whether the first certificate of a text was signed by the authority."""
    return _signed(chain(text)[0], chain(authority)[0])


def covers(text: str, domain: str) -> bool:
    """Whether the certificate's names have the domain in them, by itself or by a wildcard of one label."""
    return _covers(chain(text)[0], domain)


def java_truststore(text: str) -> bytes:
    """A PEM text's certificates as Java wants them: a PKCS #12 file with Java's own mark of trust on each."""
    entries = [
        pkcs12.PKCS12Certificate(one, f"{number:03d} {_title(one)}".encode()) for number, one in enumerate(chain(text))
    ]
    return pkcs12.serialize_java_truststore(entries, serialization.BestAvailableEncryption(JAVA_PASSWORD.encode()))


def faults(certificate: str, key: str, domain: str, now: When) -> tuple[str, ...]:
    """What is wrong with a certificate that a site provides, every fault at once; empty when nothing is."""
    try:
        found = chain(certificate)
    except ValueError as error:
        return (f"the certificate is no PEM text that can be read: {error}",)
    leaf = found[0]
    said = list(_key_faults(leaf, key))
    if not _covers(leaf, domain):
        said.append(f"it is for {', '.join(_names(leaf)) or 'no name at all'}, not for {domain}")
    if now >= leaf.not_valid_after_utc:
        said.append(f"it ended on {leaf.not_valid_after_utc:%Y-%m-%d}")
    if now < leaf.not_valid_before_utc:
        said.append(f"it begins on {leaf.not_valid_before_utc:%Y-%m-%d}")
    said += _chain_faults(found, now)
    return tuple(said)


def _key_faults(leaf: x509.Certificate, key: str) -> Sequence[str]:
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except TypeError:
        return ("the private key is protected by a pass phrase: store it without one",)
    except ValueError:
        return ("the private key is no PEM text that can be read",)
    # By their public halves: every kind of key has one.
    public = private.public_key()
    return () if _raw(public) == _raw(leaf.public_key()) else ("the private key belongs to another certificate",)  # type: ignore[arg-type] # keys that only exchange secrets have no certificate


def _chain_faults(found: Sequence[x509.Certificate], now: When) -> list[str]:
    said = []
    for lower, upper in itertools.pairwise(found):
        if not _signed(lower, upper):
            said.append(f"its chain is out of order: {_title(upper)} did not sign {_title(lower)}")
        if now >= upper.not_valid_after_utc:
            said.append(f"{_title(upper)} in its chain ended on {upper.not_valid_after_utc:%Y-%m-%d}")
    return said


def _signed(lower: x509.Certificate, upper: x509.Certificate) -> bool:
    try:
        lower.verify_directly_issued_by(upper)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _covers(certificate: x509.Certificate, domain: str) -> bool:
    wildcard = f"*.{domain.partition('.')[2]}"
    return any(name.lower() in (domain, wildcard) for name in _names(certificate))


def _names(certificate: x509.Certificate) -> list[str]:
    """Its DNS names; browsers have not looked at the common name for years."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.DNSName)


def _title(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or f"serial number {certificate.serial_number:x}"


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: When, life: datetime.timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _raw(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()

"""The rehearsal's own certificate authorities and what they sign. Nothing here is trusted outside the rehearsal.

Two authorities: one for the Kubernetes API and its users, one for etcd alone, so that no certificate of a cluster's
user opens the store behind it.
"""

import datetime as dt
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mininode.cluster.files import write_private

AUTHORITY_LIFE = dt.timedelta(days=3650)
LEAF_LIFE = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=60)
_CLOCK_SKEW = dt.timedelta(hours=1)  # a clock set back a little must not make a certificate "not yet valid"

CLUSTER, ETCD = "ca", "etcd-ca"
ADMIN_USER = "rehearsal-admin"
KWOK_USER = "rehearsal-kwok"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate to issue: `user` and `groups` are what Kubernetes takes from a client's subject."""

    name: str  # of its files
    authority: str
    user: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()  # names and addresses; a certificate with hosts serves
    client: bool = True


LOOPBACK = ("localhost", "127.0.0.1")
LEAVES = (
    # etcd's one certificate also serves its peer port, where it would be client and server of itself.
    Leaf("etcd", ETCD, "etcd", hosts=LOOPBACK),
    Leaf("etcd-client", ETCD, "kube-apiserver"),
    Leaf(
        "kube-apiserver",
        CLUSTER,
        "kube-apiserver",
        hosts=(*LOOPBACK, "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"),
        client=False,
    ),
    Leaf("health", CLUSTER, "rehearsal-health", hosts=LOOPBACK, client=False),  # controller manager's, scheduler's door
    Leaf("admin", CLUSTER, ADMIN_USER, groups=("system:masters",)),
    Leaf("kube-controller-manager", CLUSTER, "system:kube-controller-manager"),
    Leaf("kube-scheduler", CLUSTER, "system:kube-scheduler"),
    Leaf("kwok", CLUSTER, KWOK_USER),
)


class Pki:
    """The keys and certificates in one folder; `ensure` makes, checks and renews them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def certificate(self, name: str) -> Path:
        """The certificate's file, in PEM."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """The private key's file, in PEM, mode 0600."""
        return self.folder / f"{name}.key"

    @property
    def service_account_key(self) -> Path:
        """The key that signs and verifies service-account tokens. Never renewed: it would void every token."""
        return self.key("service-account")

    def ensure(self) -> None:
        """Make what is missing, and make anew what is broken, near its end or not of our present authorities."""
        now = dt.datetime.now(dt.UTC)
        if not self.service_account_key.exists():
            write_private(self.service_account_key, _private_pem(ec.generate_private_key(ec.SECP256R1())))
        for name in (CLUSTER, ETCD):
            if not self._authority_holds(name, now):
                self._make_authority(name, now)
        for leaf in LEAVES:
            if not self._leaf_holds(leaf, now):
                self._issue(leaf, now)

    def _load(self, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
        """Certificate and key that belong together, or None."""
        try:
            certificate = x509.load_pem_x509_certificate(self.certificate(name).read_bytes())
            key = serialization.load_pem_private_key(self.key(name).read_bytes(), password=None)
        except (OSError, ValueError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            return None
        return certificate, key

    def _authority_holds(self, name: str, now: dt.datetime) -> bool:
        loaded = self._load(name)
        # An authority must outlive what it signs today.
        return loaded is not None and loaded[0].not_valid_after_utc - now > LEAF_LIFE

    def _leaf_holds(self, leaf: Leaf, now: dt.datetime) -> bool:
        loaded, authority = self._load(leaf.name), self._load(leaf.authority)
        if loaded is None or authority is None:
            return False
        certificate = loaded[0]
        if certificate.not_valid_after_utc - now < RENEW_BEFORE or certificate.not_valid_before_utc > now:
            return False
        if certificate.subject != _subject(leaf) or _hosts(certificate) != set(leaf.hosts):
            return False
        try:
            certificate.verify_directly_issued_by(authority[0])
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _make_authority(self, name: str, now: dt.datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        title = f"mininode rehearsal {name} {now:%Y-%m-%d %H:%M:%S}"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            _builder(subject, subject, key, now, AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._write(name, certificate, key)

    def _issue(self, leaf: Leaf, now: dt.datetime) -> None:
        authority = self._load(leaf.authority)
        assert authority is not None  # noqa: S101 - `ensure` has just made or checked it
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH] * bool(leaf.hosts) + [ExtendedKeyUsageOID.CLIENT_AUTH] * leaf.client
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority[1].public_key())
        builder = (
            _builder(_subject(leaf), authority[0].subject, key, now, LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(issuer, critical=False)
        )
        if leaf.hosts:
            names = x509.SubjectAlternativeName(list(_general_names(leaf.hosts)))
            builder = builder.add_extension(names, critical=False)
        self._write(leaf.name, builder.sign(authority[1], hashes.SHA256()), key)

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        # Two files can't change at once; a pair torn by a crash does not match and is made anew (_load).
        write_private(self.key(name), _private_pem(key))
        write_private(self.certificate(name), certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, life: dt.timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def _subject(leaf: Leaf) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in leaf.groups]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, leaf.user)])


def _general_names(hosts: tuple[str, ...]) -> Iterator[x509.GeneralName]:
    for host in hosts:
        try:
            yield x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            yield x509.DNSName(host)


def _hosts(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )

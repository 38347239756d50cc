"""An identity provider of a test's own: its discovery document and keys by HTTPS, and tokens that it signed."""

import base64
import datetime
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mininode.credentials.certificates import issue, new_authority


@dataclass(frozen=True)
class Issuer:
    """Who signs, under which address, and who vouches for that address."""

    url: str
    key: rsa.RSAPrivateKey
    authority: str  # PEM

    def token(self, person: str, *groups: str, audience: str = "kubernetes") -> str:
        """A token of a quarter of an hour."""
        now = int(time.time())
        head = {"alg": "RS256", "kid": "one", "typ": "JWT"}
        claims = {
            "iss": self.url, "aud": audience, "sub": person, "iat": now, "exp": now + 900,
            "preferred_username": person, "groups": groups,
        }  # fmt: skip
        signed = f"{_packed(json.dumps(head).encode())}.{_packed(json.dumps(claims).encode())}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_packed(signature)}"

    def answer(self, path: str) -> dict[str, object] | None:
        """The documents that are asked for."""
        base = self.url.partition("//")[2].partition("/")[2]
        numbers = self.key.public_key().public_numbers()
        if path == f"/{base}/.well-known/openid-configuration":
            return {
                "issuer": self.url, "jwks_uri": f"{self.url}/certs", "response_types_supported": ["code"],
                "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            }  # fmt: skip
        if path == f"/{base}/certs":
            size = (numbers.n.bit_length() + 7) // 8
            modulus, exponent = (_packed(one.to_bytes(length, "big")) for one, length in ((numbers.n, size), (numbers.e, 3)))
            return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one", "n": modulus, "e": exponent}]}
        return None


@contextmanager
def issuing(address: str, domain: str, realm: str, folder: Path) -> Iterator[Issuer]:
    """One at work on port 443 of this address, under the name `domain`."""
    now = datetime.datetime.now(datetime.UTC)
    authority = new_authority("a test's own", now)
    own = issue(authority, domain, now)
    (folder / "issuer.pem").write_text(own.certificate + own.key)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer = Issuer(f"https://{domain}/auth/realms/{realm}", key, authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "issuer.pem")

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = issuer.answer(self.path)
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((address, 443), Answers) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

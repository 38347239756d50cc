"""A PostgreSQL password as the server keeps it, so that the password itself goes into no statement and no log of the server.

Source: src/common/scram-common.c of PostgreSQL, `scram_build_secret`; RFC 5803. Our alphabet needs no SASLprep.
"""

import base64
import hashlib
import hmac
import secrets

_ITERATIONS = 4096  # PostgreSQL's own default
_SALT_BYTES = 16


def verifier(password: str, salt: bytes | None = None) -> str:
    """`SCRAM-SHA-256$…`, which ALTER ROLE takes in place of a password."""
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    stored = hashlib.sha256(client).digest()
    text = [base64.b64encode(one).decode() for one in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{text[0]}${text[1]}:{text[2]}"

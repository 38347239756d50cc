"""Check an OpenID Connect token against the keys that an issuer publishes; shared by the stand-ins."""

import json
import ssl
import urllib.request
from typing import Any

import jwt
from jwt.algorithms import RSAAlgorithm


def published(url: str) -> dict[str, Any]:
    """The RS256 signing keys at a JWKS address, by id."""
    with urllib.request.urlopen(url, timeout=10, context=ssl.create_default_context()) as answer:  # noqa: S310 - the configured address
        keys = json.load(answer)["keys"]
    return {key["kid"]: RSAAlgorithm.from_jwk(json.dumps(key)) for key in keys if key.get("alg") == "RS256"}


def claims(token: str, key: Any, issuer: str, audience: str) -> dict[str, Any]:
    """The token's claims; jwt.InvalidTokenError when it is not for us."""
    required = {"require": ["exp", "iat", "iss", "aud", "sub"]}
    return dict(jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer, options=required))

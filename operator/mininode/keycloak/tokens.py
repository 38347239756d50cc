"""Gates of the realm: its issuer, and a token of each service account, checked as the application that takes it will."""

import base64
import json
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mininode.components.base import GateResult, held, pending
from mininode.keycloak.door import KeycloakDoor
from mininode.realm.model import REALM_ROLES, ServiceAccountCheck


class TokenWrong(Exception):
    """What is wrong with a token, in a sentence."""


async def check_issuer(door: KeycloakDoor, issuer: str) -> GateResult:
    """Whether the realm calls itself what every application compares with."""
    answer = await door.public("/.well-known/openid-configuration")
    if answer.is_error:
        return pending(f"the realm {door.realm} answered {answer.status_code}", "KeycloakFault")
    found = answer.json().get("issuer")
    if found != issuer:
        text = f"the realm calls itself {found}, but people reach it as {issuer}: set Keycloak's hostname to that address"
        return pending(text, "IssuerWrong")
    return held(f"the realm is {issuer}")


async def check_service_account(door: KeycloakDoor, check: ServiceAccountCheck, secret: str, issuer: str) -> GateResult:
    """Fetch a token as the application would, and look at it as the one that is asked with it would."""
    form = {"grant_type": "client_credentials", "client_id": check.client_id, "client_secret": secret}
    answer = await door.token(form)
    found: dict[str, Any] = answer.json() if answer.headers.get("content-type", "").startswith("application/json") else {}
    if "access_token" not in found:
        why = found.get("error_description") or found.get("error") or answer.status_code
        return pending(f"{check.client_id} gets no token: {why}", "TokenWrong")
    keys = (await door.public("/protocol/openid-connect/certs")).json().get("keys", [])
    try:
        claims = read_token(found["access_token"], keys)
        examine(claims, check, issuer)
    except TokenWrong as error:
        return pending(f"the token of {check.client_id} will not do: {error}", "TokenWrong")
    roles = ", ".join(name for names in check.roles.values() for name in names)
    return held(f"the token of {check.client_id} is for {check.audience} with {roles}")


def examine(claims: dict[str, Any], check: ServiceAccountCheck, issuer: str) -> None:
    """Raise TokenWrong for the first claim that the application would stumble over."""
    if claims.get("iss") != issuer:
        raise TokenWrong(f"its issuer is {claims.get('iss')}, not {issuer}")
    if missing := [name for name in ("exp", "iat", "sub", "preferred_username") if not claims.get(name)]:
        raise TokenWrong(f"it lacks {', '.join(missing)}")
    audience = claims.get("aud") or []
    if check.audience not in ([audience] if isinstance(audience, str) else audience):
        raise TokenWrong(f"it is for {audience or 'nobody'}, not for {check.audience}")
    for owner, names in check.roles.items():
        holder = claims.get("realm_access") if owner == REALM_ROLES else (claims.get("resource_access") or {}).get(owner)
        if lacking := set(names) - set((holder or {}).get("roles", [])):
            raise TokenWrong(f"it lacks the roles {', '.join(sorted(lacking))} of {owner or 'the realm'}")


def read_token(token: str, keys: list[dict[str, Any]]) -> dict[str, Any]:
    """The claims of an RS256 token whose signature holds and which has not ended. Raises TokenWrong."""
    try:
        head, body, signature = token.split(".")
        header, claims = json.loads(_decode(head)), json.loads(_decode(body))
    except ValueError as error:
        raise TokenWrong("it is no signed token") from error
    if header.get("alg") != "RS256":
        raise TokenWrong(f"it is signed with {header.get('alg')}, not RS256")
    key = next((one for one in keys if one.get("kid") == header.get("kid")), None)
    if key is None:
        raise TokenWrong(f"its key {header.get('kid')} is not among the realm's keys")
    number, exponent = (int.from_bytes(_decode(key[part]), "big") for part in ("n", "e"))
    try:
        public = rsa.RSAPublicNumbers(exponent, number).public_key()
        public.verify(_decode(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise TokenWrong("its signature does not hold") from error
    if claims.get("exp", 0) < time.time():
        raise TokenWrong("it has ended")
    found: dict[str, Any] = claims
    return found


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

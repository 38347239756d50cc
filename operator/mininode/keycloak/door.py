"""The one door to Keycloak: its Admin REST API below one realm, with a token that renews itself, and a list of all writes.

Addresses are the ones inside the cluster; what Keycloak calls itself towards people is not used for asking.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from mininode.keycloak.errors import UNAUTHORIZED, KeycloakError, from_answer, login_refused, unreachable

SECONDS = 30.0  # making a realm takes 2 s on an idle machine
_RENEW_BEFORE = 10.0  # s before a token ends; in `master` one lives 60 s only
_TEXT = 200  # characters of Keycloak's own words in a message
_OK_BELOW = 300
_ADMIN_CLI = "admin-cli"


@dataclass(frozen=True, slots=True)
class ClientLogin:
    """A client's own account, in the realm that holds the client."""

    realm: str
    client_id: str
    secret: str

    @property
    def form(self) -> dict[str, str]:
        """The body of a token request."""
        return {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}

    @property
    def name(self) -> str:
        """Who that is, in messages."""
        return self.client_id


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """A person's account; used once, for the temporary administrator of the first start."""

    realm: str
    username: str
    password: str

    @property
    def form(self) -> dict[str, str]:
        """The body of a token request."""
        return {"grant_type": "password", "client_id": _ADMIN_CLI, "username": self.username, "password": self.password}

    @property
    def name(self) -> str:
        """Who that is, in messages."""
        return self.username


@dataclass(frozen=True, slots=True)
class Write:
    """One change that was made: the request, without its body."""

    method: str
    path: str


class KeycloakDoor:
    """Requests to one Keycloak in the name of one account. `http` belongs to the caller, with its trust and proxy settings."""

    def __init__(self, http: httpx.AsyncClient, url: str, realm: str, login: ClientLogin | PasswordLogin) -> None:
        self.url = url.rstrip("/")
        self.realm = realm
        self.login = login
        self.requests = 0
        self.writes: list[Write] = []
        self._http = http
        self._token = ""
        self._token_ends = 0.0

    def at(self, realm: str, login: ClientLogin | PasswordLogin | None = None) -> "KeycloakDoor":
        """A door of the same Keycloak to another realm, or in another name."""
        return KeycloakDoor(self._http, self.url, realm, login or self.login)

    def fingerprint(self, value: str) -> str:
        """What tells whether a secret changed that Keycloak doesn't show. Worthless without the operator's own secret."""
        key = self.login.secret if isinstance(self.login, ClientLogin) else self.login.password
        return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()

    async def get(self, path: str, **query: str) -> Any:
        """What is at a path below the realm; None when there is nothing."""
        try:
            return (await self._send("GET", path, query=query)).json()
        except KeycloakError as error:
            if error.code == httpx.codes.NOT_FOUND:
                return None
            raise

    async def export(self) -> dict[str, Any]:
        """All settings of the realm, clients, roles, groups and service accounts, secrets masked; changes nothing."""
        query = {"exportClients": "true", "exportGroupsAndRoles": "true"}
        answer = await self._send("POST", "partial-export", query=query)
        found: dict[str, Any] = answer.json()
        return found

    async def write(self, method: str, path: str, body: Any = None) -> str:
        """Change something. Returns the id of what was made, empty when nothing was."""
        answer = await self._send(method, path, body=body)
        self.writes.append(Write(method, path))
        return str(answer.headers.get("location", "")).rpartition("/")[2]

    async def ask(self, path: str, body: Any) -> Any:
        """A question that Keycloak takes as POST and that changes nothing."""
        return (await self._send("POST", path, body=body)).json()

    async def has_realm(self) -> bool:
        """Whether the realm exists, as anybody may see."""
        return (await self.public("")).status_code == httpx.codes.OK

    async def public(self, path: str) -> httpx.Response:
        """What anybody is told at a path below the realm's public part."""
        return await self._request("GET", f"{self.url}/realms/{self.realm}{path}")

    async def make_realm(self, body: Mapping[str, Any]) -> None:
        """Make the realm."""
        await self._answer("POST", "", f"{self.url}/admin/realms", body=body)
        self.writes.append(Write("POST", ""))
        self.forget_token()

    async def token(self, form: Mapping[str, str], realm: str = "") -> httpx.Response:
        """Keycloak's answer to a token request."""
        url = f"{self.url}/realms/{realm or self.realm}/protocol/openid-connect/token"
        return await self._request("POST", url, data=form)

    def forget_token(self) -> None:
        """Take a new token next time: new rights are not in the one at hand."""
        self._token = ""

    async def _send(self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None) -> httpx.Response:
        url = f"{self.url}/admin/realms/{self.realm}" + (f"/{path}" if path else "")
        return await self._answer(method, path, url, query=query, body=body)

    async def _answer(
        self, method: str, path: str, url: str, *, query: Mapping[str, str] | None = None, body: Any = None
    ) -> httpx.Response:
        for attempt in (1, 2):
            headers = {"Authorization": f"Bearer {await self._bearer()}"}
            answer = await self._request(method, url, params=query, headers=headers, json=body)
            if answer.status_code != UNAUTHORIZED or attempt == 2:  # noqa: PLR2004 - the second and last
                break
            self.forget_token()  # ended early: Keycloak restarted, or the client was changed
        if answer.status_code >= _OK_BELOW:
            raise from_answer(method, f"/admin/realms/{self.realm}/{path}", answer.status_code, _words(answer))
        return answer

    async def _bearer(self) -> str:
        if self._token and time.monotonic() < self._token_ends:
            return self._token
        answer = await self.token(self.login.form, self.login.realm)
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise from_answer("POST", f"/realms/{self.login.realm}/protocol/openid-connect/token", answer.status_code, "")
        found = _json(answer)
        if answer.status_code != httpx.codes.OK or "access_token" not in found:
            raise login_refused(self.login.name, self.login.realm, _words(answer) or str(answer.status_code))
        self._token = str(found["access_token"])
        self._token_ends = time.monotonic() + float(found.get("expires_in", 0)) - _RENEW_BEFORE
        return self._token

    async def _request(self, method: str, url: str, **parts: Any) -> httpx.Response:
        self.requests += 1
        parts = {name: value for name, value in parts.items() if value is not None}
        try:
            return await self._http.request(method, url, timeout=SECONDS, **parts)
        except httpx.HTTPError as error:
            raise unreachable(self.url, str(error) or type(error).__name__) from error


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(answer: httpx.Response) -> str:
    """Keycloak's own explanation; its pages of HTML say nothing."""
    found = _json(answer)
    words = [str(found[name]) for name in ("errorMessage", "error", "error_description") if found.get(name)]
    return ": ".join(words)[:_TEXT]

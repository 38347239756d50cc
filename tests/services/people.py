"""A person at the login, as plain HTTP: forms are read and sent as a browser would, under the node's public name."""

import base64
import hashlib
import hmac
import html
import re
import secrets
import struct
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import servers

from mininode.keycloak.tokens import read_token


class ToKeycloak(httpx.AsyncBaseTransport):
    """Leads the node's public name to the server of the tests."""

    def __init__(self, url: str) -> None:
        self._real = httpx.AsyncHTTPTransport()
        self._there = httpx.URL(url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == servers.DOMAIN, request.url
        url = request.url.copy_with(scheme="http", host=self._there.host, port=self._there.port)
        # A request of its own: cookies belong to the address that the person sees.
        body = await request.aread()
        return await self._real.handle_async_request(httpx.Request(request.method, url, headers=request.headers, content=body))

    async def aclose(self) -> None:
        await self._real.aclose()


class Person:
    """One browser of one person, with its cookies."""

    def __init__(self, keycloak: servers.Keycloak, realm: str) -> None:
        self.http = httpx.AsyncClient(transport=ToKeycloak(keycloak.url))
        self.issuer = f"{keycloak.public}/realms/{realm}"
        self.verifier = secrets.token_urlsafe(48)
        self.page = ""
        self.landed = httpx.URL("")

    def login(self, client_id: str, redirect_uri: str, **query: str) -> str:
        """The address that an application sends people to, with PKCE unless the flow is implicit."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"client_id": client_id, "redirect_uri": redirect_uri, "scope": "openid", "response_type": "code"} | query
        if asked["response_type"] == "code" and query.get("code_challenge_method") != "":
            asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{self.issuer}/protocol/openid-connect/auth?{urlencode(asked)}"

    async def open(self, client_id: str, redirect_uri: str, **query: str) -> None:
        """Come to the login of an application."""
        await self._follow(await self.http.get(self.login(client_id, redirect_uri, **query)))

    async def visit(self, url: str) -> None:
        """Open an address, such as that of a message."""
        await self._follow(await self.http.get(url))

    async def send(self, **fields: str) -> None:
        """Fill in the page's form and send it off, with the values that it hides."""
        form = re.search(r'<form[^>]*action="([^"]+)"', self.page)
        assert form, self.text
        hidden = {}
        for tag in re.findall(r'<input[^>]*type="hidden"[^>]*>', self.page):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name:
                hidden[name[1]] = html.unescape(value[1]) if value else ""
        await self._follow(await self.http.post(html.unescape(form[1]), data=hidden | fields))

    async def click(self, text: str) -> None:
        """Follow a link whose address holds the text."""
        links = [html.unescape(one) for one in re.findall(r'href="([^"]+)"', self.page)]
        target = next((one for one in links if text in one), None)
        assert target, (text, links)
        await self._follow(await self.http.get(httpx.URL(self.issuer).join(target)))

    async def tokens(self, client_id: str) -> dict[str, Any]:
        """Turn the code at which the login ended into tokens, and read the access token."""
        code = parse_qs(self.landed.query.decode())["code"][0]
        form = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": code,
            "redirect_uri": str(self.landed.copy_with(query=None)),
            "code_verifier": self.verifier,
        }
        answer = await self.http.post(f"{self.issuer}/protocol/openid-connect/token", data=form)
        assert answer.status_code == 200, answer.text
        return await self.read(answer.json()["access_token"])

    async def read(self, token: str) -> dict[str, Any]:
        keys = (await self.http.get(f"{self.issuer}/protocol/openid-connect/certs")).json()["keys"]
        return read_token(token, keys)

    @property
    def text(self) -> str:
        """What the page says."""
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", self.page, flags=re.DOTALL)))

    async def _follow(self, answer: httpx.Response) -> None:
        """Go where one is sent, until a page is shown or the way leads back to an application."""
        while answer.is_redirect:
            target = answer.url.copy_with(scheme="https", host=servers.DOMAIN, port=None).join(answer.headers["location"])
            if not target.path.startswith("/auth/"):
                self.landed, self.page = target, ""
                return
            answer = await self.http.get(target)
        self.page = answer.text


def one_time_code(secret: str, *, at: float | None = None) -> str:
    """Six digits for now (RFC 6238, SHA-1, 30 s), of a secret as Keycloak's page hides it: plain characters."""
    counter = struct.pack(">Q", int((time.time() if at is None else at) // 30))
    digest = hmac.new(secret.encode(), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = (struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000
    return f"{number:06d}"


def fragment(url: httpx.URL) -> dict[str, str]:
    """What an implicit login hands over behind the #."""
    return {key: value[0] for key, value in parse_qs(urlsplit(str(url)).fragment).items()}

"""Who comes to the node's public door: programs with tokens, and a person with a browser."""

import ssl
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from browser import Page
from micro_node import ADMIN, DOMAIN, HTTPS, secret
from person import Person

SITE = f"https://{DOMAIN}"
EXPLORER = f"{SITE}/dataset-service/web"
ISSUER = f"{SITE}/auth/realms/EUCAIM-NODE"
DATASETS = "/dataset-service/api/datasets"
PASSWORD = "a-password-of-her-own"  # noqa: S105 - of a person in a throw-away realm
_VERIFIER = "a-verifier-of-more-than-forty-three-characters-for-pkce"
_CHALLENGE = "8RvlHSIKgURy9pNw1v1_HJSh7626aBKdDpPfJ4Mre7s"  # its SHA-256, base64url


class Program:
    """Speaks with the public door as a program of a site does: by the public name, believing the node's authority alone."""

    def __init__(self, person: Person) -> None:
        trust = ssl.create_default_context(cadata=secret(person, "platform-authority", "tls.crt"))
        self.http = httpx.Client(verify=trust, trust_env=False, base_url=f"https://127.0.0.1:{HTTPS}", timeout=30)

    def ask(self, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        headers = {"Host": DOMAIN} | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.http.request(method, path, headers=headers, extensions={"sni_hostname": DOMAIN}, **more)

    def token(self, **form: str) -> str:
        answer = self.ask("POST", "/auth/realms/EUCAIM-NODE/protocol/openid-connect/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def datasets(self, token: str) -> dict[str, dict[str, Any]]:
        """Every data set that the token's owner may see, by name."""
        answer = self.ask("GET", f"{DATASETS}?limit=10000", token)
        assert answer.status_code == 200, answer.text
        return {one["name"]: one for one in answer.json()}


def authorization() -> str:
    """The login's address, as the explorer leads there who is not logged in."""
    asked = {
        "client_id": "dataset-explorer", "redirect_uri": EXPLORER, "scope": "openid", "response_type": "code",
        "code_challenge": _CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{ISSUER}/protocol/openid-connect/auth?{urlencode(asked)}"


def exchange(code: str) -> dict[str, str]:
    """What the explorer sends to get a token for the code with which somebody came back."""
    return {
        "grant_type": "authorization_code", "client_id": "dataset-explorer", "code": code, "redirect_uri": EXPLORER,
        "code_verifier": _VERIFIER,
    }  # fmt: skip


def log_in(page: Page, password: str) -> None:
    page.until("document.readyState === 'complete' && !!document.querySelector('#kc-form-login')")
    page.run(f"document.querySelector('#username').value = '{ADMIN}'; document.querySelector('#password').value = '{password}'")
    page.run("document.querySelector('#kc-login').click()")


def token_of(page: Page, program: Program) -> str:
    """The token that the explorer makes of the code with which the person comes back to it."""
    page.until(f"location.href.startsWith('{EXPLORER}')")
    code = parse_qs(urlsplit(page.run("location.href")).query)["code"][0]
    return program.token(**exchange(code))


def logged_in(page: Page, program: Program) -> str:
    """The token of the administrator, who logs in with the password that she chose."""
    page.forget()
    page.open(authorization())
    log_in(page, PASSWORD)
    return token_of(page, program)

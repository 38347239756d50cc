"""Guacamole's web application, its stand-in: login by password from its database and by OpenID Connect, tokens, log-out.

What our chart and gate rely on, after applications.md section 3: the variables of 1.6 (`…_FILE` too), /guacamole/api/languages
without a login, /guacamole/api/tokens with 200 or 403, DELETE of a token, the implicit flow with nonce, issuer, audience and
the signature by the JWKS address, the schema's files where the image has them.

It does not prove: Guacamole's own user interface, connections and permissions, desktops, Tomcat and Java, bans of addresses,
the extension's own order of logins, that the real schema's statements work.
"""

import hashlib
import json
import os
import secrets
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import jwt
import psycopg2
import tokens

ROOT = "/guacamole"
NONCE_SECONDS = 600
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Apache Guacamole</title>
<h1>Apache Guacamole</h1><p id="state">…</p><form id="form" hidden><input name="username"><input name="password" type="password">
<button>Login</button></form><p><a id="openid" hidden>Sign in with OpenID</a> <button id="logout" hidden>Logout</button></p>
<script>
const show = id => document.getElementById(id), api = "api/tokens";
let token;
async function login(fields) {
  const answer = await fetch(api, {method: "POST", body: new URLSearchParams(fields)}), said = await answer.json();
  if (answer.ok) {
    token = said.authToken;
    show("state").textContent = "Logged in as " + said.username;
    show("form").hidden = show("openid").hidden = true;
    show("logout").hidden = false;
  } else {
    show("state").textContent = said.message;
    show("form").hidden = false;
    const other = said.expected.find(field => field.type === "REDIRECT");
    if (other) { show("openid").href = other.redirectUrl; show("openid").hidden = false; }
  }
}
show("form").onsubmit = event => { event.preventDefault(); login(new FormData(event.target)); };
show("logout").onclick = async () => { await fetch(api + "/" + token, {method: "DELETE"}); location.hash = ""; location.reload(); };
const fragment = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
login(fragment.has("id_token") ? {id_token: fragment.get("id_token")} : {});
</script></html>"""


def setting(name: str) -> str:
    """A variable of the image, or what is in the file that NAME_FILE names."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").rstrip("\n")
    return os.environ.get(name, "")


class Sessions:
    """Tokens and nonces, in memory as Guacamole has them."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        self.nonces: dict[str, float] = {}
        self.lock = threading.Lock()

    def begin(self, user: str) -> str:
        token = secrets.token_hex(32).upper()
        self.users[token] = user
        return token

    def nonce(self) -> str:
        with self.lock:
            self.nonces = {name: until for name, until in self.nonces.items() if until > time.monotonic()}
            fresh = secrets.token_hex(16)
            self.nonces[fresh] = time.monotonic() + NONCE_SECONDS
        return fresh

    def used(self, nonce: str) -> bool:
        """Whether this nonce was ours; it counts once."""
        with self.lock:
            return self.nonces.pop(nonce, 0) > time.monotonic()


SESSIONS = Sessions()


def by_password(username: str, password: str) -> bool:
    connection = psycopg2.connect(
        host=setting("POSTGRESQL_HOSTNAME"), port=setting("POSTGRESQL_PORT") or "5432", dbname=setting("POSTGRESQL_DATABASE"),
        user=setting("POSTGRESQL_USERNAME"), password=setting("POSTGRESQL_PASSWORD"), connect_timeout=10,
    )  # fmt: skip
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT password_salt, password_hash FROM guacamole_user JOIN guacamole_entity USING (entity_id)"
                " WHERE name = %s AND type = 'USER' AND NOT disabled",
                (username,),
            )
            found = cursor.fetchone()
    finally:
        connection.close()
    if not found:
        return False
    salt, stored = bytes(found[0]), bytes(found[1])
    return secrets.compare_digest(hashlib.sha256(password.encode() + salt.hex().upper().encode()).digest(), stored)


def by_openid(token: str) -> str | None:
    """The person of an id_token that is valid and answers a nonce of ours."""
    try:
        keys = tokens.published(setting("OPENID_JWKS_ENDPOINT"))
        key = keys[jwt.get_unverified_header(token)["kid"]]
        said = tokens.claims(token, key, setting("OPENID_ISSUER"), setting("OPENID_CLIENT_ID"))
    except (jwt.InvalidTokenError, KeyError, OSError) as error:
        print(f"id_token refused: {type(error).__name__}: {error}", flush=True)
        return None
    if not SESSIONS.used(said.get("nonce", "")):
        print("id_token refused: its nonce is not ours", flush=True)
        return None
    return said.get(setting("OPENID_USERNAME_CLAIM_TYPE") or "email")


def expected() -> list[dict[str, str]]:
    fields = [{"name": "username", "type": "USERNAME"}, {"name": "password", "type": "PASSWORD"}]
    if setting("OPENID_AUTHORIZATION_ENDPOINT"):
        asks = {
            "scope": setting("OPENID_SCOPE") or "openid email profile", "response_type": "id_token",
            "client_id": setting("OPENID_CLIENT_ID"), "redirect_uri": setting("OPENID_REDIRECT_URI"), "nonce": SESSIONS.nonce(),
        }  # fmt: skip
        address = f"{setting('OPENID_AUTHORIZATION_ENDPOINT')}?{urlencode(asks)}"
        fields.append({"name": "id_token", "type": "REDIRECT", "redirectUrl": address})
    return fields


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == f"{ROOT}/api/languages":
            self.answer(200, {"en": "English"})
        elif path in (f"{ROOT}/", f"{ROOT}/index.html"):
            self.send(200, PAGE.encode(), "text/html; charset=utf-8")
        elif path == ROOT:
            self.send(302, b"", "text/plain", {"Location": f"{ROOT}/"})
        else:
            self.answer(404, {"message": "Not found.", "type": "NOT_FOUND"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        if self.path.partition("?")[0] != f"{ROOT}/api/tokens":
            self.answer(404, {"message": "Not found.", "type": "NOT_FOUND"})
            return
        user = None
        try:
            if "id_token" in form:
                user = by_openid(form["id_token"])
            elif "username" in form and by_password(form["username"], form.get("password", "")):
                user = form["username"]
        except psycopg2.Error as error:
            print(f"database: {error}", flush=True)
            self.answer(500, {"message": "Unexpected internal error.", "type": "INTERNAL_ERROR"})
            return
        if user is None:
            kind = "INVALID_CREDENTIALS" if form else "INSUFFICIENT_CREDENTIALS"
            self.answer(403, {"message": "Permission Denied.", "type": kind, "expected": expected()})
            return
        source = "openid" if "id_token" in form else "postgresql"
        known = {"authToken": SESSIONS.begin(user), "username": user, "dataSource": source, "availableDataSources": ["postgresql"]}
        self.answer(200, known)

    def do_DELETE(self) -> None:
        known = SESSIONS.users.pop(self.path.rpartition("/")[2], None)
        if known is None:
            self.answer(404, {"message": "No such token.", "type": "NOT_FOUND"})
        else:
            self.send(204, b"", "application/json")

    def answer(self, status: int, content: object) -> None:
        self.send(status, json.dumps(content).encode(), "application/json")

    def send(self, status: int, content: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name in the library
        """Nothing: the address of a log-out holds a token."""


def main() -> None:
    server = ThreadingHTTPServer(("", 8080), Web)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()

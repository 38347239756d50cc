"""The dataset service's backend, its stand-in: the contract that our charts and gates rely on, on a real database and real tokens.

What it has of applications.md section 1: the look-up of its configuration and the defaults behind it; the order of its start
(token by TLS, admin API by TLS, signing key by its id, database, mounts) and that any failure there ends it with exit code 0;
/health that knows nothing; data sets that are listed, registered, read and changed, with their folder; users with the trap of
gid -1; checks of access; the federated search's answers to a wrong credential; 401 for a wrong role, 500 for a token without kid.

It does not prove: the Job that makes a data set (a registered one is there at once), links and ACLs in the datalake, integrity
checks, projects and sites, tracer, Zenodo, the explorer's files, migrations of the real schema, its memory and speed.
"""

import json
import os
import signal
import ssl
import sys
import threading
import urllib.parse
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import psycopg2
import psycopg2.extras
import tokens
import yaml

PLACES = ("etc/dataset-service.yaml", "/etc/dataset-service/dataset-service.yaml")
# What is not said is somebody else's: the real service's defaults name public hosts of another project.
DEFAULTS: dict[str, Any] = {
    "db": {"host": "localhost", "port": 5432, "dbname": "db", "user": "dssuser", "password": ""},
    "auth": {
        "token_validation": {
            "token_issuer_public_keys_url": "https://default.invalid/certs",
            "kid": "",
            "client_id": "dataset-service",
        },
        "client": {"auth_url": "https://default.invalid/token", "client_id": "dataset-service", "client_secret": ""},
        "admin_api": {"url": "https://default.invalid/admin/", "client_id_to_request_user_tokens": "dataset-explorer"},
    },
    "self": {"port": 11000, "root_url": "", "datasets_mount_path": "/mnt/datasets", "datalake_mount_path": "/mnt/datalake"},
}
TABLES = """
CREATE TABLE IF NOT EXISTS author (id text PRIMARY KEY, username text UNIQUE NOT NULL, gid int UNIQUE);
CREATE SEQUENCE IF NOT EXISTS author_gid START 2000;
CREATE TABLE IF NOT EXISTS dataset (id uuid PRIMARY KEY, name text NOT NULL, description text NOT NULL, author text NOT NULL,
  project text, draft bool NOT NULL DEFAULT true, public bool NOT NULL DEFAULT false, invalidated bool NOT NULL DEFAULT false,
  created timestamptz NOT NULL DEFAULT now());
"""


class Refused(Exception):
    """An answer that is no 2xx: status and the text of its error."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Maps merge, everything else of the later source replaces."""
    both = dict(one)
    for key, value in other.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def configuration(arguments: list[str]) -> dict[str, Any]:
    named = Path(arguments[0]) if arguments else next((Path(place) for place in PLACES if Path(place).exists()), None)
    config = DEFAULTS
    if named and named.exists():
        config = merged(config, yaml.safe_load(named.read_text(encoding="utf-8")))
    elif named:
        print(f"ERROR configuration file {named} is absent", flush=True)  # and it goes on, as the real one does
    if inline := os.environ.get("DATASET_SERVICE_CONFIG"):
        config = merged(config, json.loads(inline))
    return config


def by_tls(url: str, form: dict[str, str] | None = None, token: str = "") -> Any:
    """Ask Keycloak: by TLS whatever the address says, with the authorities of SSL_CERT_FILE or the system."""
    address = "https://" + url.partition("://")[2]
    data = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(address, data, {"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=10, context=ssl.create_default_context()) as answer:  # noqa: S310
        return json.load(answer)


class Service:
    """The service after its start; each request gets a connection of its own."""

    def __init__(self, config: dict[str, Any]) -> None:
        """The start, in the real one's order. Any failure is the caller's matter."""
        self.config = config
        auth, client = config["auth"], config["auth"]["client"]
        secret = {"client_id": client["client_id"], "client_secret": client["client_secret"], "grant_type": "client_credentials"}
        token = by_tls(client["auth_url"], secret)["access_token"]
        sample = urllib.parse.quote(auth["admin_api"]["client_id_to_request_user_tokens"])
        if not by_tls(f"{auth['admin_api']['url']}clients?clientId={sample}", token=token):
            raise LookupError(f"client {sample} is not in the realm")
        validation = auth["token_validation"]
        self.key = tokens.published(validation["token_issuer_public_keys_url"])[validation["kid"]]
        self.rows(TABLES)
        for folder in ("datasets_mount_path", "datalake_mount_path"):
            if not Path(config["self"][folder]).is_dir():
                raise FileNotFoundError(config["self"][folder])

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """Run one statement in a transaction."""
        connection = psycopg2.connect(**self.config["db"], connect_timeout=10)
        try:
            with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(statement, values)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

    def caller(self, header: str | None) -> dict[str, Any] | None:
        """The claims of the caller's token; None without one."""
        if not header:
            return None
        token, validation = header[7:], self.config["auth"]["token_validation"]
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError as error:
            raise Refused(401, str(error)) from error
        if kid is None:
            raise Refused(500, "Internal server error: kid")
        try:
            claims = tokens.claims(token, self.key, validation["issuer"], validation["client_id"])
        except jwt.InvalidTokenError as error:
            raise Refused(401, str(error)) from error
        if "preferred_username" not in claims:
            raise Refused(500, "Internal server error: preferred_username")
        if not claims["preferred_username"].startswith("service-account-") and not {"name", "email"} <= claims.keys():
            raise Refused(401, "the token lacks name or email")
        return claims

    def roles(self, claims: dict[str, Any] | None) -> set[str]:
        """Roles of the caller under the service's client; the stronger ones hold the weaker."""
        client = self.config["auth"]["token_validation"]["client_id"]
        names = set((claims or {}).get("resource_access", {}).get(client, {}).get("roles", ()))
        if names & {"admin_datasets", "superadmin_datasets"}:
            names |= {"use_datasets"}
        return names | ({"admin_datasets"} if "superadmin_datasets" in names else set())

    def need(self, claims: dict[str, Any] | None, role: str) -> dict[str, Any]:
        """The caller, who has this role; 401 otherwise, as the real one answers (not 403)."""
        if claims is None or role not in self.roles(claims):
            raise Refused(401, f"missing role {role}")
        return claims

    def datasets(self, claims: dict[str, Any] | None, limit: int) -> list[dict[str, Any]]:
        """What the caller may see: all that is public and released, and what is their own."""
        own = (claims or {}).get("preferred_username", "")
        everything = "superadmin_datasets" in self.roles(claims)
        statement = (
            "SELECT * FROM dataset WHERE (public AND NOT draft AND NOT invalidated) OR author = %s OR %s ORDER BY created LIMIT %s"
        )
        return [_shown(row) for row in self.rows(statement, (own, everything, limit))]

    def dataset(self, claims: dict[str, Any] | None, name: str) -> dict[str, Any]:
        """One data set that the caller may see."""
        try:
            wanted = str(uuid.UUID(name))
        except ValueError as error:
            raise Refused(404, "not found") from error
        found = [one for one in self.datasets(claims, 1_000_000) if one["id"] == wanted]
        if not found:
            raise Refused(404 if claims else 401, "not found")
        return found[0]

    def register(self, claims: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        """A new data set with its folder; the real one leaves that to a Job."""
        name, description = str(body.get("name", "")), body.get("description")
        if not 3 <= len(name) <= 256 or not isinstance(description, str):
            raise Refused(400, "name (3 to 256 characters) and description are required")
        identity = str(uuid.uuid4())
        self.rows(
            "INSERT INTO author (id, username) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (claims["sub"], claims["preferred_username"]),
        )
        self.rows(
            "INSERT INTO dataset (id, name, description, author, project) VALUES (%s, %s, %s, %s, %s)",
            (identity, name, description, claims["preferred_username"], body.get("project")),
        )
        folder = Path(self.config["self"]["datasets_mount_path"], identity)
        folder.mkdir(mode=0o700)
        (folder / "eforms.json").write_text(json.dumps(body.get("subjects", [])))
        root = self.config["self"]["root_url"]
        return {"apiUrl": f"{root}/api/datasets/{identity}", "url": f"{root}/datasets/{identity}/details", "id": identity}

    def change(self, claims: dict[str, Any], name: str, body: dict[str, Any]) -> None:
        """PATCH one property."""
        row = self.dataset(claims, name)
        key = body.get("property")
        if key not in ("draft", "public", "invalidated") or not isinstance(body.get("value"), bool):
            raise Refused(400, "one property: draft, public or invalidated, with a value")
        if row["authorName"] != claims["preferred_username"] and "superadmin_datasets" not in self.roles(claims):
            raise Refused(401, "not the author")
        self.rows(f"UPDATE dataset SET {key} = %s WHERE id = %s", (body["value"], row["id"]))  # noqa: S608 - one of three words

    def user(self, name: str) -> dict[str, Any]:
        """A user as the service knows them."""
        if not (found := self.rows("SELECT username, gid FROM author WHERE username = %s", (name,))):
            raise Refused(404, "user not found")
        return found[0]

    def put_user(self, name: str, body: dict[str, Any]) -> None:
        """Write a user. gid -1 takes a new number each time, also when there is one."""
        gid = body.get("gid")
        if gid == -1:
            gid = self.rows("SELECT nextval('author_gid') AS gid")[0]["gid"]
        self.rows(
            "INSERT INTO author (id, username, gid) VALUES (%s, %s, %s)"
            " ON CONFLICT (username) DO UPDATE SET gid = COALESCE(EXCLUDED.gid, author.gid)",
            (str(uuid.uuid4()), name, gid),
        )

    def denied(self, body: dict[str, Any]) -> list[str]:
        """Those of the data sets that the user may not use."""
        if not {"userName", "datasets"} <= body.keys():
            raise Refused(400, "userName and datasets are required")
        known = self.rows("SELECT 1 FROM author WHERE username = %s", (body["userName"],))
        statement = "SELECT id::text FROM dataset WHERE NOT invalidated AND (author = %s OR (public AND NOT draft))"
        allowed = {row["id"] for row in self.rows(statement, (body["userName"],))} if known else set()
        return [one for one in body["datasets"] if one not in allowed]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "id": str(row["id"]), "authorName": row["author"], "created": row["created"].isoformat()}


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def handle_one(self) -> None:
        """Every method comes here."""
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        try:
            status, answer = self.route(urllib.parse.urlsplit(self.path), content)
        except Refused as refused:
            status, answer = refused.status, {"error": str(refused), "status_code": refused.status}
        except Exception as error:  # noqa: BLE001 - a server goes on; the log says what it was
            print(f"ERROR {self.command} {self.path}: {type(error).__name__}: {error}", flush=True)
            status, answer = 500, {"error": "Internal server error", "status_code": 500}
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = handle_one  # noqa: N815 - names of the library

    def route(self, url: urllib.parse.SplitResult, content: bytes) -> tuple[int, Any]:  # noqa: C901 - a table of paths
        """Status and answer of a request."""
        service, header, query = self.service, self.headers.get("Authorization"), urllib.parse.parse_qs(url.query)
        words = url.path.strip("/").split("/")
        if words in (["api", "health"], ["health"]):
            return 200, "ok"
        if words[:3] == ["api", "datasets", "eucaimSearch"]:
            return self.search(header, content)
        claims = service.caller(header)
        body = json.loads(content) if content else {}
        match (self.command, *words):
            case ("GET", "api", "datasets"):
                return 200, service.datasets(claims, int(query.get("limit", ["30"])[0]))
            case ("POST", "api", "datasets"):
                return 201, service.register(service.need(claims, "admin_datasets"), body)
            case ("GET", "api", "datasets", name):
                return 200, service.dataset(claims, name)
            case ("PATCH", "api", "datasets", name):
                service.change(service.need(claims, "admin_datasets"), name, body)
                return 200, None
            case ("GET", "api", "datasets", name, "creationStatus"):
                service.dataset(claims, name)
                return 200, {"status": "finished"}
            case ("GET", "api", "licenses"):
                return 200, [{"title": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}]
            case ("GET", "api", "users", name):
                service.need(claims, "admin_users")
                return 200, service.user(name)
            case ("PUT", "api", "users", name):
                service.need(claims, "admin_users")
                service.put_user(name, body)
                return 201, None
            case ("POST", "api", "datasetAccessCheck"):
                service.need(claims, "admin_datasetAccess")
                denied = service.denied(body)
                return (403, denied) if denied else (204, None)
        raise Refused(404, "not found")

    def search(self, header: str | None, content: bytes) -> tuple[int, Any]:
        """The federated search: a secret of its own, no token."""
        secret = self.service.config["self"].get("eucaim_search_token")
        if not secret:
            raise Refused(404, "not found")
        if header != f"Secret {secret}":
            raise Refused(401, "wrong secret")
        if "ast" not in json.loads(content or b"{}"):
            raise Refused(422, "no ast")
        return 200, {"collections": []}

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name in the library
        """Only what fails is printed."""


def main() -> None:
    config = configuration(sys.argv[1:])
    try:
        Web.service = Service(config)
    except Exception as error:  # noqa: BLE001 - as the real one: whatever it is, the process ends with 0
        print(f"ERROR at start: {type(error).__name__}: {error}", flush=True)
        sys.exit(0)
    server = ThreadingHTTPServer(("", config["self"]["port"]), Web)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print("dataset service is up", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

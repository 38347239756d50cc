"""The node of these tests: its configuration, the command that makes, upgrades and repairs it."""

import base64
import copy
import json
import subprocess
from typing import Any

from person import Person

PROFILE = "mininode-micro"
HTTP, HTTPS = 29280, 29543
MEMORY = "8000Mi"
DOMAIN = "node.mininode.internal"
ADMIN = "ada@hospital.example"
NAMESPACE, SYSTEM = "eucaim-node", "mininode-system"
NODE: dict[str, Any] = {"domain": DOMAIN, "siteName": "Micro", "tls": {"mode": "ownCA"}, "identity": {"admins": [ADMIN]}}


def install(person: Person, **components: Any) -> subprocess.CompletedProcess[str]:
    """`python3 install.py micro --cluster minikube`, as an ordinary user; with some of `components:` different."""
    person.node = {**copy.deepcopy(NODE), **({"components": components} if components else {})}
    config = person.write()
    done = person.install("micro", "--cluster", "minikube", "--config", str(config), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def read(person: Person, *what: str, namespace: str = NAMESPACE) -> Any:
    return json.loads(person.kubectl("get", *what, "-n", namespace, "-o", "json"))


def secret(person: Person, name: str, key: str) -> str:
    return base64.b64decode(read(person, "secret", name)["data"][key]).decode()


def condition(person: Person, kind: str) -> dict[str, str]:
    found: list[dict[str, str]] = read(person, "emn", "node")["status"]["conditions"]
    return next(one for one in found if one["type"] == kind)


def ready(person: Person) -> bool:
    """Whether every gate holds because it holds."""
    node = read(person, "emn", "node")
    gates = {one["gate"] for one in node["status"]["components"]}
    return condition(person, "Ready")["status"] == "True" and gates == {"Held"}


def pods(person: Person, namespace: str = NAMESPACE) -> list[dict[str, Any]]:
    """Those that are to go on running."""
    found: list[dict[str, Any]] = read(person, "pods", namespace=namespace)["items"]
    return [one for one in found if one["status"]["phase"] not in {"Succeeded", "Failed"}]


def revisions(person: Person) -> dict[str, int]:
    return {one["name"]: one["revision"] for one in read(person, "emn", "node")["status"]["components"]}

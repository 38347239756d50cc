"""What the tests of this folder do to a cluster, and look for in it."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from person import Person

# minikube gives this name to the computer in every machine of its own, so a test can answer there (test_login.py).
NODE = {"domain": "host.minikube.internal", "siteName": "Lane", "tls": {"mode": "ownCA"}}
WAIT = "5"  # s that an install follows the node: that applications start is another lane's matter


def install(person: Person, *arguments: str, **computer: object) -> subprocess.CompletedProcess[str]:
    """The command, with some of `computer:` different."""
    config = person.write(**computer)
    options = ("--cluster", "minikube", "--config", str(config), "--yes", "--timeout", WAIT)
    return person.run("install", "micro", *options, *arguments)


def apply(person: Person, document: dict[str, Any]) -> None:
    """An object of a test's own."""
    file = person.folder / "object.json"
    file.write_text(json.dumps(document))
    person.kubectl("apply", "-f", str(file))


def sentinel(person: Person) -> str:
    """The identity of the data as the cluster has it; a cluster that was reset has none."""
    return person.kubectl("get", "configmap", "mininode-cluster", "-n", "kube-system", "-o", "jsonpath={.data.identity}")


def listing(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file of a folder: owner, mode, and what is in it."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_uid, path.stat().st_mode, _short(path.read_bytes()))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def passwords(person: Person) -> dict[str, str]:
    """The node's credentials as the cluster has them, in short: those that the file beside the data keeps."""
    kept = json.loads((person.data / "node/credentials/eucaim-node.node.json").read_text())["secrets"]
    items = json.loads(person.kubectl("get", "secrets", "-n", "eucaim-node", "-o", "json"))["items"]
    there = {one["metadata"]["name"]: _short(json.dumps(one["data"], sort_keys=True).encode()) for one in items if one.get("data")}
    return {name: there[name] for name in kept if name in there}


def postgresql_ready(person: Person) -> bool:
    """Whether the database's pod is."""
    query = ("-l", "app.kubernetes.io/name=postgresql", "-o", "jsonpath={.items[*].status.containerStatuses[*].ready}")
    return "true" in person.kubectl("get", "pods", "-n", "eucaim-node", *query)


def database(person: Person) -> bytes:
    """The number that PostgreSQL gave this database when it made it: the first eight bytes of its control file."""
    return (person.data / "node/postgresql-data/pgdata/global/pg_control").read_bytes()[:8]


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

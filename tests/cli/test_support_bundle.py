"""`mininode support-bundle` of a real node with planted secrets: everything that helps is in it, and no secret."""

import base64
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARK = "Qm4rkedS3cret"


def contents(file: Path) -> dict[str, str]:
    with tarfile.open(file) as archive:
        return {one.name.partition("/")[2]: archive.extractfile(one).read().decode() for one in archive}  # type: ignore[union-attr]


def test_everything_that_helps_and_no_secret(installed: Any, kubectl: Callable[..., str], tmp_path: Path) -> None:
    there = ("-n", "eucaim-node")
    kubectl("create", "secret", "generic", "planted", f"--from-literal=password={MARK}-1", *there)
    kubectl(
        "create",
        "configmap",
        "planted",
        f"--from-literal=note=the password is {MARK}-1",
        f"--from-literal=adminPassword={MARK}-2",
        *there,
    )
    log = installed.folder / "state" / "mininode" / "rehearsal" / "logs" / "planted.log"
    log.write_text(f"connecting with {MARK}-1\nAPI_TOKEN={MARK}-3\n")
    out = tmp_path / "bundle.tar.gz"
    try:
        done = installed.run("support-bundle", "--file", str(out), timeout=300)
    finally:
        kubectl("delete", "secret,configmap", "planted", *there)
        log.unlink()
    assert done.returncode == 0, done.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    files = contents(out)
    whole = "\n".join(files.values())
    assert MARK not in whole
    secrets = json.loads(kubectl("get", "secrets", *there, "-l", "owner!=helm", "-o", "json"))["items"]
    values = [value for one in secrets for key, value in (one.get("data") or {}).items() if "password" in key or "secret" in key]
    assert len(values) >= 4, "a node has passwords"
    assert [value for value in values if value in whole or base64.b64decode(value).decode() in whole] == []

    (node,) = json.loads(files["objects/nodes.json"])
    assert node["spec"]["domain"] == "node.rehearsal.example"
    assert node["status"]["components"]
    assert json.loads(files["versions.json"])["tools"]["helm"].startswith("v")
    assert json.loads(files["objects/events.json"])
    assert any(one["metadata"]["name"] == "dataset-service-backend" for one in json.loads(files["objects/deployment.json"]))
    assert "kind: Deployment" in files["helm/keycloak.yaml"]
    assert "connecting with [hidden]" in files["computer/rehearsal/logs/planted.log"]
    assert {"name": "planted", "namespace": "eucaim-node", "keys": ["password"]} in json.loads(files["secrets-names-only.json"])


def test_without_a_cluster_there_is_still_a_bundle(blank: Any, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"
    blank.extra |= {"HOME": str(tmp_path / "home")}
    done = blank.run("support-bundle", "--file", str(out))
    assert done.returncode == 0, done.stderr
    assert "It is not known which cluster is meant" in done.stdout
    assert {"versions.json", "check.json", "problems.txt"} <= contents(out).keys()
    again = blank.run("support-bundle", "--file", str(out))
    assert again.returncode == 2
    assert "is there already" in again.stderr

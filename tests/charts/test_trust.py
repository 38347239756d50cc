"""The trust bundle reaches every pod, Java's included: a real Java, with the chart's options, asks for the public name."""

import datetime
import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mininode.credentials.certificates import Pair, issue, java_truststore, new_authority

Render = Callable[..., list[dict[str, Any]]]
DOMAIN = "node.hospital.example"
NOW = datetime.datetime.now(datetime.UTC)
MOUNTED = "/run/trust"
# Where programs of the images look for authorities: OpenSSL, Python, Go; and where ours are for Java.
PLACES = {"/etc/ssl/certs", MOUNTED}
JAVA = {"keycloak", "guacamole"}


def containers(documents: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Those that stay, each with its pod."""
    pods = [one["spec"]["template"]["spec"] for one in documents if one["kind"] in ("Deployment", "StatefulSet")]
    return [(pod, one) for pod in pods for one in pod["containers"]]


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container.get("env", [])}


@pytest.mark.parametrize("component", ["postgresql", "keycloak", "dataset-service", "guacamole", "edge"])
def test_every_pod_has_the_node_s_bundle(component: str, render: Render) -> None:
    found = {}
    for pod, container in containers(render(component)):
        (volume,) = (one for one in pod["volumes"] if one["name"] == "trust")
        assert volume["configMap"]["name"] == "trust-bundle"
        found[container["name"]] = {one["mountPath"] for one in container["volumeMounts"] if one["name"] == "trust"}
    found.pop("files", None)  # hands out files by plain http inside the node, and asks nobody
    for name, places in found.items():
        assert places == ({MOUNTED} if name in JAVA else PLACES - {MOUNTED}), name


def test_keycloak_believes_the_bundle_beside_java_s_own_list(render: Render) -> None:
    ((pod, container),) = containers(render("keycloak"))
    (volume,) = (one for one in pod["volumes"] if one["name"] == "trust")
    files = {f"{MOUNTED}/{item['path']}" for item in volume["configMap"]["items"]}
    assert environment(container)["KC_TRUSTSTORE_PATHS"] in files


@contextmanager
def serving(folder: Path, own: Pair) -> Iterator[int]:
    """A door with this certificate, on a free port."""
    (folder / "own.pem").write_text(own.certificate + own.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem")

    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("known", "answer"), [(True, "204"), (False, "unable to find valid certification path")])
def test_java_believes_the_public_name_by_the_chart_s_options(known: bool, answer: str, render: Render, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None:
        pytest.skip("NOT RUN: no Java here")
    variables = [environment(one) for _, one in containers(render("guacamole"))]
    (options,) = (one["JAVA_TOOL_OPTIONS"] for one in variables if "JAVA_TOOL_OPTIONS" in one)
    assert MOUNTED in options
    authority = new_authority("the node's own", NOW)
    bundle = new_authority("public", NOW).certificate + (authority.certificate if known else "")
    (tmp_path / "truststore.p12").write_bytes(java_truststore(bundle))
    (tmp_path / "hosts").write_text(f"127.0.0.1 {DOMAIN}\n")  # as the pod's host aliases say
    with serving(tmp_path, issue(authority, DOMAIN, NOW)) as port:
        command = [java, *options.replace(MOUNTED, str(tmp_path)).split(), f"-Djdk.net.hosts.file={tmp_path}/hosts"]
        command += [str(Path(__file__).parent / "Ask.java"), f"https://{DOMAIN}:{port}/"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer in done.stdout, done.stdout + done.stderr

"""The door with `tls.mode: acme`, for real: our rendered configuration, the real Caddy, a real ACME authority on loopback."""

import contextlib
import datetime
import os
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # a helper of this folder, which is no package

import acme

from mininode.api.spec import NodeSpec
from mininode.cluster.ports import free_ports
from mininode.components.edge import WHO
from mininode.credentials.certificates import covers, expiry, fingerprint, issue, new_authority, rfc3339
from mininode.engine.expiry import certificate_said

DOMAIN = "node.hospital.example"
NOW = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class World:
    """An authority inside of a site: its own https has a certificate of the site's, which pods believe by their bundle."""

    folder: Path
    ports: tuple[int, int]
    authority: acme.Authority
    caddyfile: Path
    caddy: Path
    spec: NodeSpec

    @contextlib.contextmanager
    def door(self) -> Iterator[None]:
        """Caddy as its pod runs it, with the pod's data volume and trust."""
        environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        environment |= {"XDG_DATA_HOME": str(self.folder / "data"), "XDG_CONFIG_HOME": str(self.folder / "tmp")}
        environment |= {"SSL_CERT_FILE": str(self.folder / "bundle.crt"), "SSL_CERT_DIR": str(self.folder / "none")}
        command = [str(self.caddy), "run", "--config", str(self.caddyfile), "--adapter", "caddyfile", "--watch"]
        with acme.process(command, self.log, environment):
            yield

    @property
    def log(self) -> Path:
        return self.folder / "caddy.log"

    def shown(self) -> str:
        """The certificate that the door shows to somebody who believes the authority; empty while it has none."""
        trust = ssl.create_default_context(cadata=self.authority.root())
        try:
            with (
                socket.create_connection(("127.0.0.1", self.ports[1]), timeout=10) as raw,
                trust.wrap_socket(raw, server_hostname=DOMAIN) as secured,
            ):
                return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"")
        except OSError:  # not listening, or no certificate yet
            return ""


@pytest.fixture
def world(tmp_path: Path, render: Callable[..., list[dict[str, Any]]]) -> Iterator[World]:
    found = acme.programs()
    site = new_authority("the site's own", NOW)
    (tmp_path / "bundle.crt").write_text(site.certificate)
    http, https, front = free_ports(3)
    ports = (http, https)
    with acme.authority(tmp_path, issue(site, "localhost", NOW), site.certificate, ports, found) as authority:
        spec = NodeSpec.model_validate(
            {"domain": DOMAIN, "contact": "it@hospital.example", "tls": {"mode": "acme", "acmeDirectory": authority.directory}}
        )
        (config,) = (one for one in render("edge", spec) if one["kind"] == "ConfigMap")
        text = config["data"]["Caddyfile"]
        # On one computer ports may be taken; nothing else of what is rendered is changed.
        for line, port in (("http_port 8080", http), ("https_port 8443", https), ("http://:8081", front)):
            assert text.count(line) == 1
            text = text.replace(line, line.replace(line[-4:], str(port)))
        (tmp_path / "Caddyfile").write_text(text)
        yield World(tmp_path, ports, authority, tmp_path / "Caddyfile", found["caddy"], spec)


def test_a_certificate_is_got_served_and_kept(world: World) -> None:
    with world.door():
        acme.until(lambda: bool(world.shown()), world.log)
        first = world.shown()
        assert covers(first, DOMAIN)
        assert certificate_said(rfc3339(expiry(first)), rfc3339(NOW), world.spec)[1] == "CertificateLasts"

        trust = ssl.create_default_context(cadata=world.authority.root())
        with httpx.Client(verify=trust, trust_env=False) as client:
            http, https = (f"{scheme}://127.0.0.1:{port}" for scheme, port in zip(("http", "https"), world.ports, strict=True))
            inside = client.get(f"{https}{WHO}", headers={"Host": DOMAIN}, extensions={"sni_hostname": DOMAIN})
            assert (inside.status_code, set(inside.json())) == (200, {"node"})
            assert "max-age" in inside.headers["Strict-Transport-Security"]
            plain = client.get(f"{http}/auth/x?y=1", headers={"Host": DOMAIN})
            assert (plain.status_code, plain.headers["Location"]) == (308, f"https://{DOMAIN}/auth/x?y=1")
    orders = (world.folder / "pebble.log").read_text().count("Issued certificate serial")
    assert orders == 1

    # Public authorities give few certificates a week: a new pod with the old volume asks for none.
    with world.door():
        acme.until(lambda: bool(world.shown()), world.log)
        assert fingerprint(world.shown()) == fingerprint(first)
    assert (world.folder / "pebble.log").read_text().count("Issued certificate serial") == orders


def test_an_authority_that_the_pods_do_not_believe_is_told_in_the_log_and_nothing_is_served(world: World) -> None:
    (world.folder / "bundle.crt").write_text(new_authority("somebody else", NOW).certificate)
    with world.door():
        acme.until(lambda: "certificate signed by unknown authority" in world.log.read_text(), world.log)
        assert world.shown() == ""

"""How Kopf is told where the API server is."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import kopf
import pytest
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.incluster_config import InClusterConfigLoader

from mininode.app import handlers
from mininode.kube.client import Kube

LOGIN = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="only-for-this-test")  # noqa: S106 - of nobody


@pytest.mark.parametrize(
    ("host", "address"), [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
async def test_a_pod_finds_the_api_server_before_the_cluster_knows_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, address: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: LOGIN)
    for name in ("token", "ca.crt"):
        (tmp_path / name).write_text("only-for-this-test")
    pod = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
    configuration = Configuration()
    InClusterConfigLoader(tmp_path / "token", tmp_path / "ca.crt", environ=pod).load_and_set(configuration)
    configuration.ssl_ca_cert = None  # nobody is asked
    async with Kube(configuration) as kube:
        registry = kopf.OperatorRegistry()
        handlers.register(registry, cast(Any, SimpleNamespace(engine=SimpleNamespace(kube=kube))))
        (login,) = [one for one in registry._activities.get_all_handlers() if one.id == "login"]  # noqa: SLF001 - as Kopf asks it
        found = login.fn(settings=kopf.OperatorSettings())
    assert (found.server, found.token) == (address, LOGIN.token)

"""How Kopf is told where the API server is."""

from pathlib import Path

import kopf
import pytest

from mininode.app import handlers

LOGIN = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="only-for-this-test")  # noqa: S106 - of nobody


@pytest.mark.parametrize(
    ("host", "address"), [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_a_pod_finds_the_api_server_before_the_cluster_knows_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, address: str
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: LOGIN)
    registry = kopf.OperatorRegistry()
    handlers.register(registry, None)  # type: ignore[arg-type]
    (login,) = [one for one in registry._activities.get_all_handlers() if one.id == "login"]  # noqa: SLF001 - as Kopf asks it
    found = login.fn(settings=kopf.OperatorSettings())
    assert (found.server, found.token) == (address, LOGIN.token)

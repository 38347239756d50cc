"""What the operator process is told by its environment."""

from pathlib import Path

import pytest

from mininode.app.settings import Settings


def test_an_empty_environment_is_that_of_a_pod() -> None:
    settings = Settings.from_environment({})
    assert settings.kubeconfig is None
    assert settings.helm == Path("helm")
    assert settings.port is None


def test_every_variable_is_read() -> None:
    settings = Settings.from_environment(
        {
            "KUBECONFIG": "/etc/access",
            "MININODE_TOOL_HELM": "/opt/helm",
            "MININODE_HELM_PROCESSES": "1",
            "MININODE_PORT": "8080",
            "MININODE_LOG_FORMAT": "json",
            "MININODE_KEEP": "/var/lib/mininode/credentials",
        }
    )
    assert (settings.kubeconfig, settings.helm) == (Path("/etc/access"), Path("/opt/helm"))
    assert (settings.helm_processes, settings.port, settings.log_format) == (1, 8080, "json")
    assert settings.keep == Path("/var/lib/mininode/credentials")


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="many"):
        Settings.from_environment({"MININODE_HELM_PROCESSES": "many"})

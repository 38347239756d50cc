"""People log in to the Kubernetes API with their account of the node: switched on for a cluster that runs, and off again.

The identity provider is the test's own, because the node's does not run here: what is shown is that the API server takes on the
file that the installer gave it, by itself, and that its claims become names and groups as the file says.
"""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from deeds import NODE, install
from issuer import Issuer, issuing
from person import until

from mininode.cluster.minikube.wish import REALM

# The API server looks at its file once a minute, and gives a provider that does not answer yet a minute before it looks again.
SECONDS = 240


@pytest.fixture
def provider(made: Any, tmp_path: Path) -> Iterator[Issuer]:
    if os.getuid():
        pytest.skip("only root can listen on port 443")
    address = made.docker("network", "inspect", "-f", "{{range .IPAM.Config}}{{.Gateway}} {{end}}", made.profile).split()[0]
    with issuing(address, NODE["domain"], REALM, tmp_path) as one:
        yield one


def whoami(person: Any, token: str) -> tuple[str, list[str]] | None:
    """Name and groups of whoever has this token; None where the API server does not know it."""
    access = yaml.safe_load((person.cluster_home / "kubeconfig").read_text())["clusters"][0]["cluster"]
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    url = f"{access['server']}/apis/authentication.k8s.io/v1/selfsubjectreviews"
    trust = ssl.create_default_context(cafile=access["certificate-authority"])
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, verify=trust, timeout=30)
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return None
    found = answer.raise_for_status().json()["status"]["userInfo"]
    return found["username"], found["groups"]


@pytest.mark.usefixtures("identity")
def test_it_is_switched_on_later_and_off_again_and_nothing_is_started_for_it(made: Any, provider: Issuer) -> None:
    token = provider.token("ana", "data-scientists")
    assert whoami(made, token) is None
    query = ("-l", "component=kube-apiserver", "-o", "jsonpath={..containerID} {..restartCount}")
    started = ("get", "pods", "-n", "kube-system", *query)
    before = made.kubectl(*started)
    authority = made.folder / "authority.pem"
    authority.write_text(provider.authority)
    authority.chmod(0o644)
    on = {"kubernetesLogin": {"enabled": True, "certificateAuthorityFile": str(authority)}}

    done = install(made, **on)
    assert "the API server has the new authentication file" in done.stdout, done.stdout + done.stderr
    until(lambda: whoami(made, token) is not None, SECONDS, "the API server takes the provider's tokens")
    name, groups = whoami(made, token) or ("", [])
    assert name == "oidc:ana"
    assert "oidc:data-scientists" in groups
    assert whoami(made, provider.token("ana", audience="somebody-else")) is None

    assert "new authentication file" not in install(made, **on).stdout  # once is enough
    assert "the API server has the new authentication file" in install(made).stdout
    until(lambda: whoami(made, token) is None, SECONDS, "the API server takes them no more")
    assert made.kubectl(*started) == before

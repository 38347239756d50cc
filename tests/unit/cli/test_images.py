"""`mininode images pin`: the registry's protocol and the file that is written."""

import hashlib
import shutil
from pathlib import Path

import httpx
import pytest

from mininode.assets import asset
from mininode.cli import images
from mininode.planning.images import ImageLock

INDEX = b'{"schemaVersion": 2, "manifests": []}'
DIGEST = "sha256:" + hashlib.sha256(INDEX).hexdigest()
KIND = "application/vnd.oci.image.index.v1+json"
CHALLENGE = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/postgres:pull"'
)


def client(**headers: str) -> httpx.Client:
    """Docker Hub without an account: a challenge, a token, the index. `headers` change the last answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.docker.io":
            asked = dict(request.url.params)
            assert asked == {"service": "registry.docker.io", "scope": "repository:library/postgres:pull"}
            return httpx.Response(200, json={"token": "anonymous"})
        assert str(request.url) == "https://registry-1.docker.io/v2/library/postgres/manifests/17.11"
        if request.headers.get("Authorization") != "Bearer anonymous":
            return httpx.Response(401, headers={"WWW-Authenticate": CHALLENGE})
        assert KIND in request.headers["Accept"]
        said = {"Content-Type": KIND, "Docker-Content-Digest": DIGEST} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        return httpx.Response(200, content=INDEX, headers=said)

    return httpx.Client(transport=httpx.MockTransport(answer))


def test_a_digest_is_asked_for_with_an_anonymous_token() -> None:
    assert images.registry_digest(client(), "docker.io", "library/postgres", "17.11") == DIGEST


def test_a_registry_that_names_another_digest_is_not_believed() -> None:
    with pytest.raises(ValueError, match="no manifest"):
        images.registry_digest(
            client(Docker_Content_Digest="sha256:" + "0" * 64), "docker.io", "library/postgres", "17.11"
        )


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json"])
def test_a_proxy_s_page_is_no_manifest(kind: str) -> None:
    with pytest.raises(ValueError, match="no manifest"):
        images.registry_digest(client(Content_Type=kind), "docker.io", "library/postgres", "17.11")


@pytest.mark.parametrize("challenge", ['Basic realm="Harbor"', 'Bearer realm="http://auth.example/token"', ""])
def test_a_registry_that_wants_an_account_is_told(challenge: str) -> None:
    refusing = httpx.MockTransport(lambda _: httpx.Response(401, headers={"WWW-Authenticate": challenge}))
    with httpx.Client(transport=refusing) as asked, pytest.raises(ValueError, match="wants an account"):
        images.registry_digest(asked, "docker.io", "library/postgres", "17.11")


def test_an_unknown_tag_is_an_error() -> None:
    missing = httpx.MockTransport(lambda _: httpx.Response(404))
    with httpx.Client(transport=missing) as asked, pytest.raises(httpx.HTTPStatusError):
        images.registry_digest(asked, "quay.io", "keycloak/keycloak", "26.7.3")


def test_only_the_digest_s_lines_change(tmp_path: Path) -> None:
    path = tmp_path / "images.lock.yaml"
    shutil.copy(asset("images.lock.yaml"), path)
    path.chmod(0o640)
    before = path.read_text()
    images.write_digests(path, before, {"guacd": (DIGEST, "docker.io, 2026-11-23")})
    changed = {line.strip() for line in path.read_text().splitlines()} ^ {line.strip() for line in before.splitlines()}
    old = ImageLock.load(before).images["guacd"]
    # The old source stays where another image has the same.
    assert {f"digest: {DIGEST}", "source: docker.io, 2026-11-23", f"digest: {old.digest}"} <= changed
    assert changed - {f"source: {old.source}"} == {
        f"digest: {DIGEST}",
        "source: docker.io, 2026-11-23",
        f"digest: {old.digest}",
    }
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_digest_that_is_none_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "images.lock.yaml"
    shutil.copy(asset("images.lock.yaml"), path)
    before = path.read_text()
    with pytest.raises(Exception, match="is wrong"):
        images.write_digests(path, before, {"guacd": ("sha256:none", "docker.io")})
    assert path.read_text() == before

"""The door to the Kubernetes API against a real web server: what is sent, and what each answer leads to."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from mininode.errors import Exit, KubeError
from mininode.kube.client import Kube
from mininode.kube.resources import DEPLOYMENTS, EUCAIM_NODES, NODES, SECRETS, SERVICE_ACCOUNTS

BODY: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {}}


class TestRetries:
    async def test_a_fault_of_the_moment_is_waited_out(self, server: Any, kube: Kube) -> None:
        server.say(500)
        server.say(503)
        server.say(200, BODY)
        assert await kube.get(SECRETS, "db", "eucaim") == BODY
        assert kube.calls == {("GET", 500): 1, ("GET", 503): 1, ("GET", 200): 1}

    async def test_a_fault_that_stays_is_told(self, server: Any, kube: Kube, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mininode.kube.client._delay", lambda *_: 0.0)
        server.refuse(500, "InternalError", "etcd has no leader")
        with pytest.raises(KubeError, match="etcd has no leader") as caught:
            await kube.get(SECRETS, "db", "eucaim")
        assert (caught.value.code, caught.value.reason) == (500, "InternalError")
        assert 3 <= len(server.asked) <= 10

    async def test_a_server_that_asks_for_time_gets_it(self, server: Any, kube: Kube) -> None:
        server.say(429, Retry_After="2")
        server.say(201, BODY)
        assert await kube.create(SECRETS, BODY, "eucaim") == BODY
        first, second = server.asked
        assert second.moment - first.moment >= 2.0

    async def test_a_create_that_may_have_been_carried_out_is_not_sent_again(self, server: Any, kube: Kube) -> None:
        server.say(500)
        with pytest.raises(KubeError):
            await kube.create(SECRETS, BODY, "eucaim")
        assert len(server.asked) == 1

    @pytest.mark.parametrize("status", [400, 409, 422])
    async def test_a_no_is_a_no(self, server: Any, kube: Kube, status: int) -> None:
        server.refuse(status, "Invalid", "spec.domain: Required value")
        with pytest.raises(KubeError, match=r"spec\.domain: Required value"):
            await kube.apply(SECRETS, BODY, "eucaim", manager="m")
        assert len(server.asked) == 1


class TestErrors:
    @pytest.mark.usefixtures("kube")  # for its access file
    async def test_nobody_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mininode.kube.client._delay", lambda *_: 0.0)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
            port = taken.getsockname()[1]
            file = tmp_path / "kubeconfig"
            file.write_text(re.sub(r"http://127.0.0.1:\d+", f"http://127.0.0.1:{port}", file.read_text()))
            async with await Kube.connect(file) as lost:
                with pytest.raises(KubeError, match=f"127.0.0.1:{port} does not answer") as caught:
                    await lost.version()
        assert (caught.value.reason, caught.value.code) == ("KubernetesUnreachable", 0)
        assert caught.value.exit_code is Exit.UNAVAILABLE
        assert "mininode rehearsal status" in caught.value.advice
        assert lost.calls[("GET", 0)] > 1

    async def test_what_is_not_there_is_none_and_no_error(self, server: Any, kube: Kube) -> None:
        server.refuse(404, "NotFound", 'secrets "db" not found')
        assert await kube.get(SECRETS, "db", "eucaim") is None
        assert await kube.get_metadata(SECRETS, "db", "eucaim") is None
        assert await kube.delete(SECRETS, "db", "eucaim") is False

    async def test_a_kind_that_is_not_there_is_an_error(self, server: Any, kube: Kube) -> None:
        server.refuse(404, "NotFound", "the server could not find the requested resource")
        with pytest.raises(KubeError) as caught:
            await kube.list(EUCAIM_NODES)
        assert caught.value.code == 404

    @pytest.mark.parametrize(("status", "word"), [(401, "token"), (403, "right")])
    async def test_no_access_comes_with_advice(self, server: Any, kube: Kube, status: int, word: str) -> None:
        server.refuse(status, "X", "no")
        with pytest.raises(KubeError) as caught:
            await kube.list(SECRETS, "eucaim")
        assert word in caught.value.advice
        assert "TOKEN" not in str(caught.value)

    async def test_the_same_name_twice_is_none(self, server: Any, kube: Kube) -> None:
        server.refuse(409, "AlreadyExists", 'secrets "db" already exists')
        assert await kube.create(SECRETS, BODY, "eucaim") is None

    async def test_an_answer_that_is_no_json_is_an_error_all_the_same(self, server: Any, kube: Kube) -> None:
        server.say_text(403, "<html>the proxy says no</html>")
        with pytest.raises(KubeError, match="the proxy says no"):
            await kube.version()

    @pytest.mark.parametrize("text", ["", "a: [", "kind: Config", "- 1"])
    async def test_an_access_file_that_is_none(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "broken"
        file.write_text(text)
        with pytest.raises(KubeError) as caught:
            await Kube.connect(file)
        assert str(file) in caught.value.message
        assert "--kubeconfig" in caught.value.advice

    async def test_no_access_file(self, tmp_path: Path) -> None:
        with pytest.raises(KubeError, match="nowhere"):
            await Kube.connect(tmp_path / "nowhere")


class TestRequests:
    async def test_metadata_without_payload_is_asked_for(self, server: Any, kube: Kube) -> None:
        server.say(200, {"items": [{"metadata": {"name": "a"}}]})
        assert await kube.list_metadata(SECRETS, "eucaim", labels="owner=helm") == [{"metadata": {"name": "a"}}]
        (asked,) = server.asked
        assert asked.path == "/api/v1/namespaces/eucaim/secrets"
        assert asked.query == {"labelSelector": "owner=helm"}
        assert asked.headers["Accept"] == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        await kube.get_metadata(SECRETS, "a", "eucaim")
        assert server.asked[1].headers["Accept"] == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

    async def test_what_was_seen_before_is_answered_from_the_cache(self, server: Any, kube: Kube) -> None:
        server.say(200, {"metadata": {"resourceVersion": "7"}, "items": []})
        assert await kube.list_metadata_since("", SECRETS, "eucaim") == ([], "7")
        await kube.list_metadata_since("7", SECRETS, "eucaim", labels="owner=helm")
        first, second = server.asked
        assert first.query == {}, "as it is now"
        assert second.query == {
            "labelSelector": "owner=helm", "resourceVersion": "7", "resourceVersionMatch": "NotOlderThan"
        }  # fmt: skip

    async def test_the_token_goes_along(self, server: Any, kube: Kube) -> None:
        server.say(200, {"gitVersion": "v1.35.1"})
        assert await kube.version() == "v1.35.1"
        assert server.asked[0].headers["Authorization"] == "Bearer TOKEN"
        assert server.asked[0].headers["User-Agent"].startswith("mininode/")

    async def test_server_side_apply_of_a_status(self, server: Any, kube: Kube) -> None:
        node = {"apiVersion": EUCAIM_NODES.api_version, "kind": "EucaimNode", "metadata": {"name": "node"}, "status": {}}
        server.say(200, node)
        await kube.apply(EUCAIM_NODES, node, "eucaim", manager="tester", force=True, subresource="status")
        (asked,) = server.asked
        assert (asked.method, asked.path) == (
            "PATCH",
            "/apis/mininode.cancerimage.eu/v1alpha1/namespaces/eucaim/eucaimnodes/node/status",
        )
        assert asked.headers["Content-Type"] == "application/apply-patch+yaml"
        assert asked.query.items() >= {"fieldManager": "tester", "force": "true", "fieldValidation": "Strict"}.items()
        assert json.loads(asked.body) == node

    async def test_only_that_very_object_is_deleted(self, server: Any, kube: Kube) -> None:
        server.say(200, {})
        assert await kube.delete(SECRETS, "db", "eucaim", uid="1-2-3") is True
        assert json.loads(server.asked[0].body)["preconditions"] == {"uid": "1-2-3"}

    async def test_paths(self) -> None:
        assert NODES.path("ignored", "rehearsal") == "/api/v1/nodes/rehearsal"
        assert DEPLOYMENTS.path("eucaim") == "/apis/apps/v1/namespaces/eucaim/deployments"
        assert SERVICE_ACCOUNTS.path("n", "a", "token") == "/api/v1/namespaces/n/serviceaccounts/a/token"
        assert SECRETS.path() == "/api/v1/secrets"


class TestWatch:
    async def test_changes_until_the_server_ends_it(self, server: Any, kube: Kube) -> None:
        node = {"metadata": {"name": "node", "resourceVersion": "7"}}
        server.say_lines({"type": "ADDED", "object": node}, {"type": "BOOKMARK", "object": node})
        events = [event async for event in kube.watch(EUCAIM_NODES, "eucaim", name="node", since="5", seconds=30)]
        assert events == [("ADDED", node), ("BOOKMARK", node)]
        assert server.asked[0].query.items() >= {
            "watch": "true", "fieldSelector": "metadata.name=node", "resourceVersion": "5", "timeoutSeconds": "30"
        }.items()  # fmt: skip

    async def test_what_is_too_old_is_told_by_its_code(self, server: Any, kube: Kube) -> None:
        status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
        server.say_lines({"type": "ERROR", "object": status})
        with pytest.raises(KubeError, match="too old") as caught:
            async for _ in kube.watch(EUCAIM_NODES, "eucaim"):
                pass
        assert caught.value.code == 410

    async def test_no_right_to_watch(self, server: Any, kube: Kube) -> None:
        server.refuse(403, "Forbidden", "eucaimnodes is forbidden")
        with pytest.raises(KubeError, match="forbidden") as caught:
            async for _ in kube.watch(EUCAIM_NODES, "eucaim"):
                pass
        assert caught.value.code == 403

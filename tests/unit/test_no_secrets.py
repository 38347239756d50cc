"""No secret comes out anywhere: marked ones go in wherever a secret could be, then every output is searched for the marks.

In: generated credentials, what is computed from them, values that somebody wrote into the spec, what Helm, the API server and
a container say before they end. Out: log, events, status, Helm's arguments, environment and input, metrics.
"""

import asyncio
import base64
import dataclasses
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.exposition import generate_latest

from mininode.assets import asset
from mininode.components.registry import all_components
from mininode.credentials import store
from mininode.engine.engine import Engine
from mininode.engine.events import Events
from mininode.engine.health import not_ready
from mininode.engine.pace import Pace
from mininode.engine.reconcile import Pass
from mininode.engine.state import NodeMemory
from mininode.errors import KubeError
from mininode.helm.charts import chart
from mininode.helm.client import Helm
from mininode.planning.images import ImageLock

MARK = "Qm4rkedS3cret"  # begins every planted value

# What a program may say with a secret in it; {} is the secret.
SAYINGS = (
    "Error: INSTALLATION FAILED: password={}",
    'Error: values: "adminPassword": "{}" is not allowed',
    "Error: Get https://admin:{}@registry.example/v2: EOF",
    "Error: request failed, Authorization: Bearer {}",
    "Error: -----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----",
    "Error: POSTGRES_PASSWORD: {}",
    "Error: got token: {} and no more",
)

HELM = """
import os, sys
with open({notes!r}, "a") as notes:
    notes.write(repr((sys.argv, dict(os.environ), sys.stdin.read() if sys.argv[1] == "upgrade" else "")) + chr(10))
if sys.argv[1] == "upgrade":
    print(open({says!r}).read(), file=sys.stderr)
    raise SystemExit(1)
"""


class Cluster:
    """The API server's part: Secrets that are made, events and statuses that are written."""

    def __init__(self, refusal: str) -> None:
        self.secrets: dict[str, Any] = {}
        self.written: list[Any] = []
        self.refusal = refusal

    async def list_metadata(self, *_: Any, **__: Any) -> list[Any]:
        return []

    async def list_metadata_since(self, *_: Any, **__: Any) -> tuple[list[Any], str]:
        return [], "1"

    async def get_metadata(self, _: Any, name: str, *__: Any) -> Any:
        return self.secrets.get(name)

    async def get(self, _: Any, name: str, *__: Any) -> Any:
        return self.secrets.get(name)

    async def create(self, _: Any, body: Any, *__: Any, **___: Any) -> Any:
        if body["kind"] == "Secret":
            self.secrets[body["metadata"]["name"]] = body
            if self.refusal:
                raise KubeError(self.refusal, code=422, reason="Invalid")
        else:
            self.written.append(body)
        return body

    async def apply(self, _: Any, body: Any, *__: Any, **___: Any) -> Any:
        if body["kind"] == "Secret":
            self.secrets[body["metadata"]["name"]] = body
        else:
            self.written.append(body)
        return body


async def work(folder: Path, saying: str, values: dict[str, Any], cluster: Cluster) -> tuple[str, Engine]:
    """One component's install that fails, as the operator does it; what Helm saw."""
    notes, says, program = folder / "notes", folder / "says", folder / "helm"
    notes.write_text("")
    says.write_text(saying)
    program.write_text(f"#!{sys.executable}\n{HELM.format(notes=str(notes), says=str(says))}")
    program.chmod(0o700)
    # The first one of a node that has passwords, and nothing that must be there before it.
    components = {"postgresql": dataclasses.replace(all_components()["postgresql"], requires=())}
    engine = Engine(
        kube=cluster,  # type: ignore[arg-type]
        helm=Helm(program),
        components=components,
        charts={name: chart(name) for name, one in components.items() if one.chart},
        images=ImageLock.load(asset("images.lock.yaml").read_text()),
        events=Events(cluster, "here"),  # type: ignore[arg-type]
        pace=Pace(retry_first=60),
    )
    resource = {
        "metadata": {"name": "node", "namespace": "eucaim", "uid": "1", "generation": 1},
        "spec": {"domain": "node.hospital.example", "components": {"postgresql": {"values": values}} if values else {}},
    }
    await Pass(engine, NodeMemory(), lambda: resource, asyncio.Event()).run()
    return notes.read_text(), engine


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    saying=st.sampled_from(SAYINGS),
    refusal=st.sampled_from(["", *SAYINGS[:3]]),
    key=st.sampled_from(["", "adminPassword", "apiToken", "connection"]),
    tail=st.text(alphabet="abcXYZ019", min_size=4, max_size=30),
)
def test_nothing_of_what_was_planted_comes_out(
    saying: str, refusal: str, key: str, tail: str, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    planted = f"{MARK}{tail}"
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    stream = iter(planted * 4000)
    monkeypatch.setattr(store.secrets, "choice", lambda _: next(stream))
    monkeypatch.setenv("MININODE_ADMIN_PASSWORD", planted)  # the operator's own environment is not Helm's
    values = {key: f"postgresql://u:{planted}@db" if key == "connection" else planted} if key else {}
    cluster = Cluster(refusal.format(planted))
    helm, engine = asyncio.run(work(tmp_path, saying.format(planted), values, cluster))
    if not key and not refusal:
        assert "upgrade" in helm, "Helm was asked"
        made = [base64.b64decode(one).decode() for body in cluster.secrets.values() for one in body["data"].values()]
        assert any(MARK in one for one in made), "the passwords are marked"
    outputs = {
        "status and events": json.dumps(cluster.written),
        "log": caplog.text + "".join(str(record.__dict__) for record in caplog.records),
        "Helm's arguments, environment and input": helm,
        "metrics": generate_latest(engine.metrics.registry).decode(),
    }
    assert cluster.written, "a status was written"
    assert [where for where, text in outputs.items() if MARK in text] == []


@given(saying=st.sampled_from(SAYINGS), tail=st.text(alphabet="abcXYZ019", min_size=4, max_size=30))
def test_nor_does_what_a_container_said_before_it_crashed(saying: str, tail: str) -> None:
    from mininode.api.scrub import scrubbed  # noqa: PLC0415 - what every message goes through on its way to a status

    ended = {"exitCode": 1, "reason": "Error", "message": saying.format(f"{MARK}{tail}")}
    container = {"name": "db", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}}
    labels = {"app": "db"}
    workload = {
        "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"selector": {"matchLabels": labels}},
        "status": {"updatedReplicas": 1},
    }  # fmt: skip
    pod = {"metadata": {"name": "db-0", "labels": labels}, "status": {"containerStatuses": [container]}}
    text = not_ready([workload], [pod])
    assert text is not None
    assert "CrashLoopBackOff" in text
    assert MARK not in scrubbed(text)

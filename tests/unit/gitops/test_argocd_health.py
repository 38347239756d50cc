"""Argo CD's health script, run by a Lua of its own version on statuses that our own code computed."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime, lua_type

from mininode.api.status import NodeStatus
from mininode.components.base import GateState
from mininode.engine.report import Circumstances, Finding, invalid_status, node_status
from mininode.planning.decide import Case, decide
from mininode.planning.release import Release, ReleaseStatus

GITOPS = Path(__file__).parents[3] / "manifests" / "gitops"
NOW = "2026-01-01T00:00:00Z"
GENERATION = 3


def health(resource: dict[str, Any]) -> dict[str, str]:
    """What Argo CD would find: its engine is gopher-lua, which speaks Lua 5.1, with `obj` as a global."""
    lua = LuaRuntime()
    lua.globals()["obj"] = lua.table_from(resource, recursive=True)
    result = lua.execute((GITOPS / "argocd-health.lua").read_text())
    assert lua_type(result) == "table"
    return {"status": result["status"], "message": result["message"]}


def finding(gate: GateState, **case: Any) -> Finding:
    release = Release("keycloak", 1, ReleaseStatus.DEPLOYED, "node", "v1-a")
    row = decide(Case(**({"node": "node", "wanted": "v1-a", "release": release, "gate": gate, "probe_due": False} | case)))
    return Finding("keycloak", row, release, "v1-a", gate, "seen", failures=case.get("failures", 0))


def resource(found: Finding, *, suspended: bool = False, generation: int = GENERATION) -> dict[str, Any]:
    around = Circumstances(generation=GENERATION, now=NOW, suspended=suspended)
    status = node_status((found,), NodeStatus(), around).model_dump(mode="json", by_alias=True)
    return {"metadata": {"generation": generation}, "spec": {"suspend": suspended}, "status": status}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (resource(finding(GateState.HELD)), "Healthy"),
        (resource(finding(GateState.PENDING)), "Progressing"),
        (resource(finding(GateState.SIMULATED)), "Unknown"),
        (resource(finding(GateState.PENDING, failures=5, exhausted=True)), "Degraded"),
        (resource(finding(GateState.HELD), suspended=True), "Suspended"),
        (resource(finding(GateState.HELD), generation=GENERATION + 1), "Progressing"),
        ({"metadata": {"generation": 1}, "spec": {}}, "Progressing"),
    ],
)
def test_argo_cd_reads_the_status_right(given: dict[str, Any], expected: str) -> None:
    assert health(given)["status"] == expected


def test_a_spec_that_cant_be_made_true_is_degraded_with_its_mistakes() -> None:
    status = invalid_status("domain: is missing", NodeStatus(), Circumstances(generation=1, now=NOW))
    seen = health({"metadata": {"generation": 1}, "spec": {}, "status": status.model_dump(mode="json", by_alias=True)})
    assert seen == {"status": "Degraded", "message": "domain: is missing"}


def test_the_config_map_holds_the_very_script() -> None:
    (script,) = yaml.safe_load((GITOPS / "argocd-cm.yaml").read_text())["data"].values()
    assert script.rstrip() == (GITOPS / "argocd-health.lua").read_text().rstrip()

"""Our merging of values against Helm's own: one file of ours renders what Helm renders from the two it was merged from."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mininode.planning.values import merged

DEFAULTS = {"a": {"b": 1, "c": {"d": 2}}, "list": [1, 2], "text": "x", "gone": {"deep": 1}}
PAIRS: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({}, {}),
    ({"a": {"b": 5}}, {"a": {"c": {"e": 3}}}),
    ({"list": [3]}, {"list": [4, 5, 6]}),
    ({"list": [3]}, {"list": None}),
    ({"gone": {"deep": 2}}, {"gone": None}),
    ({"gone": None}, {"gone": {"other": 1}}),
    ({"a": {"c": {"d": None}}}, {"a": {"b": None}}),
    ({"a": {"c": 7}}, {"a": {"c": {"d": 8}}}),
    ({"text": "y", "list": []}, {"text": "", "list": [{"k": None}]}),
    ({"new": {"x": [1, {"y": None}]}}, {"new": {"x": {"z": False}}}),
)


@pytest.mark.parametrize(("base", "over"), PAIRS)
def test_helm_renders_the_same(base: dict[str, Any], over: dict[str, Any], tools: Callable[[str], Path], tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text(json.dumps(DEFAULTS))
    (chart / "templates/all.yaml").write_text("values: {{ .Values | toJson }}\n")

    def rendered(*files: dict[str, Any]) -> str:
        flags = []
        for number, values in enumerate(files):
            path = tmp_path / f"{number}.json"
            path.write_text(json.dumps(values))
            flags += ["--values", str(path)]
        command = [str(tools("helm")), "template", "x", str(chart), *flags]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    assert rendered(merged(base, over)) == rendered(base, over)

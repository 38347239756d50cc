"""The door to Helm, against a real API server: what Helm is not asked to do any more is still done."""

from pathlib import Path
from typing import Any

import pytest

from mininode.errors import HelmError
from mininode.helm.client import Helm

pytestmark = pytest.mark.control_plane


@pytest.mark.parametrize(
    ("mistake", "said"),
    [("datta: {a: b}", ".datta: field not declared in schema"), ("data: {a: [b]}", ".data.a: expected string")],
    ids=["unknown", "wrong"],
)
async def test_field_that_is_not_of_the_schema_is_refused_by_the_api_server(
    tools: Any, kubectl: Any, namespace: str, tmp_path: Path, mistake: str, said: str
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: wrong, version: 0.1.0}")
    (tmp_path / "templates/it.yaml").write_text(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: it}}, {mistake}}}")
    helm = Helm(tools("helm"), kubeconfig=kubectl.kubeconfig)

    with pytest.raises(HelmError) as failed:
        await helm.apply("wrong", tmp_path, {}, namespace=namespace, labels={"of": "a-test"}, description="a chart with a mistake")

    assert said in failed.value.message
    assert not kubectl("get", "configmap", "it", "-n", namespace, "--ignore-not-found")

"""An older mininode stops at a node that a newer one made, before it changes anything."""

from collections.abc import Callable
from typing import Any

ANNOTATION = "mininode.cancerimage.eu/installed-by"


def test_a_downgrade_is_refused_with_the_reason_and_nothing_changes(installed: Any, kubectl: Callable[..., str]) -> None:
    node = ("eucaimnode", "node", "-n", "eucaim-node")
    ours = kubectl("get", *node, "-o", f"jsonpath={{.metadata.annotations.{ANNOTATION.replace('.', chr(92) + '.')}}}")
    assert ours == "0.1.0"
    kubectl("annotate", *node, "--overwrite", f"{ANNOTATION}=99.0.0")
    crd = kubectl("get", "crd", "eucaimnodes.mininode.cancerimage.eu", "-o", "jsonpath={.metadata.resourceVersion}")
    try:
        done = installed.run("install", "micro", "--cluster", "rehearsal", "--yes")
        assert done.returncode == 3
        assert "installed by mininode 99.0.0, and this is 0.1.0" in done.stderr
        assert "Get mininode 99.0.0 or later" in done.stderr
        assert kubectl("get", "crd", "eucaimnodes.mininode.cancerimage.eu", "-o", "jsonpath={.metadata.resourceVersion}") == crd
    finally:
        kubectl("annotate", *node, "--overwrite", f"{ANNOTATION}={ours}")
    again = installed.run("install", "micro", "--cluster", "rehearsal", "--yes")
    assert again.returncode == 0, again.stderr

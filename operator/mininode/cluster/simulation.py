"""What is simulated: KWOK's stages (stages/*.yaml, ours) and the objects that are there from the start (objects.yaml).

A pod in a rehearsal behaves as its label and annotations below say; docs/rehearsal.md shows them in use.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mininode.cluster.files import write_private
from mininode.documents import yaml_documents

PREFIX = "rehearsal.mininode.cancerimage.eu"
BEHAVE = f"{PREFIX}/behave"  # label of a pod: run, crash or unready
READY_AFTER = f"{PREFIX}/ready-after"  # annotation of a pod: time from running to ready, "3s"
RUN_FOR = f"{PREFIX}/run-for"  # annotation of a pod: time it stays well; a Job's pod: until it completes
THEN = f"{PREFIX}/then"  # annotation of a pod: after run-for it is `unready` (as if left out) or crashes (`crash`)
SIMULATED = f"{PREFIX}/simulated"  # label of a node whose pods are simulated

_HERE = Path(__file__).parent


def stages(ready_after_ms: int) -> list[dict[str, Any]]:
    """All stages, with the time from running to ready that pods without the annotation get."""
    found = [stage for path in sorted((_HERE / "stages").glob("*.yaml")) for stage in _documents(path)]
    for stage in found:
        if stage["metadata"]["name"] == "pod-ready":
            stage["spec"]["delay"]["durationMilliseconds"] = ready_after_ms
    return found


def write_stages(path: Path, ready_after_ms: int) -> None:
    """Write the file that KWOK reads."""
    write_private(path, yaml.safe_dump_all(stages(ready_after_ms), sort_keys=False).encode())


def objects() -> list[dict[str, Any]]:
    """Node, storage class and KWOK's rights."""
    return list(_documents(_HERE / "objects.yaml"))


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from yaml_documents(file)

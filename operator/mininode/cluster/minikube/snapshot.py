"""A copy of what a reset would erase, taken while the cluster stands still: etcd, the authority, minikube's settings.

It lies in the data folder, for its owner only; it holds the cluster's passwords, as etcd does.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from mininode.cluster.files import private_folder
from mininode.cluster.minikube.home import OURS
from mininode.cluster.minikube.program import Programs
from mininode.errors import ToolError

_KEPT = 3
_COPY = 300.0  # s
_PARTS = ("etcd", "certs")  # of /var/lib/minikube in the machine


def snapshot(programs: Programs, data: Path) -> Path:
    """Copy from the stopped machine. Raises ToolError when that fails: nothing may be started then."""
    above = private_folder(data / OURS / "snapshots")
    folder = above / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    new = private_folder(above / f".{folder.name}")
    shutil.copy2(programs.home.settings, new / "config.json")
    for part in _PARTS:
        done = programs.docker("cp", f"{programs.home.profile}:/var/lib/minikube/{part}", str(new / part), seconds=_COPY)
        if done.code:
            shutil.rmtree(new, ignore_errors=True)
            raise ToolError(
                f"The cluster could not be copied before its start: {done.err.strip()[:200]}",
                f"See that the disk of {data} has room. The cluster was not started.",
                reason="SnapshotFailed",
            )
    new.replace(folder)
    for old in sorted(one for one in above.iterdir() if not one.name.startswith("."))[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder

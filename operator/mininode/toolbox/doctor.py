"""What the toolbox could do here: room on the disk, Go, and whether the downloads of missing tools can be reached."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mininode.toolbox.model import CannotHave
from mininode.toolbox.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Findings:
    """What the doctor saw."""

    cache_bytes: int
    free_bytes: int
    go: str  # version and path, or why there is none
    hosts: dict[str, str]  # publisher or mirror -> why it can't be reached, empty when it can
    out_of_reach: tuple[str, ...]  # missing tools that can neither be downloaded nor built


def examine(box: Toolbox, missing: Sequence[str]) -> Findings:
    """Look at disk, Go and network. Asks the network only for tools that are missing."""
    try:
        path, version = box.builder.go()
        go = f"{version} ({path})"
    except CannotHave as error:
        go = str(error)
    hosts: dict[str, str] = {}
    lost = []
    for name in missing:
        problem = _download_problem(box, name, hosts)
        if problem and not _can_build(box, name):
            lost.append(name)
    return Findings(
        cache_bytes=sum(path.stat().st_size for path in box.cache.rglob("*") if path.is_file()),
        free_bytes=shutil.disk_usage(_there(box.cache)).free,
        go=go,
        hosts=hosts,
        out_of_reach=tuple(lost),
    )


def _download_problem(box: Toolbox, name: str, hosts: dict[str, str]) -> str:
    """Say why a tool can't be downloaded; empty when it can. The file itself is asked for, as a host may lack it."""
    if (artifact := box.lock.pin(name).artifact(box.platform)) is None:
        return f"the publisher has none for {box.platform}"
    problem = box.downloader.reaches(artifact.url)
    host = urlsplit(box.downloader.address(artifact.url)).netloc
    hosts[host] = hosts.get(host) or problem
    return problem


def _can_build(box: Toolbox, name: str) -> bool:
    """Whether there is a Go toolchain that is new enough. Whether its modules can be fetched only the build shows."""
    if (build := box.lock.pin(name).build) is None:
        return False
    try:
        box.builder.check(box.lock.modules[build.module])
    except CannotHave:
        return False
    return True


def _there(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())

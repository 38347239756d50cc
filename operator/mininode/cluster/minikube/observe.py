"""One look at a minikube cluster and what is around it. Changes nothing."""

import json
import os
from pathlib import Path
from typing import Any

import psutil

from mininode.cluster.engine import find_engine
from mininode.cluster.minikube.home import Home, folder_state
from mininode.cluster.minikube.program import Programs
from mininode.cluster.minikube.seen import Container, Seen, Stored
from mininode.cluster.minikube.wish import Wish
from mininode.errors import ToolError

_LABEL = "created_by.minikube.sigs.k8s.io"


def observe(programs: Programs, wish: Wish) -> Seen:
    """Look, in an order in which what is asked later can be answered. Raises ToolError for an answer that is none."""
    home, environment = programs.home, programs.environment
    engine, record = find_engine(environment), home.record()
    host = environment.get("DOCKER_HOST", "")
    remote = "" if not host or host.startswith(("unix://", "npipe://")) else host
    early = Seen(os.getuid(), engine, remote, record=record)
    if early.uid == 0 or not engine.usable or remote:
        return early  # the table stops there; minikube would not answer
    stored, invalid = _stored(programs)
    container = _container(programs, wish.guest)
    bits, state = _status(programs) if stored and container else (7, "")
    access, detail = home.access()
    return Seen(
        uid=early.uid,
        engine=engine,
        tool=_tool(programs),
        stored=stored,
        invalid=invalid,
        host=state,
        bits=bits,
        container=container,
        volume=programs.docker("volume", "inspect", home.profile).code == 0,
        access=access,
        access_detail=detail,
        record=record,
        folder=folder_state(Path(wish.data), record, wish.node),
        ports=() if stored or container else taken(wish.ports),
        authentication=_text(home.authentication),
    )


def taken(ports: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these ports another program listens on, with its name where the system tells."""
    wanted = {int(one.split(":")[-2]): one.split(":")[0] if one.count(":") > 1 else "" for one in ports}
    found: dict[int, str] = {}
    for one in psutil.net_connections("tcp"):
        address = one.laddr
        if one.status != psutil.CONN_LISTEN or not address or address.port not in wanted:
            continue
        mine = wanted[address.port]
        if not mine or address.ip in {mine, "0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
            found[address.port] = f"{address.port}{_who(one.pid)}"
    return tuple(found[port] for port in sorted(found))


def _who(pid: int | None) -> str:
    try:
        return f" ({psutil.Process(pid).name()}, process {pid})" if pid else ""
    except psutil.Error:
        return ""


def _stored(programs: Programs) -> tuple[Stored | None, bool]:
    """The settings that minikube has of the cluster, and whether it has some that it can't read."""
    answer = programs.ask("profile", "list", "-o", "json", "--light")
    try:
        found: dict[str, Any] = json.loads(answer.out)
        valid, invalid = found.get("valid") or [], found.get("invalid") or []
    except (ValueError, AttributeError):
        raise ToolError(
            f"minikube gave no list of its clusters: {(answer.err or answer.out).strip()[:200]}",
            "`mininode tools doctor` shows whether it is the pinned version.",
        ) from None
    name = programs.home.profile
    config = next((one.get("Config") or {} for one in valid if one.get("Name") == name), None)
    return (Stored.of(config) if config is not None else None), any(one.get("Name") == name for one in invalid)


def _status(programs: Programs) -> tuple[int, str]:
    """Bits of what is wrong, and the machine's state. `null` and other lines come where there is no machine."""
    answer = programs.ask("status", "-p", programs.home.profile, "-o", "json")
    for line in reversed(answer.out.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        one = found[0] if isinstance(found, list) and found else found
        if isinstance(one, dict):
            return answer.code, str(one.get("Host", ""))
    return answer.code, ""


def _container(programs: Programs, guest: str) -> Container | None:
    answer = programs.docker("container", "inspect", programs.home.profile)
    if answer.code:
        return None
    found: dict[str, Any] = json.loads(answer.out)[0]
    labels = found.get("Config", {}).get("Labels") or {}
    mounts = {one.get("Destination"): one.get("Source", "") for one in found.get("Mounts") or []}
    return Container(bool(found["State"]["Running"]), labels.get(_LABEL) == "true", str(mounts.get(guest, "")))


def _tool(programs: Programs) -> str:
    try:
        return str(json.loads(programs.ask("version", "-o", "json").out)["minikubeVersion"])
    except (ValueError, KeyError, TypeError):
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


__all__ = ["Home", "observe", "taken"]

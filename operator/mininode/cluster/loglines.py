"""The line of a log that says why: what an error message shows of it."""

import json
import re
from pathlib import Path

_TAIL = 64 * 1024  # bytes; a start's whole log is smaller
_LONGEST = 300  # characters shown
# klog's header: severity and date, time, thread, source line. https://github.com/kubernetes/klog
_KLOG = re.compile(r"^(?P<severity>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [\w.-]+:\d+\] ")
_BAD = re.compile(r"^(error|panic|fatal)\b", re.IGNORECASE)
_TAKEN = re.compile(r"address already in use", re.IGNORECASE)


def tail(path: Path) -> list[str]:
    """The last lines of a log; none when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def last_useful_line(path: Path) -> str:
    """The last line that tells of an error, or else the last one; shortened, without its time. Empty for no log."""
    lines = [line.strip() for line in tail(path) if line.strip()]
    if not lines:
        return ""
    chosen = next((line for line in reversed(lines) if _tells_of_error(line)), lines[-1])
    return _without_header(chosen)[:_LONGEST]


def says_port_taken(path: Path) -> bool:
    """Whether the log tells that another program listens on the port."""
    return any(_TAKEN.search(line) for line in tail(path))


def _tells_of_error(line: str) -> bool:
    if found := _KLOG.match(line):
        return found["severity"] in "EF"
    if line.startswith("{"):  # etcd writes JSON
        return _field(line, "level") in {"error", "fatal", "panic"}
    return bool(_BAD.match(line)) or "ERROR" in line


def _without_header(line: str) -> str:
    if line.startswith("{"):
        text, reason = _field(line, "msg"), _field(line, "error")
        return f"{text}: {reason}" if text and reason else text or line
    return _KLOG.sub("", line)


def _field(line: str, name: str) -> str:
    try:
        return str(json.loads(line).get(name, ""))
    except (ValueError, AttributeError):
        return ""

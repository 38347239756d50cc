"""What the operator asked the API server for, read from the audit log, however often that was rotated meanwhile."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCOUNT = "system:serviceaccount:mininode-system:mininode-operator"


@dataclass(frozen=True)
class Asked:
    """Requests of the operator's account, Helm's among them, as the API server wrote them down.

    The API server renames a log that has grown too big to `audit-TIME.log` and begins a new one, so a mark is a place in a
    file known by its inode; what comes after it is the rest of that file and all of the younger ones.
    """

    log: Path
    inode: int | None = None  # none: from the oldest file on that is still there
    offset: int = 0

    @classmethod
    def from_now_on(cls, log: Path) -> "Asked":
        """Only what is asked after this."""
        now = log.stat()
        return cls(log, now.st_ino, now.st_size)

    def entries(self, *, leases: bool = False) -> list[dict[str, Any]]:
        """All since the mark, answered ones once, open watches once; the lease's renewals only if wished."""
        found: dict[str, dict[str, Any]] = {}
        for line in self._lines():
            entry = json.loads(line)
            if entry["user"]["username"] == ACCOUNT:
                found[entry["auditID"]] = entry  # a later stage of the same request takes the place of the earlier
        return [one for one in found.values() if leases or one.get("objectRef", {}).get("resource") != "leases"]

    def about(self, namespace: str) -> list[dict[str, Any]]:
        """Those about one namespace."""
        return [one for one in self.entries() if one.get("objectRef", {}).get("namespace") == namespace]

    def _lines(self) -> list[bytes]:
        content: dict[int, bytes] = {}
        # The present file first: renamed in this moment, it is met once more under its new name.
        for path in (self.log, *sorted(self.log.parent.glob(f"{self.log.stem}-*{self.log.suffix}"), reverse=True)):
            with path.open("rb") as file:
                content.setdefault(os.fstat(file.fileno()).st_ino, file.read())
        youngest_first = list(content.items())
        if self.inode in content:
            last = [inode for inode, _ in youngest_first].index(self.inode)
            youngest_first = [*youngest_first[:last], (self.inode, content[self.inode][self.offset :])]
        text = b"".join(part for _, part in reversed(youngest_first))
        return [line for line in text.splitlines(keepends=True) if line.endswith(b"\n")]

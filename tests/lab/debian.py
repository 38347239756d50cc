"""File systems out of Debian packages, by mmdebstrap; made once for a list of packages."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from places import Places, say

RELEASE = "bookworm"


def packed(where: Places, name: str, packages: Sequence[str], release: str = RELEASE) -> Path:
    """A tar file with a minimal Debian and these packages."""
    key = hashlib.sha256(" ".join((release, *sorted(packages))).encode()).hexdigest()[:12]
    target = where.root / "debian" / f"{name}-{key}.tar"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    say(f"{name}: {len(packages)} Debian packages and what they need")
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}", "--format=tar", release, str(part)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Debian packages for {name} could not be had:\n{done.stderr[-2000:]}")
    part.replace(target)
    return target

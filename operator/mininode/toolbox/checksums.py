"""Read a publisher's checksum file, in the few shapes that publishers use."""

import json
import re
from typing import Any

_SUM = re.compile(r"\b[0-9a-fA-F]{64}\b")


def sum_for(content: str, file_name: str) -> str | None:
    """The SHA-256 of `file_name`: from a release page (JSON with digests), a list (`sum  name` lines), or a lone sum.

    None when the content has no sum for that name, or sums that contradict each other.
    """
    if content.lstrip().startswith("{"):
        return _from_release(content, file_name)
    lines = [line.split() for line in content.splitlines() if _SUM.search(line)]
    if len(lines) == 1 and len(lines[0]) == 1:
        found = {lines[0][0]}
    else:  # the name may be marked as binary (*) or carry a folder
        named = [(words[0], words[-1].lstrip("*").rpartition("/")[2]) for words in lines if len(words) > 1]
        found = {value for value, name in named if name == file_name}
    valid = {value.lower() for value in found if _SUM.fullmatch(value)}
    return valid.pop() if len(valid) == 1 else None


def _from_release(content: str, file_name: str) -> str | None:
    try:
        release: Any = json.loads(content)
    except json.JSONDecodeError:
        return None
    assets = release.get("assets")
    for asset in assets if isinstance(assets, list) else []:
        if not isinstance(asset, dict):
            return None
        kind, _, value = str(asset.get("digest")).partition(":")
        if asset.get("name") == file_name and kind == "sha256" and _SUM.fullmatch(value):
            return value.lower()
    return None

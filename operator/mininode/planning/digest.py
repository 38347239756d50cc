"""The digest of a component's inputs. Equal digests mean that there is nothing to do.

It is written as a label on the Helm release by the same Helm command that makes the revision, so the two never disagree.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

RECIPE = "v1"  # part of every digest: a changed recipe must not look like a changed node by accident, but on purpose
LABEL_DIGITS = 40  # a label's value may have 63 characters


def digest(inputs: Mapping[str, Any]) -> str:
    """`v1-` and 40 hexadecimal digits of the SHA-256 of the inputs' canonical JSON; fit for a label.

    Raises TypeError for values that JSON does not have.
    """
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"{RECIPE}-{hashlib.sha256(canonical.encode()).hexdigest()[:LABEL_DIGITS]}"

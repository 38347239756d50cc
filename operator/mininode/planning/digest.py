"""The digest of a component's inputs. Equal digests mean that there is nothing to do.

It is written as a label on the Helm release by the same Helm command that makes the revision, so the two never disagree.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Recipe = Callable[[Mapping[str, Any]], str]  # from inputs to a digest that begins with the recipe's own name

RECIPE = "v1"  # part of every digest: a changed recipe must not look like a changed node by accident, but on purpose
LABEL_DIGITS = 40  # a label's value may have 63 characters


def digest(inputs: Mapping[str, Any]) -> str:
    """`v1-` and 40 hexadecimal digits of the SHA-256 of the inputs' canonical JSON; fit for a label.

    Raises TypeError for values that JSON does not have.
    """
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"{RECIPE}-{hashlib.sha256(canonical.encode()).hexdigest()[:LABEL_DIGITS]}"


RECIPES: tuple[Recipe, ...] = (digest,)
"""The recipe in use, and behind it those of earlier versions whose digests still count: a recipe that is replaced stays here
for one release, so that a mere upgrade of the operator runs no Helm for anybody."""


def former(inputs: Mapping[str, Any], recipes: Sequence[Recipe] = RECIPES) -> frozenset[str]:
    """What earlier recipes made of the same inputs: a release that carries one of these is as it should be."""
    return frozenset(recipe(inputs) for recipe in recipes[1:])

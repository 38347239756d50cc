"""A mere upgrade of the operator changes no release: what was stored by an earlier version is taken for what it is.

recipe_v1.json holds a node's spec, its charts' digests, the images, and the labels that the operator of that time put on its
releases. Charts and images are given, so only the recipe itself can make a difference: how inputs become a digest, and which
inputs count. A change here runs Helm again for that component on every node there is. If that is meant:

* because a component now asks for other values: write the file anew, `python tests/unit/planning/test_recipe.py`;
* because the recipe itself changed: raise RECIPE in planning/digest.py, keep the former function behind the new one in RECIPES,
  and then write the file anew, under its new name.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mininode.api import INPUTS_LABEL
from mininode.api.spec import NodeSpec
from mininode.components.base import GateResult, GateState, Node
from mininode.components.registry import all_components
from mininode.engine.look import View, findings
from mininode.engine.state import NodeMemory
from mininode.planning.decide import Action
from mininode.planning.digest import RECIPE, RECIPES, Recipe, digest
from mininode.planning.images import ImageLock, LockedImage
from mininode.planning.plan import Plan, plan, release_labels
from mininode.planning.release import newest

FILE = Path(__file__).with_name("recipe_v1.json")
HELP = "an operator upgrade would run Helm again for these; if that is meant, see the first lines of this file"


@pytest.fixture
def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def planned(stored: dict[str, Any], recipes: Sequence[Recipe] = RECIPES) -> Plan:
    """The plan that this version makes of the stored inputs."""
    images = {name: LockedImage(name, **image) for name, image in stored["images"].items()}
    node = Node(stored["name"], stored["namespace"], NodeSpec.model_validate(stored["spec"]))
    components = {name: one for name, one in all_components().items() if name in stored["charts"] or not one.chart}
    return plan(node, components, stored["charts"], ImageLock(images), recipes)


def labels(stored: dict[str, Any]) -> dict[str, str]:
    """The stored digests by release."""
    return {one["metadata"]["labels"]["name"]: one["metadata"]["labels"][INPUTS_LABEL] for one in stored["secrets"]}


def test_the_recipe_is_the_one_of_the_file(stored: dict[str, Any]) -> None:
    assert stored["recipe"] == RECIPE, "the recipe was raised: write a new file beside the old one"
    assert {one.partition("-")[0] for one in labels(stored).values()} == {RECIPE}


def test_the_same_inputs_have_the_same_digest_as_ever(stored: dict[str, Any]) -> None:
    """A changed canonical form, hash or length shows here, whatever the components ask for."""
    assert digest(stored["example"]["inputs"]) == stored["example"]["digest"]


def test_a_stored_node_asks_for_the_digests_that_its_releases_carry(stored: dict[str, Any]) -> None:
    now = {release.name: release.digest for release in planned(stored).releases if release.component.chart}
    assert now.keys() == labels(stored).keys()
    assert {name for name, one in labels(stored).items() if now[name] != one} == set(), HELP


def test_nothing_is_installed_or_upgraded_by_a_new_operator(stored: dict[str, Any]) -> None:
    assert decided(stored) == dict.fromkeys(labels(stored), Action.SKIP), HELP


def decided(stored: dict[str, Any], recipes: Sequence[Recipe] = RECIPES) -> dict[str, Action]:
    """What is done for each stored release whose gate held before the operator was upgraded."""
    the_plan = planned(stored, recipes)
    releases = newest(stored["secrets"], the_plan.aliases)
    memory = NodeMemory()
    for release in releases.values():
        memory.answered(release.name, release, GateResult(GateState.HELD, "it did before the upgrade"), 0.0)
    view = View(
        plan=the_plan,
        wanted={release.name: release.digest for release in the_plan.releases},
        releases=releases,
        components=all_components(),
        now=1.0,
    )
    return {finding.name: finding.row.action for finding in findings(view, memory) if finding.name in labels(stored)}


def later(inputs: Mapping[str, Any]) -> str:
    """A recipe that a later version could have."""
    return f"v9-{hashlib.sha1(digest(inputs).encode(), usedforsecurity=False).hexdigest()}"


def test_a_changed_recipe_runs_no_helm_as_long_as_the_former_one_is_known(stored: dict[str, Any]) -> None:
    known, forgotten = decided(stored, (later, digest)), decided(stored, (later,))
    assert known == dict.fromkeys(labels(stored), Action.SKIP)
    assert set(forgotten.values()) <= {Action.UPGRADE, Action.WAIT}  # what is spared by it


def write() -> None:
    """Store what this version makes of the stored inputs, with the present images and made-up chart digests."""
    from mininode.assets import asset  # noqa: PLC0415 - the tests themselves read no asset

    lock = ImageLock.load(asset("images.lock.yaml").read_text())
    about: dict[str, Any] = {
        "recipe": RECIPE,
        "name": "node",
        "namespace": "eucaim-node",
        "spec": {
            "domain": "node.hospital.example",
            "siteName": "Radiología",
            "storage": {"hostPath": "/srv/eucaim", "sizes": {"database": "20Gi"}},
            "imageMirror": "registry.hospital.example/eucaim",
            "components": {"keycloak": {"resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "2Gi"}}}},
        },
        "charts": {name: f"chart digest of {name}" for name in all_components()},
        "images": {
            name: {"repository": one.repository, "tag": one.tag, "digest": one.digest, "source": "stored"}
            for name, one in lock.images.items()
        },
    }
    example = {"b": [1, 2.5, None, True], "a": {"ä": "1", "z": {}}, "chart": "x"}
    about["example"] = {"inputs": example, "digest": digest(example)}
    the_plan = planned(about)
    about["secrets"] = [
        {
            "metadata": {
                "name": f"sh.helm.release.v1.{release.name}.v1",
                "labels": {
                    "name": release.name,
                    "owner": "helm",
                    "status": "deployed",
                    "version": "1",
                    INPUTS_LABEL: release.digest,
                    **release_labels(the_plan.node, release.name),
                },
            }
        }
        for release in the_plan.releases
        if release.component.chart
    ]
    FILE.write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write()

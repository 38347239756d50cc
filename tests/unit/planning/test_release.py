"""What Helm's own labels tell about releases."""

from typing import Any

import pytest

from mininode.api import INPUTS_LABEL, NODE_LABEL, PROVEN_LABEL
from mininode.planning.release import LOCKED, Release, ReleaseStatus, newest, secret_name


def secret(name: str, version: str, status: str = "deployed", **labels: str) -> dict[str, Any]:
    """The metadata of one of Helm's Secrets, as the API server gives it (helm/pkg/storage/driver/secrets.go)."""
    own = {"owner": "helm", "name": name, "version": version, "status": status, "modifiedAt": "1763900000"}
    return {"metadata": {"name": f"sh.helm.release.v1.{name}.v{version}", "labels": own | labels}}


def test_the_highest_revision_counts_whatever_the_order() -> None:
    # as text, 9 would be above 10
    three = [secret("db", "9", "superseded"), secret("db", "10", "failed"), secret("db", "2", "superseded")]
    for order in (three, three[::-1]):
        assert newest(order)["db"].revision == 10
        assert newest(order)["db"].status is ReleaseStatus.FAILED


def test_our_labels_are_read() -> None:
    labels = {NODE_LABEL: "demo", INPUTS_LABEL: "v1-abc"}
    assert newest([secret("db", "1", **labels)]) == {"db": Release("db", 1, ReleaseStatus.DEPLOYED, "demo", "v1-abc")}


def test_a_release_made_by_hand_has_no_node_and_no_digest() -> None:
    release = newest([secret("db", "1")])["db"]
    assert (release.node, release.digest) == ("", "")


@pytest.mark.parametrize(
    "labels", [None, {}, {"owner": "flux", "name": "a", "version": "1"}, {"owner": "helm", "name": "a", "version": "x"}]
)
def test_other_secrets_are_passed_over(labels: dict[str, str] | None) -> None:
    assert newest([{"metadata": {"name": "other", "labels": labels}}, secret("db", "1")]).keys() == {"db"}


def test_releases_do_not_mix() -> None:
    assert {name: one.revision for name, one in newest([secret("a", "3"), secret("b", "1")]).items()} == {"a": 3, "b": 1}


@pytest.mark.parametrize("status", list(ReleaseStatus))
def test_every_word_of_helm_is_known(status: ReleaseStatus) -> None:
    assert newest([secret("db", "1", status.value)])["db"].status is status


def test_a_word_of_a_later_helm_is_unknown_and_no_lock() -> None:
    release = newest([secret("db", "1", "hibernating")])["db"]
    assert release.status is ReleaseStatus.UNKNOWN
    assert release.status not in LOCKED


def test_the_secret_of_a_revision_is_found_by_its_name() -> None:
    held = secret("dataset-service", "12")
    assert secret_name("dataset-service", newest([held])["dataset-service"].revision) == held["metadata"]["name"]


def test_what_a_rollback_would_go_back_to() -> None:
    """The newest earlier revision whose gate held once, of other inputs than the top one."""
    history = [
        secret("db", "1", "superseded", **{INPUTS_LABEL: "v1-a", PROVEN_LABEL: "1"}),
        secret("db", "2", "superseded", **{INPUTS_LABEL: "v1-b", PROVEN_LABEL: "2"}),
        # Helm handed the label on: this one was deployed, its own gate never held.
        secret("db", "3", "superseded", **{INPUTS_LABEL: "v1-c", PROVEN_LABEL: "2"}),
        secret("db", "4", "deployed", **{INPUTS_LABEL: "v1-d", PROVEN_LABEL: "4"}),
        secret("db", "5", "failed", **{INPUTS_LABEL: "v1-d", PROVEN_LABEL: "4"}),
    ]
    assert newest(history)["db"].fallback == 2
    assert not newest(history)["db"].proven
    assert newest(history[:4])["db"].proven
    assert newest(history[:1])["db"].fallback == 0


def test_a_digest_by_an_earlier_recipe_is_taken_for_the_one_of_now() -> None:
    history = [
        secret("db", "1", "superseded", **{INPUTS_LABEL: "v1-a", PROVEN_LABEL: "1"}),
        secret("db", "2", **{INPUTS_LABEL: "v2-a"}),
    ]
    release = newest(history[:1], {"v1-a": "v2-a"})["db"]
    assert release.digest == "v2-a"
    assert newest(history, {"v1-a": "v2-a"})["db"].fallback == 0  # to go back to the same inputs is no way out

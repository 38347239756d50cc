"""The operator's image, built in the cluster by the product from operator/Dockerfile, and at work there."""

import json
from typing import Any

from deeds import install
from person import until

from mininode.cluster.minikube.image_source import by_source
from mininode.cluster.minikube.operator_image import full_name

NAME = full_name(by_source("mininode-operator:0.1.0"))
OPERATOR = ("-n", "mininode-system", "-l", "app.kubernetes.io/name=mininode-operator")


def content(person: Any) -> str:
    """The id of the image of this source in the cluster; empty when there is none."""
    listed = json.loads(person.docker("exec", person.profile, "crictl", "images", "-o", "json"))["images"]
    return next((one["id"] for one in listed if NAME in (one.get("repoTags") or ())), "")


def at_work(person: Any) -> list[tuple[str, bool]]:
    """The operator's pods: the id of the image that each runs, and whether it is ready."""
    pods = json.loads(person.kubectl("get", "pods", *OPERATOR, "-o", "json"))["items"]
    states = [state for pod in pods for state in pod["status"].get("containerStatuses", ())]
    return [(state["imageID"].rpartition("@")[2], state["ready"]) for state in states]


def test_without_an_image_the_cluster_builds_it_and_the_operator_runs_it(made: Any) -> None:
    before = content(made)
    assert before, "the lab gives every cluster an image of this source"
    made.docker("exec", made.profile, "ctr", "-n", "k8s.io", "images", "rm", NAME)
    until(lambda: not content(made), 60, "the image is gone")
    done = install(made)
    assert "building the image" in done.stdout, done.stdout + done.stderr
    built = content(made)
    assert built not in ("", before), (made.cluster_home / "image-build.log").read_text()
    until(lambda: at_work(made) == [(built, True)], 120, "one operator, of the built image, is ready")
    said = made.kubectl("exec", *OPERATOR[:2], "deploy/mininode-operator", "--", "python", "-c", "import sys; print(sys.version)")
    assert said.startswith("3.13."), "as the Dockerfile says; the lab's own image has an older one"


def test_the_second_time_it_is_there(made: Any) -> None:
    before = content(made)
    done = install(made)
    assert "building the image" not in done.stdout
    assert content(made) == before

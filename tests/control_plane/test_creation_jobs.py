"""Jobs that the dataset service makes, on a real API server under Pod Security `restricted`."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.control_plane


def job_of_the_service(deployment: dict[str, Any], dataset: str) -> dict[str, Any]:
    """What dataset-service 3.23.2 makes of its own Deployment: image, volumes, mounts, and nothing of security or resources."""
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"crea-dataset-{dataset}"},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 86400,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "volumes": pod["volumes"],
                    "containers": [
                        {
                            "name": "dataset-creation",
                            "image": container["image"],
                            "command": ["/usr/bin/python3"],
                            "args": ["start_dataset_creation_job.py", dataset],
                            "volumeMounts": container["volumeMounts"],
                        }
                    ],
                }
            },
        },
    }


def test_its_pod_is_admitted_and_does_the_same_work(node: Any, kubectl: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    namespace = ("-n", node.namespace)
    deployment = kubectl.json("get", "deployment", "dataset-service-backend", *namespace)
    wished = job_of_the_service(deployment, "0a1b")
    made = kubectl("create", *namespace, "-f", "-", "-o", "json", stdin=json.dumps(wished))
    first = json.loads(made)["metadata"]["uid"]

    mine = ("get", "pods", *namespace, "-l", "job-name=crea-dataset-0a1b")
    (pod,) = kubectl.until(lambda: kubectl.json(*mine)["items"], 60)
    again = kubectl.json("get", "job", "crea-dataset-0a1b", *namespace)
    assert again["metadata"]["uid"] != first
    assert (again["spec"]["backoffLimit"], again["spec"]["ttlSecondsAfterFinished"]) == (0, 86400)
    container, wanted = pod["spec"]["containers"][0], wished["spec"]["template"]["spec"]["containers"][0]
    for key in ("image", "command", "args", "volumeMounts"):
        assert container[key] == wanted[key]
    assert pod["spec"]["securityContext"]["runAsUser"] == deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"]
    assert "limits" in container["resources"]
    assert not [one for one in pod["spec"]["volumes"] if "projected" in one], "no token"


def test_a_job_of_somebody_else_is_left_alone(node: Any, kubectl: Any) -> None:
    node.declare()
    node.until("Rehearsed")
    namespace = ("-n", node.namespace)
    container = {"name": "one", "image": "registry.example/one:1.0"}
    other = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "their-own"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
    first = json.loads(kubectl("create", *namespace, "-f", "-", "-o", "json", stdin=json.dumps(other)))["metadata"]["uid"]
    deployment = kubectl.json("get", "deployment", "dataset-service-backend", *namespace)
    kubectl("create", *namespace, "-f", "-", stdin=json.dumps(job_of_the_service(deployment, "later")))
    kubectl.until(lambda: kubectl.json("get", "pods", *namespace, "-l", "job-name=crea-dataset-later")["items"], 60)
    assert kubectl.json("get", "job", "their-own", *namespace)["metadata"]["uid"] == first

"""`mininode uninstall --purge`: only with the node's name, with a list of what dies, and on a cluster that is half dead."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mininode.api.spec import NodeSpec
from mininode.components.base import Node
from mininode.engine.record import facts_name
from mininode.manifests import keep
from mininode.toolbox.toolbox import Toolbox

from .conftest import Home

THERE = ("-n", "eucaim-node", "-o", "name")


def left(kubectl: Callable[..., str]) -> set[str]:
    mine = "mininode.cancerimage.eu/node=node"
    return set(kubectl("get", "secrets,pvc,deployments,statefulsets,services,configmaps,jobs", "-l", mine, *THERE).split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--purge",), "no terminal to type the node's name on"),
        (("--purge", "--yes"), "no terminal to type the node's name on"),
        (("--purge", "--purge-node", "nod"), "'nod' is not 'node': nothing was removed"),
        (("--purge-node", "node"), "only with --purge"),
    ],
)
def test_without_the_right_name_nothing_is_touched(
    installed: Any, kubectl: Callable[..., str], arguments: tuple[str, ...], words: str
) -> None:
    before = left(kubectl)
    done = installed.run("uninstall", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert left(kubectl) == before


def test_on_a_terminal_it_lists_what_dies_and_a_wrong_name_changes_nothing(installed: Any, kubectl: Callable[..., str]) -> None:
    before = left(kubectl)
    code, screen = installed.terminal("uninstall", "--purge", say="yes")
    assert code == 2
    assert "Secret keycloak-admin: passwords and keys that are nowhere else" in screen
    assert "PersistentVolumeClaim" in screen
    assert "'yes' is not 'node': nothing was removed" in screen
    assert left(kubectl) == before


def test_it_tells_of_the_copy_of_the_passwords_that_lies_beside_the_data(
    installed: Any, kubectl: Callable[..., str], tmp_path: Path
) -> None:
    node = Node(
        "node", "eucaim-node", NodeSpec.model_validate({"domain": "node.hospital.example", "storage": {"hostPath": "/srv/eucaim"}})
    )
    volume = tmp_path / "volume.json"
    volume.write_text(json.dumps(keep.objects(node)[0]))
    kubectl("apply", "-f", str(volume))
    try:
        code, screen = installed.terminal("uninstall", "--purge", say="no")
    finally:
        kubectl("delete", "-f", str(volume))
    assert code == 2
    (file,) = {words.split()[0] for words in screen.split("of which ")[1:]}
    assert file.startswith("/srv/eucaim/")
    assert file.endswith("/eucaim-node.node.json")
    assert "nowhere else" not in screen


def test_what_an_operator_wrote_down_of_a_node_goes_with_it_whatever_the_garbage_collector_does(
    installed: Any, kubectl: Callable[..., str], tmp_path: Path
) -> None:
    """Nobody owns this Secret, so that no garbage collector takes it."""
    labels = {"owner": "mininode", "mininode.cancerimage.eu/node": "gone"}
    metadata = {"name": facts_name("gone"), "namespace": "eucaim-node", "labels": labels}
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}))
    kubectl("apply", "-f", str(file))
    done = installed.run("uninstall", "--name", "gone", "--purge", "--purge-node", "gone")
    assert done.returncode == 0, done.stdout + done.stderr
    assert kubectl("get", "secrets", "-l", "mininode.cancerimage.eu/node=gone", *THERE) == ""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Home]:
    """A node of its own, to be destroyed."""
    home = Home(tmp_path)
    try:
        done = home.run("install", "micro", "--cluster", "rehearsal", "--yes", timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        yield home
    finally:
        home.run("rehearsal", "stop")


def test_with_a_dead_operator_everything_goes_and_a_second_time_there_is_nothing(own: Home) -> None:
    import subprocess  # noqa: PLC0415 - of this test only

    import psutil  # noqa: PLC0415 - of this test only

    kubeconfig = own.run("rehearsal", "kubeconfig").stdout.strip()
    program = str(Toolbox.from_environment().get("kubectl").path)

    def kubectl(*arguments: str) -> str:
        command = [program, f"--kubeconfig={kubeconfig}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    for process in psutil.process_iter(["cmdline"]):  # the operator of this very home dies and leaves everything as it is
        if "operator" in (process.info["cmdline"] or []) and str(own.folder) in str(process.environ()):
            process.kill()
            process.wait(30)
    assert left(kubectl)
    done = own.run("uninstall", "--purge", "--purge-node", "node", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no operator is at work" in done.stdout
    assert "Destroyed." in done.stdout
    assert left(kubectl) == set()
    again = own.run("uninstall", "--purge", "--purge-node", "node")
    assert again.returncode == 0
    assert "There is nothing of a node node" in again.stdout

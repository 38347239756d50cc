"""kind: the cluster file, read by kind's own loader; the table of states; what the real program says where no engine runs."""

import json
import os
import re
from pathlib import Path

import pytest

from mininode.api.config import parse_config
from mininode.cluster.kind import ACTIONS, Action, KindCluster, KindState, Machine, Note, judge
from mininode.cluster.kind_file import KindWish, cluster_file
from mininode.cluster.kind_way import wish_of
from mininode.components.registry import all_components
from mininode.errors import MininodeError, Unavailable

WISH = KindWish(Path("/srv/eucaim"))
FILE = cluster_file(WISH)


def test_the_same_wish_gives_the_same_file() -> None:
    assert cluster_file(KindWish(Path("/srv/eucaim"))) == FILE


def test_folder_and_ports_are_those_that_minikube_gets() -> None:
    site = parse_config(
        "computer: {dataFolder: /srv/eucaim, ports: {http: 8080, https: 8443, address: 127.0.0.1}}\nnode: {domain: a.example}",
        "config.yaml", all_components(),
    )  # fmt: skip
    assert wish_of(site, Path("/home")) == KindWish(Path("/srv/eucaim"), "127.0.0.1", ((8080, 80), (8443, 443)))
    plain = parse_config("node: {domain: a.example}", "config.yaml", all_components())
    assert wish_of(plain, Path("/home")) == KindWish(Path("/home"))


@pytest.mark.parametrize(
    ("machine", "note", "state", "action"),
    [
        (None, None, KindState.ABSENT, Action.CREATE),
        (None, Note("a", FILE), KindState.ABSENT, Action.CREATE),  # somebody deleted it: made anew, data are on this computer
        (Machine("a", running=True), Note("a", FILE), KindState.RUNNING, Action.USE),
        (Machine("a", running=False), Note("a", FILE), KindState.STOPPED, Action.START),
        (Machine("a", running=True), Note("a", "other"), KindState.DIFFERENT, Action.REFUSE),
        (Machine("a", running=False), Note("a", "other"), KindState.DIFFERENT, Action.REFUSE),
        (Machine("a", running=True), Note("", FILE), KindState.UNFINISHED, Action.REFUSE),  # killed while kind made it
        (Machine("a", running=True), None, KindState.FOREIGN, Action.REFUSE),
        (Machine("b", running=True), Note("a", FILE), KindState.FOREIGN, Action.REFUSE),  # made by somebody after ours was deleted
    ],
)
def test_the_table_of_states(machine: Machine | None, note: Note | None, state: KindState, action: Action) -> None:
    assert judge(machine, note, FILE) is state
    assert ACTIONS[state] is action


def test_no_action_deletes() -> None:
    source = Path(__file__).parents[3] / "operator/mininode/cluster/kind.py"
    assert set(ACTIONS.values()) == set(Action)
    assert re.findall(r'"(delete|rm|prune|stop|kill)"', source.read_text()) == []


ENGINE = """#!/usr/bin/env python3
import json, pathlib, sys
home = pathlib.Path({home!r})
with (home / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv) + chr(10))
machine = home / "machine"
match [pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]:
    case ["docker", "info"]:
        sys.exit(0)
    case ["docker", "container", "inspect", "mininode-control-plane"]:
        if not machine.exists():
            sys.exit("Error: No such container: mininode-control-plane")
        print(json.dumps([{{"Id": "one", "State": {{"Running": machine.read_text() == "running"}}}}]))
    case ["docker", "start", "mininode-control-plane"]:
        machine.write_text("running")
    case ["docker", "image", "inspect", name]:
        sys.exit(0 if name == "mininode-operator:0.1.0" else 1)
    case ["kind", "create", "cluster", "--name", "mininode", "--config", _, "--kubeconfig", access, "--wait", _]:
        if (home / "fails").exists():
            sys.exit("ERROR: failed to create cluster: port is already allocated")
        machine.write_text("running")
    case ["kind", "export", "kubeconfig", "--name", "mininode", "--kubeconfig", access]:
        pathlib.Path(access).write_text("made by kind")
    case ["kind", "load", "docker-image", name, "--name", "mininode"]:
        pass
    case other:
        sys.exit(f"not known: {{other}}")
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """A double of the engine and of kind that knows exactly the calls that we make; what it knows of kind is held to the real
    program's help below."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("docker", "kind"):
        (programs / name).write_text(ENGINE.format(home=str(tmp_path)))
        (programs / name).chmod(0o700)
    return tmp_path


@pytest.fixture
def cluster(engine: Path) -> KindCluster:
    return KindCluster(engine / "state", lambda: engine / "bin" / "kind", {"PATH": f"{engine / 'bin'}:{os.environ['PATH']}"})


def calls(engine: Path) -> list[list[str]]:
    """What was asked of the programs since the last look."""
    file = engine / "calls"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [json.loads(line)[1:] for line in lines]


def test_made_once_used_then_started_again(engine: Path, cluster: KindCluster) -> None:
    wish = KindWish(engine / "data")
    cluster.ensure(wish, print)
    assert ["create", "cluster"] in [one[:2] for one in calls(engine)]
    assert (engine / "data").is_dir()
    assert cluster.kubeconfig.read_text() == "made by kind"
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600

    cluster.ensure(wish, print)
    assert [one[0] for one in calls(engine)] == ["info", "container", "export"]

    (engine / "machine").write_text("exited")
    cluster.ensure(wish, print)
    assert [one[0] for one in calls(engine)] == ["info", "container", "start", "export"]


def test_another_folder_is_refused_with_what_is_different(engine: Path, cluster: KindCluster) -> None:
    cluster.ensure(KindWish(engine / "data"), print)
    calls(engine)
    with pytest.raises(Unavailable, match="was made otherwise") as caught:
        cluster.ensure(KindWish(engine / "other"), print)
    assert str(engine / "other") in caught.value.message
    assert [one[0] for one in calls(engine)] == ["info", "container"]  # only looked at


def test_somebody_elses_cluster_is_left_alone(engine: Path, cluster: KindCluster) -> None:
    (engine / "machine").write_text("running")
    with pytest.raises(Unavailable, match="did not make") as caught:
        cluster.ensure(WISH, print)
    assert caught.value.reason == "ForeignCluster"
    assert [one[0] for one in calls(engine)] == ["info", "container"]


def test_what_kind_says_when_it_fails_is_told(engine: Path, cluster: KindCluster) -> None:
    (engine / "fails").touch()
    with pytest.raises(MininodeError, match="port is already allocated"):
        cluster.ensure(KindWish(engine / "data"), print)
    (engine / "fails").unlink()
    cluster.ensure(KindWish(engine / "data"), print)  # kind took away what it had begun: the next run makes it


def test_an_image_that_the_engine_lacks_is_said_with_how_to_build_it(engine: Path, cluster: KindCluster) -> None:
    cluster.load("mininode-operator:0.1.0", print)
    assert calls(engine)[-1] == ["load", "docker-image", "mininode-operator:0.1.0", "--name", "mininode"]
    with pytest.raises(Unavailable, match=r"has no image other:1\.0") as caught:
        cluster.load("other:1.0", print)
    assert "build -f operator/Dockerfile" in caught.value.advice


def test_without_an_engine_there_is_advice_and_nothing_happens(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"there is no docker; there is no podman") as caught:
        KindCluster(tmp_path / "state", lambda: tmp_path / "kind", {"PATH": str(tmp_path)}).ensure(WISH, print)
    assert "--cluster rehearsal" in caught.value.advice
    assert not (tmp_path / "state" / "cluster.yaml").exists()

"""What is done about a cluster as it was seen, row by row, and what must never be done."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from mininode.cluster.engine import Engine, EngineState
from mininode.cluster.minikube.decide import Action, State, decide, differences, starting_only
from mininode.cluster.minikube.seen import Access, Container, Folder, Record, Seen, Stored
from mininode.cluster.minikube.wish import Wish

WISH = Wish(
    profile="mininode", node="eucaim-node/node", kubernetes="v1.35.1", data="/srv/eucaim", guest="/var/hostpath-provisioner",
    cpus=4, memory=12288, ports=("80:80", "443:443"),
)  # fmt: skip
STORED = Stored("docker", "containerd", "v1.35.1", 4, 12288, ("/srv/eucaim:/var/hostpath-provisioner",), ("80:80", "443:443"))
RECORD = Record("identity", made=True, tool="v1.38.1", wish=WISH)
USABLE = Engine(EngineState.USABLE, "29.0")
NOTHING = Seen(uid=1000, engine=USABLE, tool="v1.38.1")
RUNNING = replace(
    NOTHING, stored=STORED, host="Running", container=Container(True, True, "/srv/eucaim"), volume=True, access=Access.FINE,
    record=RECORD, folder=Folder.OURS,
)  # fmt: skip
HALF = replace(RECORD, made=False)

TABLE: tuple[tuple[str, Seen, State, Action], ...] = (
    ("root", replace(RUNNING, uid=0), State.ROOT, Action.STOP),
    ("no engine", replace(RUNNING, engine=Engine(EngineState.ABSENT, "no docker")), State.ENGINE, Action.STOP),
    ("engine down", replace(RUNNING, engine=Engine(EngineState.NOT_RUNNING, "down")), State.ENGINE, Action.STOP),
    ("engine elsewhere", replace(RUNNING, remote="tcp://10.0.0.1:2376"), State.REMOTE_ENGINE, Action.STOP),
    ("nothing there", NOTHING, State.ABSENT, Action.CREATE),
    ("empty folder", replace(NOTHING, folder=Folder.EMPTY), State.ABSENT, Action.CREATE),
    ("deleted, data there", replace(NOTHING, folder=Folder.OURS, record=RECORD), State.ABSENT_WITH_DATA, Action.ATTACH),
    ("another computer's data of this node", replace(NOTHING, folder=Folder.KNOWN), State.ABSENT_WITH_DATA, Action.ATTACH),
    ("another node's data", replace(NOTHING, folder=Folder.FOREIGN), State.FOREIGN_DATA, Action.STOP),
    ("somebody's files", replace(NOTHING, folder=Folder.STRANGE), State.STRANGE_DATA, Action.STOP),
    ("folder closed", replace(NOTHING, folder=Folder.CLOSED), State.FOLDER_CLOSED, Action.STOP),
    ("port taken", replace(NOTHING, ports=("80 (nginx, process 12)",)), State.PORT_TAKEN, Action.STOP),
    ("another home", replace(RUNNING, stored=None, record=None), State.WRONG_HOME, Action.STOP),
    ("another home, stopped", replace(RUNNING, stored=None, container=Container(False, True, "")), State.WRONG_HOME, Action.STOP),
    ("not minikube's", replace(NOTHING, container=Container(True, False, "")), State.FOREIGN_CONTAINER, Action.STOP),
    ("volume left", replace(NOTHING, volume=True), State.ORPHAN_VOLUME, Action.STOP),
    ("settings unreadable", replace(RUNNING, stored=None, invalid=True), State.INVALID_PROFILE, Action.STOP),
    ("not made by us", replace(RUNNING, record=None), State.FOREIGN, Action.STOP),
    ("cut short", replace(RUNNING, record=HALF), State.HALF_MADE, Action.CREATE_ANEW),
    ("cut short, machine only", replace(RUNNING, stored=None, record=HALF), State.HALF_MADE, Action.CREATE_ANEW),
    ("cut short, volume only", replace(NOTHING, volume=True, record=HALF), State.HALF_MADE, Action.CREATE_ANEW),
    (
        "cut short, and a stranger's machine of that name",
        replace(NOTHING, container=Container(True, False, ""), record=HALF),
        State.FOREIGN_CONTAINER,
        Action.STOP,
    ),
    ("data unmounted", replace(RUNNING, folder=Folder.EMPTY, host="Stopped", bits=7), State.DATA_MISSING, Action.STOP),
    ("data gone under it", replace(RUNNING, folder=Folder.ABSENT), State.DATA_MISSING, Action.STOP),
    ("disk full", replace(RUNNING, host="InsufficientStorage", bits=7), State.DISK_FULL, Action.STOP),
    (
        "access file of root",
        replace(RUNNING, access=Access.FOREIGN, access_detail="not yours", host="Stopped", bits=7),
        State.ACCESS_FOREIGN,
        Action.STOP,
    ),
    ("access file damaged", replace(RUNNING, access=Access.BROKEN), State.ACCESS_BROKEN, Action.REPAIR_ACCESS),
    (
        "access file damaged, stopped",
        replace(RUNNING, access=Access.BROKEN, host="Stopped", bits=7),
        State.ACCESS_BROKEN,
        Action.REPAIR_ACCESS,
    ),
    ("access file gone", replace(RUNNING, access=Access.ABSENT, bits=4), State.ACCESS_WRONG, Action.REPAIR_ACCESS),
    ("address changed", replace(RUNNING, bits=4), State.ACCESS_WRONG, Action.REPAIR_ACCESS),
    ("machine removed", replace(RUNNING, container=None, host="", bits=7), State.MACHINE_GONE, Action.START),
    ("machine and disk removed", replace(RUNNING, container=None, volume=False, host=""), State.DISK_GONE, Action.CREATE_ANEW),
    ("paused", replace(RUNNING, host="Paused", bits=2), State.PAUSED, Action.UNPAUSE),
    ("stopped", replace(RUNNING, host="Stopped", bits=7, access=Access.ABSENT), State.STOPPED, Action.START),
    ("API down", replace(RUNNING, bits=2), State.DEGRADED, Action.WAIT),
    ("healthy", RUNNING, State.RUNNING, Action.NOTHING),
)


@pytest.mark.parametrize(("seen", "state", "action"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(seen: Seen, state: State, action: Action) -> None:
    decision = decide(seen, WISH)
    assert (decision.state, decision.action) == (state, action)


def test_every_state_is_in_the_table_or_is_drift() -> None:
    assert {row[2] for row in TABLE} | {State.DRIFT} == set(State)


def test_whoever_is_stopped_is_told_what_and_what_to_do() -> None:
    for _, seen, _, action in TABLE:
        decision = decide(seen, WISH)
        assert bool(decision.problem and decision.advice) is (action is Action.STOP) or action is Action.REPAIR_ACCESS
        assert "minikube delete" not in decision.advice
        assert "--force" not in decision.advice


DRIFT: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("driver", {"driver": "podman"}, "the container engine"),
    ("runtime", {"runtime": "docker"}, "the container runtime"),
    ("older Kubernetes", {"kubernetes": "v1.36.0"}, "kubernetesVersion"),
    ("newer Kubernetes", {"kubernetes": "v1.34.0"}, "kubernetesVersion"),
    ("mount", {"mounts": ("/srv/other:/var/hostpath-provisioner",)}, "computer.dataFolder"),
    ("mount lost", {"mounts": ()}, "computer.dataFolder"),
    ("ports", {"ports": ("8080:80", "443:443")}, "computer.ports"),
    ("address", {"ports": ("10.1.2.3:80:80", "10.1.2.3:443:443")}, "computer.ports"),
)


@pytest.mark.parametrize(("change", "names"), [row[1:] for row in DRIFT], ids=[row[0] for row in DRIFT])
@pytest.mark.parametrize("host", ["Running", "Stopped"])
def test_what_a_cluster_can_not_take_on_stops_before_any_start(change: dict[str, Any], names: str, host: str) -> None:
    decision = decide(replace(RUNNING, stored=replace(STORED, **change), host=host), WISH)
    assert (decision.state, decision.action) == (State.DRIFT, Action.STOP)
    assert names in decision.problem
    assert "same data" in decision.advice


@pytest.mark.parametrize(("field", "value"), [("cpus", 2), ("memory", 4096)])
def test_a_size_is_a_difference_only_where_it_was_asked_for(field: str, value: int) -> None:
    stored = replace(STORED, **{field: value})  # type: ignore[arg-type]
    assert differences(stored, WISH) == ()
    (found,) = differences(stored, replace(WISH, sized=True))
    assert field in found.setting


def test_in_no_state_is_a_made_cluster_started_or_made_when_its_data_are_not_there() -> None:
    """Every combination of what can be seen, with a record of a cluster that was made."""
    containers = (None, Container(True, True, "x"), Container(False, True, "x"), Container(True, False, "x"))
    hosts = ("Running", "Stopped", "Paused", "InsufficientStorage", "")
    for stored, container, host, volume, access, folder, invalid, bits in product(
        (None, STORED), containers, hosts, (True, False), Access, Folder, (True, False), (0, 2, 4, 7)
    ):
        seen = replace(
            RUNNING, stored=stored, container=container, host=host, volume=volume, access=access, folder=folder, invalid=invalid,
            bits=bits,
        )  # fmt: skip
        action = decide(seen, WISH).action
        if stored and folder is not Folder.OURS:
            assert action is Action.STOP
        if stored and access is Access.FOREIGN:
            assert action is Action.STOP
        if action is Action.START:
            assert access is not Access.BROKEN or container is None
            assert stored
        if action in {Action.CREATE, Action.ATTACH}:
            assert container is None
            assert not volume
        if action is Action.CREATE_ANEW:
            assert container is None
            assert not volume


def test_as_root_nothing_is_ever_done() -> None:
    assert all(decide(replace(row[1], uid=0), WISH).action is Action.STOP for row in TABLE)


def test_a_start_makes_no_cluster_and_tells_how_one_is_made() -> None:
    """What `mininode cluster start` does: the table's answer, but where a cluster would be made."""
    for _, seen, state, action in TABLE:
        decision = starting_only(decide(seen, WISH), WISH)
        if action in {Action.CREATE, Action.CREATE_ANEW, Action.ATTACH}:
            assert (decision.state, decision.action) == (state, Action.STOP)
            assert "mininode install micro --cluster minikube" in decision.advice
            assert ("/srv/eucaim" in decision.problem) is (state in {State.ABSENT_WITH_DATA, State.DISK_GONE})
        else:
            assert decision == decide(seen, WISH)

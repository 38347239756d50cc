"""A computer on which all is well, to change one thing of at a time."""

from dataclasses import replace
from typing import Any

import pytest

from mininode.cluster.engine import Engine, EngineState
from mininode.preflight.facts import Authority, Clock, Cluster, Facts, Folder, Host, Machine, Name, Network, Port, Program
from mininode.preflight.judge import judge
from mininode.preflight.wish import GIB, Wish

WISH = Wish(
    way="minikube", profile="micro", domain="node.hospital.eu", data="/srv/eucaim", data_bytes=135 * GIB, hosts=("dl.k8s.io",)
)
DISK = Folder("/srv/eucaim", True, "/srv/eucaim", "ext4", "/dev/sdb1", 500 * GIB, 1000 * GIB, True, True)
WELL = Facts(
    machine=Machine(
        8, 64 * GIB, 60 * GIB, 0, 0, "Linux", "6.1.0-18-amd64", 2, frozenset({"cpu", "memory", "pids"}), inotify_instances=8192
    ),
    folder=DISK,
    software=replace(DISK, path="/home/it/.cache", on="/home/it"),
    ports=(Port(80), Port(443)),
    name=Name("node.hospital.eu", ("192.0.2.7",), ("192.0.2.7",)),
    network=Network("", hosts=(Host("dl.k8s.io"),), clock=Clock(0.4, "dl.k8s.io", synchronized=True)),
    authority=Authority(""),
    engine=Engine(EngineState.USABLE, "27.5.1"),
    programs=(Program("helm", "v4.3.1", "v4.3.1", "/usr/bin/helm"),),
    cluster=Cluster(),
)


def having(**changes: Any) -> Facts:
    """The well computer with changes: machine__cores=1 changes a field of a part, ports=(…) a part."""
    facts = WELL
    for key, value in changes.items():
        part, _, field = key.partition("__")
        new = replace(getattr(facts, part), **{field: value}) if field else value
        facts = replace(facts, **{part: new})
    return facts


@pytest.fixture
def said() -> Any:
    """The findings by check, for a computer that has these changes."""

    def run(wish: Wish = WISH, **changes: Any) -> Any:
        return {one.check: one for one in judge(having(**changes), wish)}

    return run

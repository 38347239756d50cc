"""What to do about a cluster as it was seen: a table, first row first. Pure.

minikube can erase a cluster without asking: by a start that can't bring the control plane back, with a damaged access file, from
another home. Each row that stops is one of those ways. Source: pkg/minikube/{node,bootstrapper/kubeadm} of v1.38.1.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from mininode.cluster.engine import ADVICE
from mininode.cluster.minikube.seen import Access, Folder, Seen, Stored
from mininode.cluster.minikube.wish import Wish

_API, _ACCESS = 2, 4  # bits of `minikube status`


class Action(enum.StrEnum):
    """The one next deed."""

    STOP = "stop"  # here, with advice, before harm
    NOTHING = "nothing"
    CREATE = "create"
    CREATE_ANEW = "create anew"  # take the half-made one away first
    ATTACH = "attach"  # create on data that are there
    START = "start"
    UNPAUSE = "unpause"
    REPAIR_ACCESS = "repair access"
    WAIT = "wait"


class State(enum.StrEnum):
    """A cluster as it was found."""

    ROOT = "Root"
    ENGINE = "NoEngine"
    REMOTE_ENGINE = "RemoteEngine"
    FOLDER_CLOSED = "FolderClosed"
    WRONG_HOME = "WrongHome"
    FOREIGN_CONTAINER = "ForeignContainer"
    ORPHAN_VOLUME = "OrphanVolume"
    INVALID_PROFILE = "InvalidProfile"
    FOREIGN = "Foreign"
    HALF_MADE = "HalfMade"
    FOREIGN_DATA = "ForeignData"
    STRANGE_DATA = "StrangeData"
    PORT_TAKEN = "PortTaken"
    ABSENT = "Absent"
    ABSENT_WITH_DATA = "AbsentWithData"
    DRIFT = "Drift"
    DATA_MISSING = "DataMissing"
    DISK_FULL = "DiskFull"
    ACCESS_FOREIGN = "AccessForeign"
    ACCESS_BROKEN = "AccessBroken"
    MACHINE_GONE = "MachineGone"
    DISK_GONE = "DiskGone"
    PAUSED = "Paused"
    STOPPED = "Stopped"
    ACCESS_WRONG = "AccessWrong"
    DEGRADED = "Degraded"
    RUNNING = "Running"


@dataclass(frozen=True, slots=True)
class Decision:
    """State, deed, and what to tell."""

    state: State
    action: Action
    problem: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that can't be changed on a cluster that is there."""

    setting: str
    is_: str
    wished: str

    def __str__(self) -> str:
        return f"{self.setting} is {self.is_}, the configuration says {self.wished}"


def differences(stored: Stored, wish: Wish) -> tuple[Difference, ...]:
    """What differs and would need a new cluster; minikube ignores some of it without a word, and half applies the mount."""
    there = stored.mounts[0] if stored.mounts else "(none)"
    rows = (
        ("the container engine", stored.driver, wish.driver),
        ("the container runtime", stored.runtime, wish.runtime),
        ("computer.dataFolder", there.rpartition(":")[0] or there, wish.data),
        ("computer.ports", ", ".join(stored.ports), ", ".join(wish.ports)),
        ("computer.minikube.kubernetesVersion", stored.kubernetes, wish.kubernetes),
        *(
            (
                ("computer.cpus", str(stored.cpus), str(wish.cpus)),
                ("computer.memory", f"{stored.memory}Mi", f"{wish.memory}Mi"),
            )
            if wish.sized
            else ()
        ),
    )
    return tuple(Difference(*row) for row in rows if row[1] != row[2])


def _root(seen: Seen, _wish: Wish) -> Decision | None:
    return _stop(
        seen.uid == 0, State.ROOT, "minikube does not run as root, and files that root makes lock its user out later",
        "Run the same command as an ordinary user of the group docker, without sudo: sudo usermod -aG docker USER",
    )  # fmt: skip


def _engine(seen: Seen, _wish: Wish) -> Decision | None:
    return _stop(
        not seen.engine.usable, State.ENGINE, f"Docker can't be used: {seen.engine.detail}", ADVICE[seen.engine.state]
    )


def _remote(seen: Seen, _wish: Wish) -> Decision | None:
    return _stop(
        bool(seen.remote), State.REMOTE_ENGINE, f"DOCKER_HOST names an engine elsewhere ({seen.remote}); a folder of this computer "
        "can't be mounted there", "Unset DOCKER_HOST, or run the command on that computer",
    )  # fmt: skip


def _other_home(seen: Seen, wish: Wish) -> Decision | None:
    """A start would take the job for new and remove the container of this name, running or not."""
    if seen.stored or seen.invalid or seen.container is None:
        return None
    if not seen.container.ours:
        return Decision(
            State.FOREIGN_CONTAINER, Action.STOP, f"there is a container {wish.profile} that minikube did not make",
            "It is left alone. Choose another name: computer.minikube.profile",
        )  # fmt: skip
    place = f" (its data folder is {seen.container.data})" if seen.container.data else ""
    return Decision(
        State.WRONG_HOME, Action.STOP,
        f"the machine {wish.profile} is there{place}, but it was made by another user or from another home",
        "Nothing was touched. Run the command as the user who made it, with the same XDG_STATE_HOME; for a second node of your own "
        "choose another computer.minikube.profile",
    )  # fmt: skip


def _orphan(seen: Seen, wish: Wish) -> Decision | None:
    """A start would use the volume again with new certificates, fail, and reset it."""
    orphan = seen.volume and not (seen.stored or seen.invalid or seen.container) and not (seen.record and not seen.record.made)
    return _stop(
        orphan, State.ORPHAN_VOLUME, f"Docker has a volume {wish.profile} with the disk of a cluster whose settings are gone",
        "Your data folder is not in it. If nobody needs what Kubernetes kept there (passwords!): "
        f"docker volume rm {wish.profile}, then the same command again",
    )  # fmt: skip


def _invalid(seen: Seen, _wish: Wish) -> Decision | None:
    if seen.invalid and seen.record and not seen.record.made:
        return Decision(State.HALF_MADE, Action.CREATE_ANEW)
    return _stop(
        seen.invalid, State.INVALID_PROFILE, "minikube can't read its own settings of the cluster",
        "Put config.json back from .mininode/snapshots of the data folder; nothing was touched",
    )  # fmt: skip


def _foreign(seen: Seen, wish: Wish) -> Decision | None:
    return _stop(
        seen.stored is not None and seen.record is None, State.FOREIGN,
        f"there is a cluster {wish.profile} that this installation did not make",
        "It is left alone. Choose another name: computer.minikube.profile",
    )  # fmt: skip


def _half_made(seen: Seen, _wish: Wish) -> Decision | None:
    """Its making was cut short, so nothing was ever in it."""
    stranger = seen.container is not None and not seen.container.ours
    if seen.record is not None and not seen.record.made and not stranger and (seen.stored or seen.container or seen.volume):
        return Decision(State.HALF_MADE, Action.CREATE_ANEW)
    return None


def _data(seen: Seen, wish: Wish) -> Decision | None:
    if seen.folder is Folder.CLOSED:
        return Decision(
            State.FOLDER_CLOSED, Action.STOP, f"you may not write into the data folder {wish.data}",
            f"sudo install -d -o $USER {wish.data}",
        )  # fmt: skip
    if seen.folder is Folder.FOREIGN:
        return Decision(
            State.FOREIGN_DATA, Action.STOP, f"the data folder {wish.data} holds the data of another node",
            "Name another folder in computer.dataFolder",
        )  # fmt: skip
    return None


def _drift(seen: Seen, wish: Wish) -> Decision | None:
    if seen.stored is None or not (found := differences(seen.stored, wish)):
        return None
    return Decision(
        State.DRIFT, Action.STOP, "a cluster that is there can't take on another setting: " + "; ".join(map(str, found)),
        "Nothing was changed. Set it back, or make the cluster anew with the same data: docs/move-data.md",
    )  # fmt: skip


def _missing_data(seen: Seen, wish: Wish) -> Decision | None:
    there = seen.stored is not None and seen.record is not None and seen.record.made
    return _stop(
        there and seen.folder is not Folder.OURS, State.DATA_MISSING,
        f"the data folder {wish.data} of this node has lost its marker: its disk is not mounted, or somebody emptied it",
        "Mount the disk and run the same command again. The cluster was not started: it would begin with empty data",
    )  # fmt: skip


def _full(seen: Seen, _wish: Wish) -> Decision | None:
    return _stop(
        seen.host == "InsufficientStorage", State.DISK_FULL, "the disk of the node's machine is full",
        "Make room on the disk of /var/lib/docker (df -h shows it). The cluster was not started: that could end in a reset",
    )  # fmt: skip


def _access_foreign(seen: Seen, _wish: Wish) -> Decision | None:
    return _stop(
        seen.stored is not None and seen.access is Access.FOREIGN, State.ACCESS_FOREIGN, seen.access_detail,
        "sudo chown -R $USER ~/.local/state/mininode. The cluster was not started: minikube would reset it",
    )  # fmt: skip


def _absent(seen: Seen, wish: Wish) -> Decision | None:
    if seen.stored is not None:
        return None
    if seen.ports:
        return Decision(
            State.PORT_TAKEN, Action.STOP, f"in use by another program: port {', port '.join(seen.ports)}",
            "Stop that program, or set computer.ports",
        )  # fmt: skip
    if seen.folder is Folder.STRANGE:
        return Decision(
            State.STRANGE_DATA, Action.STOP, f"the data folder {wish.data} has files in it that are not a node's",
            "Name an empty folder in computer.dataFolder, or move what is in it",
        )  # fmt: skip
    if seen.folder in {Folder.OURS, Folder.KNOWN}:
        return Decision(State.ABSENT_WITH_DATA, Action.ATTACH)
    return Decision(State.ABSENT, Action.CREATE)


def _machine(seen: Seen, _wish: Wish) -> Decision | None:
    if seen.container is not None:
        return None
    if seen.volume:
        return Decision(State.MACHINE_GONE, Action.START)
    return Decision(State.DISK_GONE, Action.CREATE_ANEW)


def _life(seen: Seen, _wish: Wish) -> Decision | None:
    if seen.access is Access.BROKEN:
        return Decision(State.ACCESS_BROKEN, Action.REPAIR_ACCESS, seen.access_detail)
    if seen.host == "Paused":
        return Decision(State.PAUSED, Action.UNPAUSE)
    if seen.host != "Running":
        return Decision(State.STOPPED, Action.START)
    if seen.bits & _ACCESS or seen.access is Access.ABSENT:
        return Decision(State.ACCESS_WRONG, Action.REPAIR_ACCESS)
    if seen.bits & _API:
        return Decision(State.DEGRADED, Action.WAIT)
    return Decision(State.RUNNING, Action.NOTHING)


ROWS: tuple[Callable[[Seen, Wish], Decision | None], ...] = (
    _root, _engine, _remote, _invalid, _half_made, _other_home, _orphan, _foreign, _data, _absent, _drift, _missing_data, _full,
    _access_foreign, _machine, _life,
)  # fmt: skip


def decide(seen: Seen, wish: Wish) -> Decision:
    """The first row that has an answer; the last one always has."""
    for row in ROWS:
        if (decision := row(seen, wish)) is not None:
            return decision
    raise AssertionError("the last row answers always")


def starting_only(decision: Decision, wish: Wish) -> Decision:
    """The same for somebody who said start: a cluster that is not there is not made, for it would be one without a node."""
    if decision.action not in {Action.CREATE, Action.CREATE_ANEW, Action.ATTACH}:
        return decision
    name = wish.profile
    problem = {
        State.HALF_MADE: f"the cluster {name} was never made to its end",
        State.DISK_GONE: f"the cluster {name} was removed with its disk; the node's data are in {wish.data}",
        State.ABSENT_WITH_DATA: f"there is no cluster {name}; the node's data are in {wish.data}",
    }.get(decision.state, f"there is no cluster {name}")
    return Decision(
        decision.state, Action.STOP, problem,
        "Nothing was made. An install makes it, with the data that are there: mininode install micro --cluster minikube",
    )  # fmt: skip


def _stop(holds: bool, state: State, problem: str, advice: str) -> Decision | None:
    return Decision(state, Action.STOP, problem, advice) if holds else None

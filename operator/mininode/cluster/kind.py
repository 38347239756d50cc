"""A cluster by kind, for developers with a container engine: observe, decide by a table, act. Never deletes anything.

A cluster is ours when its machine is the very container that we noted when we made it. Everything else of the same name is
somebody else's and stays untouched.
"""

import enum
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mininode.cluster.files import private_folder, write_private
from mininode.cluster.kind_file import MACHINE, NAME, KindWish, cluster_file
from mininode.errors import ToolError, Unavailable
from mininode.toolbox.locking import only_one

Say = Callable[[str], None]

_QUESTION = 30.0  # s for an answer of the engine or of kind
_MAKING = 900.0  # s to pull the machine's image and start Kubernetes in it
_READY = "180s"  # that kind waits for the control plane


class KindState(enum.StrEnum):
    """A cluster as it was found."""

    ABSENT = "absent"
    RUNNING = "running"
    STOPPED = "stopped"
    DIFFERENT = "different"
    UNFINISHED = "unfinished"
    FOREIGN = "foreign"


class Action(enum.StrEnum):
    """What to do about it."""

    CREATE = "create"
    USE = "use"
    START = "start"
    REFUSE = "refuse"


ACTIONS: Mapping[KindState, Action] = {
    KindState.ABSENT: Action.CREATE,
    KindState.RUNNING: Action.USE,
    KindState.STOPPED: Action.START,
    KindState.DIFFERENT: Action.REFUSE,
    KindState.UNFINISHED: Action.REFUSE,
    KindState.FOREIGN: Action.REFUSE,
}


@dataclass(frozen=True, slots=True)
class Machine:
    """The container that kind's machine is, as the engine tells of it."""

    id: str
    running: bool


@dataclass(frozen=True, slots=True)
class Note:
    """What we wrote down when we made the cluster."""

    machine: str  # the container's id; empty as long as kind is making it
    file: str  # the cluster file's text


def judge(machine: Machine | None, note: Note | None, wanted: str) -> KindState:
    """The state of what was found beside what is wanted."""
    if machine is None:
        return KindState.ABSENT
    if note is not None and not note.machine:
        return KindState.UNFINISHED
    if note is None or note.machine != machine.id:
        return KindState.FOREIGN
    if note.file != wanted:
        return KindState.DIFFERENT
    return KindState.RUNNING if machine.running else KindState.STOPPED


class KindCluster:
    """The one kind cluster of this user; its record and access file lie in `home`. `kind` gives the program."""

    def __init__(self, home: Path, kind: Callable[[], Path], environment: Mapping[str, str] = os.environ) -> None:
        self.home = home
        self._kind_program = kind
        self._environment = dict(environment)

    @property
    def _kind(self) -> Path:
        return self._kind_program()

    @property
    def kubeconfig(self) -> Path:
        """The access file, our own: the user's ~/.kube/config is not touched."""
        return self.home / "kubeconfig"

    def look(self, wish: KindWish) -> tuple[KindState, Action]:
        """What is there and what `ensure` would do. Reads only. Raises Unavailable where `ensure` would refuse."""
        wanted = cluster_file(wish)
        state = judge(self._machine(self.engine()), self._note(), wanted)
        if ACTIONS[state] is Action.REFUSE:
            raise self._refusal(state, wanted)
        return state, ACTIONS[state]

    def ensure(self, wish: KindWish, say: Say) -> None:
        """Make it run as wished. Raises Unavailable with advice where it can't be had or would have to be deleted first."""
        private_folder(self.home)
        with only_one(self.home / "lock", say, "making the kind cluster"):
            engine = self.engine()
            wanted = cluster_file(wish)
            state = judge(self._machine(engine), self._note(), wanted)
            match ACTIONS[state]:
                case Action.CREATE:
                    self._create(engine, wish, wanted, say)
                case Action.START:
                    say(f"starting the machine {MACHINE}")
                    self._run([engine, "start", MACHINE], _QUESTION)
                case Action.REFUSE:
                    raise self._refusal(state, wanted)
                case Action.USE:
                    say(f"the kind cluster {NAME} is running")
            self._run([str(self._kind), "export", "kubeconfig", "--name", NAME, "--kubeconfig", str(self.kubeconfig)], _QUESTION)
            self.kubeconfig.chmod(0o600)

    def load(self, image: str, say: Say) -> None:
        """Give the machine an image that the engine of this computer has. Raises Unavailable when it has none of this name."""
        private_folder(self.home)
        engine = self.engine()
        if subprocess.run([engine, "image", "inspect", image], capture_output=True, check=False, env=self._environment).returncode:  # noqa: S603
            raise Unavailable(
                f"{engine} has no image {image}.",
                f"Build it at the top of the source: {engine} build -f operator/Dockerfile -t {image} .",
                reason="NoImage",
            )
        say(f"loading {image} into the machine")
        self._run([str(self._kind), "load", "docker-image", image, "--name", NAME], _MAKING)

    def _create(self, engine: str, wish: KindWish, wanted: str, say: Say) -> None:
        try:
            wish.data.mkdir(parents=True, exist_ok=True)  # an engine would make it, owned by root
        except OSError as error:
            raise Unavailable(f"The folder {wish.data} can't be made: {error.strerror}", "Make it, owned by you.") from error
        file = self.home / "cluster.yaml"
        write_private(file, wanted.encode())
        say(f"making the kind cluster {NAME}: pulls an image of about 1 GB the first time")
        command = [
            str(self._kind), "create", "cluster", "--name", NAME, "--config", str(file),
            "--kubeconfig", str(self.kubeconfig), "--wait", _READY,
        ]  # fmt: skip
        self._write_note(Note("", wanted))
        self._run(command, _MAKING)
        machine = self._machine(engine)
        if machine is None:
            raise ToolError(f"kind made the cluster, but {engine} knows no container {MACHINE}", "Run the same command again.")
        self._write_note(Note(machine.id, wanted))

    def engine(self) -> str:
        """The container engine that kind will use, if it answers."""
        wanted = self._environment.get("KIND_EXPERIMENTAL_PROVIDER")
        tried: list[str] = []
        for name in [wanted] if wanted else ["docker", "podman"]:
            if shutil.which(name, path=self._environment.get("PATH", "")) is None:
                tried.append(f"there is no {name}")
                continue
            done = self._ask([name, "info"])
            if done.returncode == 0:
                return name
            tried.append(f"{name} does not answer: {_last(done.stderr or done.stdout)}")
        raise Unavailable(
            f"kind needs a container engine that you may use: {'; '.join(tried)}.",
            "Start it, or join its group, and try `docker info`. Without an engine: --cluster rehearsal.",
            reason="NoContainerEngine",
        )

    def _machine(self, engine: str) -> Machine | None:
        done = self._ask([engine, "container", "inspect", MACHINE])
        if done.returncode:
            return None
        found: dict[str, Any] = json.loads(done.stdout)[0]
        return Machine(str(found["Id"]), bool(found["State"]["Running"]))

    def _note(self) -> Note | None:
        try:
            return Note(**json.loads((self.home / "made.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _write_note(self, note: Note) -> None:
        write_private(self.home / "made.json", json.dumps(asdict(note)).encode())

    def _refusal(self, state: KindState, wanted: str) -> Unavailable:
        if state is KindState.FOREIGN:
            return Unavailable(
                f"There is a kind cluster {NAME} that this installation did not make.",
                f"It is left alone. If it is yours and not needed any more: kind delete cluster --name {NAME}",
                reason="ForeignCluster",
            )
        if state is KindState.UNFINISHED:
            return Unavailable(
                f"Making the kind cluster {NAME} was interrupted, and kind can't go on with it.",
                f"Nothing of the node was in it yet: kind delete cluster --name {NAME}, then the same command again.",
                reason="UnfinishedCluster",
            )
        note = self._note()
        different = _difference(note.file if note else "", wanted)
        return Unavailable(
            f"The kind cluster {NAME} was made otherwise, and kind can't change one: {different}.",
            "Take the change back, or make the cluster anew, which ends everything in it; its data folder on this computer stays, "
            f"passwords do not: kind delete cluster --name {NAME}, then the same command again.",
            reason="DifferentCluster",
        )

    def _ask(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - the engine from PATH
            command, capture_output=True, text=True, timeout=_QUESTION, check=False, env=self._environment
        )

    def _run(self, command: list[str], seconds: float) -> None:
        name = Path(command[0]).name
        try:
            done = subprocess.run(  # noqa: S603 - the engine from PATH, or the toolbox's kind
                command, capture_output=True, text=True, timeout=seconds, check=False, env=self._environment
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{' '.join([name, *command[1:3]])} was not done within {seconds:.0f} s.", "Try again.") from None
        log = self.home / "kind.log"
        write_private(log, f"$ {' '.join(command)}\n{done.stdout}{done.stderr}".encode())
        if done.returncode:
            raise ToolError(f"{' '.join([name, *command[1:3]])} failed: {_last(done.stderr)}", f"All that it said: {log}")


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _difference(before: str, after: str) -> str:
    """The lines that are different, for people."""
    old, new = before.splitlines(), after.splitlines()
    gone, came = [one.strip() for one in old if one not in new], [one.strip() for one in new if one not in old]
    return f"then {', '.join(gone) or '-'}; now {', '.join(came) or '-'}"

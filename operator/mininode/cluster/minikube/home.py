"""Where one minikube cluster keeps its things on this computer: minikube's home, the access file, our record, the data's marker."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
import yaml

from mininode.cluster.files import private_folder, write_private
from mininode.cluster.minikube.seen import Access, Folder, Record
from mininode.cluster.minikube.wish import AUTHENTICATION, Wish
from mininode.documents import yaml_document

OURS = ".mininode"  # our folder inside the data folder; no namespace is called so
_NOT_DATA = frozenset({"lost+found", OURS})


@dataclass(frozen=True, slots=True)
class Home:
    """The files of the cluster `profile`. One home a cluster: minikube copies `files/` into every cluster of a home."""

    folder: Path
    profile: str

    @classmethod
    def of(cls, profile: str) -> "Home":
        """The one of this user: `$XDG_STATE_HOME/mininode/minikube/PROFILE`."""
        return cls(platformdirs.user_state_path("mininode") / "minikube" / profile, profile)

    @property
    def minikube(self) -> Path:
        """The folder of minikube itself; it appends `.minikube` to MINIKUBE_HOME."""
        return self.folder / ".minikube"

    @property
    def kubeconfig(self) -> Path:
        """The access file: ours alone, one path, so that no other tool's damage can reach a start."""
        return self.folder / "kubeconfig"

    @property
    def lock(self) -> Path:
        """Held by whoever works on the cluster."""
        return self.folder / "lock"

    @property
    def log(self) -> Path:
        """What minikube said."""
        return self.folder / "minikube.log"

    @property
    def authentication(self) -> Path:
        """The API server's file, where minikube copies it from at every start."""
        return self.minikube / "files" / AUTHENTICATION

    @property
    def settings(self) -> Path:
        """What minikube keeps: settings of the cluster; without them a start takes it for new."""
        return self.minikube / "profiles" / self.profile / "config.json"

    def record(self) -> Record | None:
        """What we wrote down; None when there is nothing, or nothing readable."""
        try:
            data = json.loads((self.folder / "record.json").read_bytes())
            return Record(**{**data, "wish": Wish.from_json(data["wish"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def remember(self, record: Record) -> None:
        """Write down what is known, whole or not at all."""
        private_folder(self.folder)
        write_private(self.folder / "record.json", json.dumps(asdict(record)).encode())

    def access(self) -> tuple[Access, str]:
        """How the access file is, and a sentence where it is not as it should be.

        minikube resets a cluster whose access file it can't read, write, or follow to the certificates named in it.
        """
        path = self.kubeconfig
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return Access.ABSENT, ""
        except (OSError, UnicodeDecodeError) as error:
            return self._unreadable(error)
        if path.stat().st_uid != os.getuid() or not os.access(path, os.W_OK):
            return Access.FOREIGN, f"the access file {path} belongs to another user, or may not be written"
        try:
            document = yaml_document(text)
            contexts = {one["name"]: one["context"] for one in document["contexts"] or []}
            context = contexts[self.profile]
            cluster = {one["name"]: one["cluster"] for one in document["clusters"]}[context["cluster"]]
            user = {one["name"]: one["user"] for one in document["users"]}[context["user"]]
            named = [cluster["certificate-authority"], user["client-certificate"], user["client-key"]]
        except (yaml.YAMLError, KeyError, TypeError, AttributeError):
            return Access.BROKEN, f"the access file {path} is damaged or lacks this cluster"
        if missing := [name for name in named if not Path(name).is_file()]:
            return Access.BROKEN, f"the access file {path} names {missing[0]}, which is not there"
        return Access.FINE, ""

    def _unreadable(self, error: Exception) -> tuple[Access, str]:
        if isinstance(error, PermissionError):
            return Access.FOREIGN, f"the access file {self.kubeconfig} may not be read by you"
        return Access.BROKEN, f"the access file {self.kubeconfig} can't be read: {error}"


@dataclass(frozen=True, slots=True)
class Marker:
    """What lies in the data folder to know it again."""

    identity: str
    node: str


def marker_file(data: Path) -> Path:
    """Where the marker lies."""
    return data / OURS / "node.json"


def read_marker(data: Path) -> Marker | None:
    """The marker of a data folder; None when there is none."""
    try:
        return Marker(**json.loads(marker_file(data).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_marker(data: Path, marker: Marker) -> None:
    """Make the data folder and its marker. Raises OSError when it can't be."""
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o755)  # pods of other users pass through it
    private_folder(data / OURS)
    write_private(marker_file(data), json.dumps(asdict(marker)).encode())


def folder_state(data: Path, record: Record | None, node: str) -> Folder:
    """How the data folder is, for this installation."""
    if not data.is_dir():
        return Folder.ABSENT
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return Folder.CLOSED
    if (marker := read_marker(data)) is not None:
        if record is not None and record.identity == marker.identity:
            return Folder.OURS
        return Folder.KNOWN if record is None and marker.node == node else Folder.FOREIGN
    return Folder.STRANGE if {one.name for one in data.iterdir()} - _NOT_DATA else Folder.EMPTY

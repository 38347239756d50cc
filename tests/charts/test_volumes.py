"""The scripts that make a node's folders and try its volumes out, run for real on this machine's disk."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mininode.api.spec import NodeSpec
from mininode.assets import asset
from mininode.cluster.folders import script
from mininode.components.base import Node
from mininode.components.volumes import folder, volumes

USER = 65321  # nobody of this machine
Trial = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders to others")


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder that others may pass through; pytest's own are closed to them."""
    home = Path(tempfile.mkdtemp(prefix="mininode-volumes-"))
    home.chmod(0o711)
    yield home
    shutil.rmtree(home)


@pytest.fixture
def volume(disk: Path) -> Path:
    one = disk / "volume"
    one.mkdir(mode=0o700)
    shutil.chown(one, USER, USER)
    return one


@pytest.fixture
def trial(disk: Path, volume: Path) -> Trial:
    scripts = disk / "scripts"
    shutil.copytree(asset("charts") / "storage" / "files", scripts)

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        usual = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "MININODE_FOLDER": str(volume),
            "MININODE_VOLUME": "datalake",
            "MININODE_WANTED_BYTES": "1048576",
            "MININODE_FREE_BYTES": "1048576",
            "MININODE_ACCESS_LISTS": "true",
            "MININODE_ON_FOLDER": "true",
        }
        return subprocess.run(
            ["sh", str(scripts / "trial.sh")],
            env=usual | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            user=USER,
            group=USER,
            extra_groups=[],
        )

    return run


def last_word(result: subprocess.CompletedProcess[str]) -> str:
    """What the kubelet hands on: the end of what was printed."""
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout.splitlines()[-1]


def test_a_good_volume_passes_and_keeps_nothing_of_the_trial(trial: Trial, volume: Path) -> None:
    (volume / ".mininode-trial.killed").mkdir()
    (volume / "data").write_text("a hospital's")
    shutil.chown(volume / ".mininode-trial.killed", USER, USER)
    result = trial()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "datalake: ok, 65321:65321, mode 700" in result.stdout
    assert [one.name for one in volume.iterdir()] == ["data"]


def test_a_folder_of_another_user_is_told_with_its_owner(trial: Trial, volume: Path) -> None:
    shutil.chown(volume, 0, 0)
    volume.chmod(0o755)
    assert "user 65321 can't write to it, it belongs to 0:0, mode 755 (Permission denied)" in last_word(trial())


def test_a_folder_that_everybody_may_write_to_is_refused_where_it_is_the_site_s(trial: Trial, volume: Path) -> None:
    volume.chmod(0o777)
    assert "everybody on the machine may write to its folder" in last_word(trial())
    assert trial(MININODE_ON_FOLDER="false").returncode == 0


def test_a_disk_that_can_never_hold_the_size_is_refused(trial: Trial) -> None:
    said = last_word(trial(MININODE_WANTED_BYTES=str(2**60)))
    assert "the node's spec wants 1073741824.0 GiB: a larger disk, or a smaller storage.sizes" in said


def test_a_disk_that_is_full_is_refused(trial: Trial) -> None:
    assert "free some space" in last_word(trial(MININODE_FREE_BYTES=str(2**60)))


def test_a_disk_with_less_free_than_the_size_is_told_of(trial: Trial, volume: Path) -> None:
    stat = os.statvfs(volume)
    wanted = (stat.f_bavail + stat.f_blocks) // 2 * stat.f_frsize  # more than is free, less than there is
    result = trial(MININODE_WANTED_BYTES=str(wanted))
    assert result.returncode == 0, result.stdout
    assert "note:" in result.stdout


@pytest.mark.parametrize(
    ("program", "does", "said"),
    [
        # What this machine's disk can't be made to do: another program in the tool's place says what a worse disk says.
        ("perl", "echo Operation not supported >&2; exit 95", "no POSIX access lists (Operation not supported)"),
        ("ln", "exit 1", "no symbolic links"),
        ("mv", "exit 1", "can't be renamed"),
        ("dd", "echo 'dd: fsync failed: Input/output error' >&2; exit 1", "does not reach the disk: dd: fsync failed"),
    ],
)
def test_a_worse_disk_is_told_of(trial: Trial, disk: Path, program: str, does: str, said: str) -> None:
    programs = disk / "bin"
    programs.mkdir()
    (programs / program).write_text(f"#!/bin/sh\n{does}\n")
    (programs / program).chmod(0o755)
    assert said in last_word(trial(PATH=f"{programs}{os.pathsep}{os.environ['PATH']}"))


def test_what_needs_no_access_lists_is_not_asked_for_them(trial: Trial, disk: Path) -> None:
    assert trial(MININODE_ACCESS_LISTS="false", PATH=f"{no_perl(disk)}").returncode == 0


def no_perl(disk: Path) -> Path:
    """A PATH with everything of this machine but Perl."""
    programs = disk / "bin"
    programs.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for one in Path(place).iterdir() if Path(place).is_dir() else ():
            if one.name != "perl" and not (programs / one.name).exists():
                (programs / one.name).symlink_to(one)
    return programs


@pytest.mark.usefixtures("trial")
def test_access_lists_are_really_set_and_read_back(volume: Path) -> None:
    """The same system call as `setfacl`'s: what the script wrote is what the kernel shows."""
    file = volume / "file"
    file.write_text("x")
    done = subprocess.run(
        ["perl", str(volume.parent / "scripts" / "access-list.pl"), str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (2000).to_bytes(4, "little") in os.getxattr(file, "system.posix_acl_access")


# ── The folders ────────────────────────────────────────────────────────────────────────────────────────────────────


def node(disk: Path, namespace: str = "eucaim", name: str = "demo") -> Node:
    storage = {"hostPath": str(disk / "data"), "sizes": {"datalake": "1Gi"}}
    return Node(name, namespace, NodeSpec.model_validate({"domain": "node.hospital.example", "storage": storage}))


def make(one: Node, **more: object) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(["sh"], input=script(one), capture_output=True, text=True, timeout=60, check=False, **more)  # type: ignore[call-overload]
    assert isinstance(run, subprocess.CompletedProcess)
    return run


def look(one: Node) -> dict[str, tuple[int, int, str]]:
    found = {}
    for _, each in volumes(one).values():
        stat = Path(folder(one, each)).stat()
        found[each.name] = (stat.st_uid, stat.st_gid, f"{stat.st_mode & 0o7777:04o}")
    return found


WANTED = {
    "postgresql-data": (999, 999, "0700"),
    "datalake": (10001, 10001, "0711"),
    "datasets": (10001, 10001, "0711"),
    "dataset-service-data": (10001, 10001, "0700"),
    "edge-data": (10002, 10002, "0700"),
}


def test_folders_get_their_owners_and_modes_and_a_second_run_changes_nothing(disk: Path) -> None:
    one = node(disk)
    assert make(one).returncode == 0
    assert look(one) == WANTED
    again = make(one)
    assert (again.returncode, look(one)) == (0, WANTED)
    assert "was made" not in again.stdout


def test_data_stays_as_it_is_and_nobody_else_may_write_to_it(disk: Path) -> None:
    one = node(disk)
    make(one)
    lake = disk / "data/demo/datalake"
    (lake / "study").mkdir(mode=0o705)
    lake.chmod(0o777)
    assert make(one).returncode == 0
    assert (lake / "study").stat().st_mode & 0o7777 == 0o705
    assert (lake / "study").stat().st_uid == 0
    assert look(one) == WANTED


def test_a_folder_with_data_of_another_user_is_not_touched(disk: Path) -> None:
    one = node(disk)
    make(one)
    lake = disk / "data/demo/datalake"
    (lake / "study").mkdir()
    shutil.chown(lake, 1234, 1234)
    result = make(one)
    assert result.returncode == 1
    assert f"{lake} belongs to 1234:1234 and is not empty" in result.stderr
    assert lake.stat().st_uid == 1234


def test_two_nodes_never_share_a_folder(disk: Path) -> None:
    assert make(node(disk)).returncode == 0
    result = make(node(disk, namespace="other"))
    assert result.returncode == 1
    assert "holds the data of another node, eucaim demo" in result.stderr


def test_a_link_is_refused(disk: Path) -> None:
    (disk / "data/demo").mkdir(parents=True)
    (disk / "elsewhere").mkdir()
    (disk / "data/demo/datalake").symlink_to(disk / "elsewhere")
    result = make(node(disk))
    assert result.returncode == 1
    assert "is a link" in result.stderr


def test_who_is_not_root_is_told(disk: Path) -> None:
    result = make(node(disk), user=USER, group=USER, extra_groups=[])
    assert result.returncode == 1
    assert "only root" in result.stderr
    assert not (disk / "data").exists()


def test_too_little_room_for_all_is_told_of(disk: Path) -> None:
    big = node(disk)
    spec = big.spec.model_dump(by_alias=True, exclude_none=True)
    spec["storage"]["sizes"] = {"datalake": "900Ti"}
    result = make(Node("demo", "eucaim", NodeSpec.model_validate(spec)))
    assert result.returncode == 0
    assert "for volumes that may grow to" in result.stdout

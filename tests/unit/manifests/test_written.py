"""A tree on a disk: written once, then only what differs; what people made or changed is never touched, kills included."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mininode.errors import ConfigError, MininodeError
from mininode.manifests.written import RECORD, write_tree

TREE = {"a.yaml": "one\n", "node/b.yaml": "two\n"}


def snapshot(folder: Path) -> dict[str, tuple[str, int]]:
    """Text and time of every file."""
    return {str(one.relative_to(folder)): (one.read_text(), one.stat().st_mtime_ns) for one in folder.rglob("*") if one.is_file()}


def refused(folder: Path, tree: dict[str, str]) -> str:
    """What the refusal says; the folder is as it was."""
    before = snapshot(folder)
    with pytest.raises(ConfigError) as caught:
        write_tree(folder, tree)
    assert snapshot(folder) == before
    return str(caught.value)


def test_a_second_time_writes_nothing(tmp_path: Path) -> None:
    first = write_tree(tmp_path / "new" / "folder", TREE)
    before = snapshot(tmp_path)
    second = write_tree(tmp_path / "new" / "folder", TREE)
    assert (first.written, second.written, second.unchanged) == (("a.yaml", "node/b.yaml"), (), ("a.yaml", "node/b.yaml"))
    assert snapshot(tmp_path) == before


def test_only_what_differs_is_written_and_what_is_not_wanted_any_more_goes(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    done = write_tree(tmp_path, {"a.yaml": "changed\n", "c.yaml": "three\n"})
    assert (done.written, done.removed) == (("a.yaml", "c.yaml"), ("node/b.yaml",))
    assert not (tmp_path / "node").exists()  # the folder was ours, and is empty
    assert sorted(json.loads((tmp_path / RECORD).read_text())["files"]) == ["a.yaml", "c.yaml"]


def test_every_foreign_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "a.yaml").write_text("mine\n")
    (tmp_path / "node" / "b.yaml").write_text("mine, too\n")
    said = refused(tmp_path, TREE)
    assert "a.yaml was made or changed by hand" in said
    assert "node/b.yaml was made or changed by hand" in said


def test_a_file_that_was_changed_by_hand_stays(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    (tmp_path / "a.yaml").write_text("one, and a thought of mine\n")
    assert "a.yaml" in refused(tmp_path, TREE | {"c.yaml": "three\n"})


def test_a_file_that_is_not_wanted_any_more_stays_when_it_was_changed(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    (tmp_path / "node" / "b.yaml").write_text("mine now\n")
    assert "b.yaml" in refused(tmp_path, {"a.yaml": "one\n"})


def test_files_beside_the_tree_stay(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "secrets.sops.yaml").write_text("theirs\n")
    write_tree(tmp_path, TREE)
    write_tree(tmp_path, {"a.yaml": "one\n"})
    assert (tmp_path / "node" / "secrets.sops.yaml").read_text() == "theirs\n"


def test_line_ends_that_git_turned_are_no_change_by_hand(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    (tmp_path / "a.yaml").write_bytes(b"one\r\n")
    assert write_tree(tmp_path, TREE).written == ()


@pytest.mark.parametrize("link", ["a.yaml", "node"])
def test_no_link_is_followed(tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.yaml").write_text("two\n")
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / link).symlink_to(elsewhere / "b.yaml" if link == "a.yaml" else elsewhere)
    assert "by hand" in refused(folder, TREE)


@pytest.mark.parametrize(
    "record", ["", "[]", '{"files": 3}', '{"files": {"../../etc/passwd": ["0"]}}', '{"files": {"/etc/passwd": []}}']
)
def test_a_damaged_record_stops_the_export(tmp_path: Path, record: str) -> None:
    write_tree(tmp_path, TREE)
    (tmp_path / RECORD).write_text(record)
    assert RECORD in refused(tmp_path, TREE)


def test_dir_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        write_tree(tmp_path / "file", TREE)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_said_in_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(MininodeError, match="can't be written: Permission denied"):
        write_tree(tmp_path, TREE)


@settings(deadline=None)  # it writes files, on a disk that others may be busy with
@given(done=st.integers(0, 6), change=st.booleans())
def test_after_a_kill_at_any_write_the_next_run_ends_it(tmp_path_factory: pytest.TempPathFactory, done: int, change: bool) -> None:
    """The process ends before write number `done`; the next export, of the same or of another tree, is not refused."""
    folder = tmp_path_factory.mktemp("tree")
    write_tree(folder, {"a.yaml": "old\n", "gone.yaml": "old\n"})
    count = 0
    real = os.replace

    def dying(source: Path, target: Path) -> None:
        nonlocal count
        if count == done:
            raise KeyboardInterrupt
        count += 1
        real(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mininode.manifests.written.os.replace", dying)
        with contextlib.suppress(KeyboardInterrupt):
            write_tree(folder, TREE)
    wanted = TREE | {"a.yaml": "newer\n"} if change else TREE
    write_tree(folder, wanted)
    assert {path: text for path, (text, _) in snapshot(folder).items() if path.endswith(".yaml")} == wanted

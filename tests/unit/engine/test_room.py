"""What is said of the disk below the node's data, by how much of it is left."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from mininode.api.conditions import REASONS
from mininode.api.spec import NodeSpec
from mininode.components.base import Node
from mininode.engine.keep import Keeper
from mininode.engine.room import FULL, SCARCE, Space, room_said

if TYPE_CHECKING:
    from mininode.kube.client import Kube

TOTAL = 500 * 2**30


def node(folder: str = "/srv/eucaim") -> Node:
    storage = {"storage": {"hostPath": folder}} if folder else {}
    return Node("node", "eucaim-node", NodeSpec.model_validate({"domain": "n.example", **storage}))


@pytest.mark.parametrize(
    ("free", "status", "reason"),
    [
        (TOTAL, "True", "DiskHasRoom"),
        (SCARCE, "True", "DiskHasRoom"),
        (SCARCE - 1, "False", "DiskScarce"),
        (FULL, "False", "DiskScarce"),
        (FULL - 1, "False", "DiskFull"),
        (0, "False", "DiskFull"),
    ],
)
def test_it_is_told_before_nothing_is_left(free: int, status: str, reason: str) -> None:
    said = room_said(Space(TOTAL, free), node())
    assert (str(said[0]), said[1]) == (status, reason)
    assert reason in REASONS
    assert "/srv/eucaim" in said[2]


def test_advice_names_the_command_and_warns_of_what_is_no_log() -> None:
    scarce, full = (room_said(Space(TOTAL, free), node())[2] for free in (SCARCE - 1, 0))
    for said in (scarce, full):
        assert "sudo du -xh -d1 /srv/eucaim" in said
        assert "Delete nothing in the folders of postgresql" in said
    assert "Databases stop" in full
    assert "Databases stop" not in scarce


def test_the_sentence_does_not_move_with_every_byte() -> None:
    """The status is written when it differs, and a node where nothing happens writes nothing."""
    assert room_said(Space(TOTAL, SCARCE - 1), node()) == room_said(Space(TOTAL, FULL + 5), node())


def test_nobody_says_a_word_about_a_disk_that_nobody_sees(tmp_path: Path) -> None:
    assert room_said(None, node())[1] == "DiskUnseen"
    assert room_said(Space(TOTAL, 0), node(""))[1] == "DiskUnseen"
    nobody = cast("Kube", None)  # not asked for this
    assert Keeper(nobody, tmp_path / "gone").space() is None


def test_the_disk_is_that_of_the_folder_of_credentials(tmp_path: Path) -> None:
    space = Keeper(cast("Kube", None), tmp_path).space()
    assert space is not None
    assert 0 < space.free < space.total

"""Answers in a configuration's text: comments, order and everything else stay, byte for byte."""

import difflib
from pathlib import Path
from typing import Any

import pytest

from mininode.api.config import parse_config
from mininode.cli.config_draft import Place, with_answers
from mininode.cli.config_init import Answers, example
from mininode.components.registry import all_components

EXAMPLE = (Path(__file__).parents[3] / "config.example.yaml").read_text("utf-8")


def changed(before: str, after: str) -> list[str]:
    """The lines that differ, with + and -."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def test_without_answers_not_a_byte_changes() -> None:
    assert with_answers(EXAMPLE, {}) == EXAMPLE


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (("node", "domain"), "n.hospital.eu", ["-  domain: node.hospital.example", "+  domain: n.hospital.eu"]),
        (("node", "contact"), "a@b.eu", ["-  #contact: imaging-it@hospital.example", "+  contact: a@b.eu"]),
        (("node", "storage", "hostPath"), "/srv/x", ["-    #hostPath: /srv/eucaim", "+    hostPath: /srv/x"]),
        (("node", "tls", "mode"), "acme", []),
        (("node", "domain"), None, []),
    ],
)  # fmt: skip
def test_one_answer_changes_its_line_and_no_other(path: Place, value: Any, lines: list[str]) -> None:
    assert changed(EXAMPLE, with_answers(EXAMPLE, {path: value})) == lines


def test_a_field_inside_a_section_that_is_not_in_use_brings_both_to_life() -> None:
    after = with_answers(EXAMPLE, {("node", "tls", "certificateRef", "name"): "c", ("node", "tls", "certificateRef", "key"): "k"})
    assert "    certificateRef:\n      # Name of the Secret.\n      name: c\n" in after
    assert "    #privateKeyRef:" in after


def test_a_persons_own_file_keeps_its_comments_and_gets_what_is_missing() -> None:
    mine = "# ours, since 2024\nnode:\n  domain: a.hospital.eu # asked IT for it\n\n  siteName: 'Radiology'\n"
    after = with_answers(mine, {("node", "domain"): "b.hospital.eu", ("node", "tls", "mode"): "ownCA"})
    assert after == (
        "# ours, since 2024\nnode:\n  domain: b.hospital.eu # asked IT for it\n\n  siteName: 'Radiology'\n  tls:\n    mode: ownCA\n"
    )


@pytest.mark.parametrize("tls", ["acme", "ownCA", "provided"])
def test_what_init_writes_is_a_right_configuration_with_every_field_explained(tls: str) -> None:
    answers = Answers("micro", "node.hospital.eu", "/srv/eucaim", tls, ["ada@hospital.eu", "bob@hospital.eu"])
    text = with_answers(example(), answers.fields())
    site = parse_config(text, "config.yaml", tuple(all_components()))
    node = site.node
    assert (node.domain, node.tls.mode, site.computer.data_folder) == ("node.hospital.eu", tls, "/srv/eucaim")
    assert node.identity.admins == ("ada@hospital.eu", "bob@hospital.eu")
    assert (node.tls.certificate_ref is not None) == (tls == "provided")
    explained = [line for line in EXAMPLE.splitlines() if line.lstrip().startswith("# ")][4:]
    assert [line for line in explained if line not in text] == []

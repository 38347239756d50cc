"""Every flag and command of minikube's that we use, against the real binary's own help."""

import re
import subprocess

import pytest

from mininode.api.computer import ALLOWED_ARGUMENTS
from mininode.api.config import parse_config
from mininode.cluster.minikube.act import create_flags
from mininode.cluster.minikube.wish import wish
from mininode.cluster.minikube_way import this_machine
from mininode.toolbox.toolbox import Toolbox


def flags_of(*command: str) -> set[str]:
    program = str(Toolbox.from_environment(say=print).get("minikube").path)
    text = subprocess.run([program, *command, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    text += subprocess.run([program, "options"], capture_output=True, text=True, timeout=60, check=True).stdout
    return set(re.findall(r"--([a-z][a-z0-9-]*)=", text))


def test_start_knows_every_flag_of_ours_and_every_one_that_we_allow() -> None:
    text = "node: {domain: node.hospital.example, profile: micro}\ncomputer: {minikube: {baseImage: a/b:1}}\n"
    site = parse_config(text, "config.yaml", ())
    ours = {flag.removeprefix("--").partition("=")[0] for flag in create_flags(wish(site, this_machine()))}
    known = flags_of("start")
    assert ours | set(ALLOWED_ARGUMENTS) | {"output", "profile", "dry-run", "interactive"} <= known


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        (("stop",), {"keep-context-active", "output", "profile"}),
        (("delete",), {"output", "profile"}),
        (("unpause",), {"output", "profile"}),
        (("status",), {"output", "profile"}),
        (("profile", "list"), {"output", "light"}),
        (("version",), {"output"}),
        (("update-context",), {"profile"}),
        (("cp",), {"profile"}),
        (("image", "ls"), {"format", "profile"}),
        (("image", "build"), {"tag", "file", "profile"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_other_commands_know_theirs(command: tuple[str, ...], flags: set[str]) -> None:
    assert flags <= flags_of(*command)

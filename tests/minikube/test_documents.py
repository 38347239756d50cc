"""The commands of the documents by task that need a real minikube, in the order of the page.

What a page calls by a name of its own, folders and the cluster, has another one here. install.py is run by tests/docs; here
stands the command that it hands over to. That applications start is another lane's matter, so nobody waits for them.
"""

import getpass
import json
import os
import pwd
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from deeds import WAIT, apply, database, listing, passwords, postgresql_ready, sentinel
from person import TREE, Person, as_ordinary, until
from tests.docs.blocks import Block, blocks, script

from mininode.errors import Exit

CLAIM = {
    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "moved", "namespace": "default"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """Who types what a page says: an ordinary user, for whom sudo makes root of this one command."""

    person: Person
    environment: Mapping[str, str]
    names: Mapping[str, str]  # the page's word, and what it is called here

    def follow(self, block: Block) -> str:
        """Type one block's commands; what they printed."""
        commands = tuple(self._here(one) for one in block.commands)
        codes = (0, int(Exit.NOT_THERE_YET)) if any("--timeout" in one for one in commands) else block.codes
        done = subprocess.run(
            ["bash", "-c", script([replace(block, commands=commands, runs=True, codes=codes)])],
            cwd=self.person.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=1800, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    def _here(self, command: str) -> str:
        for said, here in self.names.items():
            command = command.replace(said, here)
        return command


@pytest.fixture
def new(made: Person) -> Path:
    """The folder on the new disk; the page's own command makes it."""
    disk = made.folder / "newdisk"
    disk.mkdir(exist_ok=True)
    disk.chmod(0o755)
    return disk / "eucaim"


@pytest.fixture
def reader(made: Person, new: Path) -> Reader:
    programs = made.folder / "bin"
    programs.mkdir(exist_ok=True)
    root = os.getuid() == 0
    mininode = shlex.join([*as_ordinary(), sys.executable, "-m", "mininode.cli.main"])
    # The page's cluster is the only one, so no command names it; the one here has a name of its own.
    text = {"mininode": f'[ "$1" = cluster ] && set -- "$@" --profile {made.profile}\nexec {mininode} "$@"\n'}
    if root:  # whoever is no root has the real one
        text["sudo"] = 'exec "$@"\n'
    for name, content in text.items():
        program = programs / name
        program.write_text(f"#!/bin/sh\n{content}")
        program.chmod(0o755)
    user = pwd.getpwuid(made.data.stat().st_uid).pw_name if root else getpass.getuser()
    environment = made.environment | {"USER": user, "PATH": f"{programs}:{made.environment['PATH']}"}
    names = {
        "python3 install.py": "mininode install", "--cluster minikube": f"--cluster minikube --timeout {WAIT}",
        "--confirm mininode": f"--confirm {made.profile}", "/srv/eucaim": str(made.data), "/mnt/newdisk/eucaim": str(new),
    }  # fmt: skip
    return Reader(made, environment, names)


def page(name: str) -> Iterator[Block]:
    """The blocks of a document that need a real minikube, in its order."""
    return (one for one in blocks((TREE / "docs" / name).read_text("utf-8")) if one.on_minikube)


@pytest.mark.usefixtures("identity")
def test_what_a_node_is_installed_with_is_its_repair_as_well(made: Any, reader: Reader) -> None:
    folder, install, look = page("install.md")
    made.write()
    before = made.data.stat()
    reader.follow(folder)
    assert (made.data.stat().st_uid, made.data.stat().st_mode) == (before.st_uid, before.st_mode)
    assert f"use the cluster {made.profile}, which runs" in reader.follow(install)
    assert ["eucaim-node", "node", "micro"] in [line.split()[:3] for line in reader.follow(look).splitlines()]


@pytest.mark.usefixtures("identity")
def test_data_that_are_moved_to_another_disk_are_there_with_their_passwords(made: Any, reader: Reader, new: Path) -> None:
    """The old folder is gone afterwards, so that nothing can come from it; later tests go on with the new one."""
    stop, copy, let_go, install = page("move-data.md")
    old = made.data
    apply(made, CLAIM)
    until((old / "default/moved").is_dir, 90, "the claim's folder on the computer")
    (old / "default/moved/study.dcm").write_text("an image")
    until(lambda: postgresql_ready(made), 300, "the database runs")
    before, number = passwords(made), database(made)
    assert before

    reader.follow(stop)
    assert made.state_now() == "Stopped"
    reader.follow(copy)
    assert listing(new) == listing(old)
    reader.follow(let_go)
    assert made.docker("ps", "-a", "--filter", f"name=^{made.profile}$", "-q") == ""

    made.config["dataFolder"] = str(new)  # step 4: `computer.dataFolder` in config.yaml
    made.write()
    said = reader.follow(install)
    assert f"make a cluster {made.profile} on the data that are there" in said
    assert "are used again" in said
    shutil.rmtree(old)  # step 5

    assert made.state_now() == "Running"
    (machine,) = json.loads(made.docker("container", "inspect", made.profile))
    assert {one["Destination"]: one["Source"] for one in machine["Mounts"]}["/var/hostpath-provisioner"] == str(new)
    assert sentinel(made) == json.loads((new / ".mininode/node.json").read_text())["identity"]
    until(lambda: set(passwords(made)) >= set(before), 120, "the credentials are in the new cluster")
    assert {name: passwords(made)[name] for name in before} == before
    until(lambda: postgresql_ready(made), 300, "the database runs on the new disk")
    assert database(made) == number

    apply(made, CLAIM)
    bound = ("get", "pvc", "moved", "-n", "default", "-o", "jsonpath={.status.phase}")
    until(lambda: made.kubectl(*bound) == "Bound", 90, "the claim is bound again")
    assert made.docker("exec", made.profile, "cat", "/var/hostpath-provisioner/default/moved/study.dcm") == "an image"

"""Records commands as people see them: each is typed into a real terminal (tmux), and the screen becomes an SVG in docs/images.

usage: PYTHON docs/demo/record.py [NAME …]     needs tmux; names as in SCENES, all if none is given

The commands run in an empty folder; a scene waits for a text before it types the next line. Scenes of a node come in the order of
SCENES, on one rehearsal that is stopped at the end: the first of them installs it.
"""
# ruff: noqa: INP001 - a script beside documents

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.text import Text

TREE = Path(__file__).parents[2]
IMAGES = TREE / "docs" / "images"
WIDTH, HEIGHT = 100, 56
_PATIENCE = 240.0  # s for a text to appear
_LOOK = 0.3  # s between two looks at the screen
KILL = "(kill -9)"  # in place of a line: the command that runs is killed
INSTALL = "mininode install micro --cluster rehearsal --yes"
CHANGED = """\
node:
  profile: micro
  domain: node.rehearsal.example
  siteName: Rehearsal
  components:
    guacamole: {resources: {requests: {cpu: 300m}}}
"""
MISTAKES = """\
node:
  profil: micro
  domain: https://My_Hospital/
  contact: nobody
  tls: {mode: letsencrypt}
  components:
    keycloak: {values: {adminPassword: not-so-secret}}
"""


@dataclass(frozen=True)
class Scene:
    """What is typed, each line once the text before it is on the screen; `files` lie in the folder."""

    title: str
    lines: tuple[tuple[str, str], ...]  # wait for this, type that
    until: str
    files: tuple[tuple[str, str], ...] = ()


SCENES = {
    "config-init": Scene(
        "mininode config init",
        (
            ("$ ", "mininode config init"),
            ("Profile [micro]:", ""),
            ("Domain:", "https://Node.Hospital.EU/"),
            ("path ('/')", "node.hospital.eu"),
            ("TLS [acme]:", "ownCA"),
            ("Data [/srv/eucaim]:", "data"),
            ("no absolute path", "/srv/eucaim"),
            ("Admin:", "ada@hospital.eu"),
        ),
        "Next: mininode check",
    ),
    "five-mistakes": Scene(
        "mininode config check, with five mistakes in the file",
        (("$ ", "mininode config check"),),
        "Nothing was changed",
        (("config.yaml", MISTAKES),),
    ),
    "install": Scene("mininode install: the first run, in a rehearsal", (("$ ", INSTALL),), "Next: mininode status"),
    "install-again": Scene("The same command again", (("$ ", INSTALL),), "Next: mininode status"),
    "install-resumed": Scene(
        "A run that is killed, and the next one",
        (("$ ", INSTALL), ("8/8 follow", KILL), ("Killed", INSTALL)),
        "Next: mininode status",
        (("config.yaml", CHANGED),),
    ),
    "purge-wrong-name": Scene(
        "mininode uninstall --purge, with a wrong name",
        (("$ ", "mininode uninstall --purge"), ("ype the node's name", "mynode")),
        "nothing was removed",
    ),
}


def record(name: str, environment: dict[str, str]) -> Path:
    """Play a scene and write its picture."""
    scene, session = SCENES[name], f"mininode-record-{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder:
        for file, text in scene.files:
            (Path(folder) / file).write_text(text)
        mine = environment | {"PS1": "$ ", "TERM": "xterm-256color"}
        settings = [f"{key}={value}" for key, value in mine.items()]
        shell = shlex.join(["env", *settings, "bash", "--norc", "--noprofile"])
        tmux("new-session", "-d", "-s", session, "-x", str(WIDTH), "-y", str(HEIGHT), "-c", folder, shell)
        try:
            for wanted, line in scene.lines:
                wait(session, wanted)
                if line == KILL:
                    kill(int(tmux("display-message", "-t", session, "-p", "#{pane_pid}")))
                    continue
                tmux("send-keys", "-t", session, "-l", line)
                tmux("send-keys", "-t", session, "Enter")
            wait(session, scene.until)
            shown = tmux("capture-pane", "-t", session, "-p", "-e").rstrip()
        finally:
            tmux("kill-session", "-t", session)
    return picture(name, scene.title, shown)


def picture(name: str, title: str, shown: str) -> Path:
    """The screen as an SVG."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere)
        console.print(Text.from_ansi(shown))
        out = IMAGES / f"{name}.svg"
        console.save_svg(str(out), title=title)
    return out


def wait(session: str, wanted: str) -> None:
    """Until the text is on the screen."""
    ends = time.monotonic() + _PATIENCE
    while wanted not in (shown := tmux("capture-pane", "-t", session, "-p", "-J")):
        if time.monotonic() > ends:
            raise SystemExit(f"“{wanted}” never came. The screen:\n{shown}")
        time.sleep(_LOOK)


def kill(shell: int) -> None:
    """End what the shell runs, as a machine that is out of memory does."""
    for child in psutil.Process(shell).children(recursive=True):
        if "install" in child.cmdline():
            child.send_signal(signal.SIGKILL)


def tmux(*arguments: str) -> str:
    """One command of tmux."""
    return subprocess.run(["tmux", *arguments], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607


def main(names: list[str]) -> None:
    """Record the scenes; the command is this tree's."""
    with tempfile.TemporaryDirectory() as folder:
        command = Path(folder) / "mininode"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m mininode.cli.main "$@"\n')
        command.chmod(0o755)
        environment = {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "XDG_STATE_HOME": f"{folder}/state",
            "PYTHONPATH": str(TREE / "operator"),
        }
        try:
            for name in names or SCENES:
                sys.stdout.write(f"{record(name, environment)}\n")
        finally:
            subprocess.run([command, "rehearsal", "stop"], env=os.environ | environment, check=False, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    main(sys.argv[1:])

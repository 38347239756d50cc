"""Make or find mininode's Python environment, then hand over to `mininode install`. Standard library only."""

from __future__ import annotations  # Python 3.8 must be able to read this file, to say that it is too old

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent
MARKER = "mininode-ready"  # written last, says whose it is: an environment without it is half-made
HELP = """Usage: python3 install.py PROFILE [options of `mininode install`]
       python3 install.py --prepare [--dev]

Makes a Python environment for mininode (first run: about a minute), leaves the command `mininode` in ~/.local/bin,
and runs `mininode install` with your arguments.

  python3 install.py micro --cluster rehearsal     try everything on a throw-away Kubernetes on this machine
  python3 install.py --prepare                     only make the environment and print its python (--dev: for tests)
"""
ADVICE = {  # what pip or venv says: what it means and what to do
    "No space left": "The disk is full. Make room (about 500 MB are needed) and run the command again.",
    "DO NOT MATCH THE HASHES": "A Python package is not the pinned one: a proxy or mirror changed it, or its download"
    " was cut short. Run `python3 -m pip cache purge` and try again; if it stays, ask who runs your network.",
    "ensurepip|named venv": "This Python makes no environments. Debian, Ubuntu: sudo apt install python{0}.{1}-venv.",
    "onnection|Temporary failure|timed out|ProxyError|CERTIFICATE|No matching": "The Python packages cannot be fetched."
    " Set HTTPS_PROXY for a proxy, PIP_INDEX_URL for a mirror, PIP_CERT for a certificate authority, and run it again.",
}


def say(line: str) -> None:
    """Speak on stderr: stdout belongs to `--prepare`."""
    sys.stderr.write(line + "\n")


def check_python() -> None:
    """End with exit code 4 when this Python is too old, naming a newer one if there is one that runs."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is read by Pythons that the package refuses
        names = filter(shutil.which, ("python3.13", "python3.12", "python3.11"))
        newer = [name for name in names if not subprocess.call([name, "-c", ""], stderr=subprocess.DEVNULL)]  # noqa: S603
        how = "Install it beside yours; on Debian 12 and Ubuntu 22.04: sudo apt install python3.11-venv"
        how = f"This machine has it: {newer[0]} install.py" if newer else how
        say(f"mininode needs Python 3.11 or later, this is {platform.python_version()} ({sys.executable}). {how}")
        sys.exit(4)


def run(command: list[str], log: Path, total: int = 0) -> None:
    """Run a command with its output in the log, say how far pip is, end with exit code 4 when it fails."""
    spoke, count = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 - our own python
    with log.open("a", encoding="utf-8") as file:
        for line in process.stdout or ():
            file.write(line.decode("utf-8", "replace"))
            count += line.startswith(b"Collecting ")
            if total and time.monotonic() > spoke + 3:  # seconds
                spoke = time.monotonic()
                say(f"  {min(count, total)} of {total} packages")
    if process.wait():
        text = log.read_text(encoding="utf-8")
        told = [advice.format(*sys.version_info) for pattern, advice in ADVICE.items() if re.search(pattern, text)]
        say(f"{(told or ['The Python environment could not be made.'])[0]} All that was said is in {log}")
        sys.exit(4)


def environment(lock: Path) -> Path:
    """Find or make the environment. The folder's name stands for checkout, lock file and Python."""
    text, whose = lock.read_text(encoding="utf-8"), f"{CHECKOUT}\n{lock.name}\n"
    key = hashlib.sha256(f"{CHECKOUT}\n{text}\n{sys.version}\n{sys.base_prefix}".encode()).hexdigest()[:12]
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share", "mininode/env").absolute()
    folder, log = home / key, home / f"{key}.log"
    if (folder / MARKER).is_file():
        return folder
    import fcntl  # noqa: PLC0415 - Windows has none, and --help works there

    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another install.py is making an environment. Waiting for it.")
            fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / MARKER).is_file():
            total = len(re.findall(r"^\S+==", text, re.MULTILINE))
            say(f"Making a Python environment with {total} packages in {folder}: about a minute")
            log.write_text("", encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            run([sys.executable, "-m", "venv", str(folder)], log)
            pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
            # The lock is complete. Resolving again, older pips take a newer release for `coverage[toml]` than is pinned.
            run([*pip, "--require-hashes", "--no-deps", "-r", str(lock)], log, total)
            run([*pip, "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(CHECKOUT)], log)
            (folder / MARKER).write_text(whose, encoding="utf-8")
            remove_old(folder, whose)
    return folder


def remove_old(folder: Path, whose: str) -> None:
    """Remove the environments that this checkout used before, unless a process still runs from one."""
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    for marker in folder.parent.glob(f"*/{MARKER}"):
        old, used = marker.parent, any(os.fsencode(marker.parent) in command for command in running)
        if old != folder and not used and marker.read_text(encoding="utf-8") == whose:
            marker.unlink()  # first: a removal that is cut short must not leave what looks whole
            shutil.rmtree(old, ignore_errors=True)


def link(folder: Path) -> None:
    """Put the command into ~/.local/bin, never over a file that isn't ours. Says something only when it changed."""
    command, ours = Path.home() / ".local/bin/mininode", folder / "bin/mininode"
    there = str(command.readlink()) if command.is_symlink() else ""
    if (command.exists() and not there) or (there and "/mininode/env/" not in there):
        say(f"{command} is not ours and stays as it is. Our command is {ours}")
    elif there != str(ours):
        command.parent.mkdir(parents=True, exist_ok=True)
        new = command.with_name(f".mininode-{os.getpid()}")
        new.symlink_to(ours)
        new.replace(command)
        found = str(command.parent) in os.environ.get("PATH", "").split(os.pathsep)
        say(f"The command is {command}" + ("" if found else "; put that folder on your PATH to have it everywhere"))


def main(arguments: list[str]) -> int:
    """Do what the arguments ask for, and tell the exit code."""
    dev, prepare = arguments == ["--prepare", "--dev"], arguments[:1] == ["--prepare"]
    if arguments[:1] in (["--help"], ["-h"]) or (prepare and arguments[1:] and not dev):
        (sys.stderr if prepare else sys.stdout).write(HELP)
        return 2 if prepare else 0
    try:
        check_python()
        folder = environment(CHECKOUT / ("requirements-dev.lock" if dev else "requirements.lock"))
        python = str(folder / "bin/python")
        if not prepare:
            link(folder)
            os.execv(python, [python, "-P", "-m", "mininode.cli.main", "install", *arguments])  # noqa: S606 - no shell
        sys.stdout.write(python + "\n")
    except KeyboardInterrupt:
        say("Stopped. Nothing half-made stays in use: run the command again.")
        return 130
    except OSError as error:
        say(f"{error.filename or 'A file'}: {error.strerror}. Correct it, or let XDG_DATA_HOME name another folder.")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The lab's own container engine: Debian's dockerd on a socket and a bridge of its own, with a runtime that this machine bears."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
from places import Places, cannot_be_here, say

BRIDGE = "mnlab0"
NETWORK = "172.28.0.1/16"
_SECONDS = 60


def up(where: Places, runc: Path) -> None:
    """Start the engine when it does not answer. `runc` is the wrapper beside which the real one lies."""
    if answers(where):
        return
    where.run.mkdir(parents=True, exist_ok=True)
    Path("/lib/modules").mkdir(exist_ok=True)  # minikube mounts it into its node
    (where.run / "docker.pid").unlink(missing_ok=True)  # of an engine that was killed; a living one answers
    if not _exists(BRIDGE):
        for words in (f"link add {BRIDGE} type bridge", f"addr add {NETWORK} dev {BRIDGE}", f"link set {BRIDGE} up"):
            subprocess.run(["ip", *words.split()], check=True)
    log = where.root / "dockerd.log"
    command = [
        "dockerd", "--data-root", str(where.root / "docker"), "--exec-root", str(where.run / "exec"),
        "--host", f"unix://{where.socket}", "--pidfile", str(where.run / "docker.pid"), "--bridge", BRIDGE,
        "--add-runtime", f"lab={runc}", "--default-runtime", "lab", "--oom-score-adjust", "0",
        "--default-cgroupns-mode", "private", "--exec-opt", "native.cgroupdriver=cgroupfs",
    ]  # fmt: skip
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    deadline = time.monotonic() + _SECONDS
    while not answers(where):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            cannot_be_here(f"The lab's container engine does not answer within {_SECONDS} s. The end of {log}:\n{tail}")
        time.sleep(0.3)
    say(f"container engine: {where.socket}")


def down(where: Places) -> None:
    """Stop the engine (its containers stop with it) and take its bridge away."""
    if pid := _pid(where):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        _wait_for_end(pid)
    if _exists(BRIDGE):
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False)


def kill(where: Places) -> None:
    """End the engine and all that runs in it at once, as a power cut does."""
    victims: list[psutil.Process] = []
    if pid := _pid(where):
        os.kill(pid, signal.SIGKILL)
    for process in psutil.process_iter(["cmdline"]):
        if any(str(where.run) in word for word in process.info["cmdline"] or ()):  # its containerd, every container's shim
            victims += [process, *process.children(recursive=True)]
    for process in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(victims, timeout=_SECONDS)


def answers(where: Places) -> bool:
    """Whether the engine answers on its socket."""
    command = ["docker", "--host", f"unix://{where.socket}", "info"]
    return where.socket.exists() and subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0


def elsewhere() -> bool:
    """Whether this machine has a container engine of its own, which the lab then uses."""
    if os.environ.get("DOCKER_HOST", "").endswith("mininode-lab/docker.sock"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0


def _pid(where: Places) -> int | None:
    try:
        pid = int((where.run / "docker.pid").read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return pid if name == "dockerd" else None


def _exists(link: str) -> bool:
    return Path("/sys/class/net", link).exists()


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + _SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if _zombie(pid):
            return
        time.sleep(0.2)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True

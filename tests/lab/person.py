"""Somebody who installs a node: an ordinary user with the group docker, on the lab's engine or this machine's own."""

import grp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from engine import answers
from places import BASE_IMAGE, places

from mininode.toolbox.toolbox import Toolbox

TREE = Path(__file__).parents[2]
LAB = TREE / "tests/lab/lab.py"
TOOLS = ("minikube", "kubectl", "helm")
_ORDINARY = 65534  # nobody: minikube refuses root


@dataclass
class Person:
    """Somebody who installs a node."""

    folder: Path
    tools: Path
    engine: dict[str, str]
    config: dict[str, object]
    profile: str
    node: Mapping[str, object]
    home: str = "home"
    # The lab's, whichever tree made it last: several may share a lab. Empty: the image of this tree's source alone.
    operator: Mapping[str, object] = field(default_factory=lambda: {"image": "mininode-operator:0.1.0"})

    @property
    def state(self) -> Path:
        return self.folder / self.home / ".local/state/mininode"

    @property
    def cluster_home(self) -> Path:
        return self.state / "minikube" / self.profile

    @property
    def data(self) -> Path:
        """The folder that the configuration names."""
        return Path(str(self.config["dataFolder"]))

    @property
    def environment(self) -> dict[str, str]:
        home = self.folder / self.home
        named = {f"MININODE_TOOL_{name.upper()}": str(self.tools / name) for name in TOOLS}
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "PYTHONPATH": str(TREE / "operator"),
            "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8", **self.engine, **named,
        }  # fmt: skip

    def write(self, **computer: object) -> Path:
        """The configuration, with some of `computer:` different."""
        path = self.folder / "config.yaml"
        document = {
            "computer": {**self.config, **computer},
            "operator": dict(self.operator),
            "node": dict(self.node),
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o644)
        return path

    def run(self, *arguments: str, timeout: float = 900, root: bool = False) -> subprocess.CompletedProcess[str]:
        """A command of mininode's."""
        command = [*([] if root else as_ordinary()), sys.executable, "-m", "mininode.cli.main", *arguments]
        return subprocess.run(
            command, cwd=self.folder / "home", env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip

    def install(self, *arguments: str, timeout: float = 1800) -> subprocess.CompletedProcess[str]:
        """`python3 install.py …`, which makes mininode's own environment in this person's home the first time."""
        pip = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
        environment = {**{key: value for key, value in self.environment.items() if key != "PYTHONPATH"}, **pip}
        return subprocess.run(
            [*as_ordinary(), sys.executable, str(TREE / "install.py"), *arguments], cwd=self.folder / "home", env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def ensure(self, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """The cluster alone, without the steps after it."""
        return self.run("cluster", "start", "--profile", self.profile, timeout=timeout)

    def state_now(self) -> str:
        """The cluster's state in one word."""
        return str(json.loads(self.run("cluster", "status", "--profile", self.profile, "-o", "json").stdout)["state"])

    def kubectl(self, *arguments: str) -> str:
        access = f"--kubeconfig={self.cluster_home / 'kubeconfig'}"
        return self._said([*as_ordinary(), str(self.tools / "kubectl"), access, *arguments])

    def docker(self, *arguments: str) -> str:
        return self._said(["docker", *arguments])

    def _said(self, command: list[str]) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


def as_ordinary() -> list[str]:
    """How to be an ordinary user of the group docker. Reads everywhere, since root's environment lies in a folder of root's."""
    if os.getuid():
        return []
    group = grp.getgrnam("docker").gr_gid
    who = [f"--reuid={_ORDINARY}", f"--regid={_ORDINARY}", f"--groups={group}"]
    return ["setpriv", *who, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def _engine() -> tuple[dict[str, str], dict[str, object]]:
    """The lab's engine with what its clusters are made of, or nothing where this machine has its own and Internet."""
    subprocess.run([sys.executable, str(LAB), "up"], check=True, timeout=4200)
    where = places()
    if not answers(where):
        return {}, {}
    minikube = {"baseImage": BASE_IMAGE, "cacheFolder": str(where.cache), "startArguments": ["--cni=bridge"]}
    return {"DOCKER_HOST": where.environment()["DOCKER_HOST"]}, minikube


@contextmanager
def somebody(profile: str, ports: tuple[int, int], memory: str, node: Mapping[str, object]) -> Iterator[Person]:
    """A person with a home of their own; their cluster is gone afterwards, and so is an engine that was not up before."""
    started = not answers(places())
    engine, minikube = _engine()
    folder = Path(tempfile.mkdtemp(prefix=f"{profile}-"))  # pytest's own folders are closed to other users
    folder.chmod(0o755)
    tools = folder / "tools"
    tools.mkdir()
    box = Toolbox.from_environment(say=print)
    for name in TOOLS:
        shutil.copy2(box.get(name).path, tools / name)
        (tools / name).chmod(0o755)
    for home in ("home", "other"):
        (folder / home).mkdir()
        if not os.getuid():
            os.chown(folder / home, _ORDINARY, _ORDINARY)
    config: dict[str, object] = {
        "dataFolder": str(folder / "home" / "data"),
        "cpus": 2,
        "memory": memory,
        "ports": {"http": ports[0], "https": ports[1], "address": "127.0.0.1"},
        "minikube": {"profile": profile, **minikube},
    }
    one = Person(folder, tools, engine, config, profile, node)
    try:
        yield one
    finally:
        for command in (("rm", "-f", "-v"), ("volume", "rm"), ("network", "rm")):
            subprocess.run(["docker", *command, profile], env=one.environment, capture_output=True, timeout=180, check=False)
        shutil.rmtree(folder, ignore_errors=True)
        if engine and started:
            subprocess.run([sys.executable, str(LAB), "down"], check=False, timeout=180)


def until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.5)  # between two looks

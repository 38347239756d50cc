"""Looks at the container engine, programs, access files and clusters that are there already."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mininode.cluster.engine import Engine, find_engine
from mininode.cluster.minikube.home import Home
from mininode.documents import yaml_document
from mininode.errors import ToolError
from mininode.preflight.facts import Cluster, Program
from mininode.preflight.wish import Wish
from mininode.toolbox.toolbox import Toolbox

_ANSWER = 2.0  # s; docker answers in a tenth of one
TOOLS = {
    "rehearsal": ("helm", "kube-apiserver", "etcd", "kwok"),
    "minikube": ("minikube", "kubectl", "helm"),
    "kind": ("kind", "kubectl", "helm"),
    "current": ("kubectl", "helm"),
}


def engine(_wish: Wish) -> Engine:
    """Docker as this user finds it."""
    return find_engine(os.environ)


def programs(wish: Wish) -> tuple[Program, ...]:
    """The programs of the toolbox that this way starts. Nothing is downloaded."""
    box = Toolbox.from_environment()
    found = []
    for name in TOOLS[wish.way]:
        wanted = box.lock.pin(name).version
        try:
            tool = box.find(name)
        except ToolError as error:
            found.append(Program(name, wanted, problem=error.message))
            continue
        found.append(Program(name, wanted, tool.version, str(tool.path)) if tool else Program(name, wanted))
    return tuple(found)


def cluster(wish: Wish) -> Cluster:
    """What is there of clusters."""
    file = wish.kubeconfig or (_default_kubeconfig(os.environ) if wish.way == "current" else "")
    known = file if file and Path(file).exists() else ""
    problem = kubeconfig_problem(Path(file)) if known else ("there is no such file" if file and wish.way == "current" else "")
    return Cluster(
        kubeconfig=file if known or problem else "",
        kubeconfig_problem=problem,
        container=_container(wish.cluster),
        profile=Home.of(wish.cluster).settings.exists(),
        stray=tuple(sorted(one for one in os.environ if one.startswith("MINIKUBE_"))),
    )


def profile_home(profile: str) -> Path:
    """Where the minikube that we start keeps everything: a home for each profile, below our state."""
    return Home.of(profile).folder


def kubeconfig_problem(file: Path) -> str:
    """Why an access file can't be used; empty when it can."""
    try:
        data: Any = yaml_document(file.read_text("utf-8"))
    except OSError as error:
        return error.strerror or str(error)
    except (yaml.YAMLError, UnicodeDecodeError):
        return "it is damaged: not valid YAML"
    if not isinstance(data, dict) or data.get("kind") != "Config":
        return "it is no access file: kind is not Config"
    if not os.access(file, os.W_OK):
        return "you may not write to it"
    return _missing_certificate(data, file.parent)


def _missing_certificate(data: Mapping[str, Any], folder: Path) -> str:
    sections = [(one or {}).get(kind) or {} for kind in ("cluster", "user") for one in data.get(f"{kind}s") or []]
    for section in sections:
        for key in ("certificate-authority", "client-certificate", "client-key"):
            if (named := section.get(key)) and not (folder / str(named)).exists():
                return f"it names {named}, which is not there"
    return ""


def _default_kubeconfig(environment: Mapping[str, str]) -> str:
    named = environment.get("KUBECONFIG", "").split(os.pathsep)[0]
    usual = Path.home() / ".kube" / "config"
    return named or (str(usual) if usual.exists() else "")


def _container(profile: str) -> str:
    """The state of a container that has our profile's name; empty when there is none, or nobody to ask."""
    program = shutil.which("docker")
    if program is None:
        return ""
    command = [program, "ps", "--all", "--filter", f"name=^/{profile}$", "--format", "{{.Names}}: {{.Status}}"]
    try:
        done = subprocess.run(  # noqa: S603 - docker from PATH
            command, capture_output=True, text=True, timeout=_ANSWER, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

"""The door to minikube with a double behind it, for faults that a real one can't be made to show; its streams are minikube's."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mininode.cluster.minikube.act import MinikubeCluster
from mininode.cluster.minikube.events import Story
from mininode.cluster.minikube.home import Home
from mininode.cluster.minikube.program import MinikubeFailed, Programs
from mininode.cluster.minikube.wish import Wish
from mininode.cluster.way import Progress
from mininode.errors import Unavailable

DOUBLE = """#!{python}
import json, os, sys, time
folder = os.path.dirname(__file__)
with open(folder + "/calls", "a") as calls:
    calls.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
plan = json.load(open(folder + "/plan.json"))
print("I1125 not an event", flush=True)
for line in plan["lines"]:
    print(json.dumps(line), flush=True)
time.sleep(plan.get("sleep", 0))
sys.exit(plan["code"])
"""


class Double:
    """A minikube that says what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "minikube"
        self.program.write_text(DOUBLE.format(python=sys.executable))
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)

    def plan(self, code: int, name: str = "", message: str = "", sleep: float = 0) -> None:
        data = {"message": message, "name": name, "exitcode": str(code), "advice": "minikube delete --all"}
        lines = [{"type": "io.k8s.sigs.minikube.error", "data": data}] if name else []
        (self.folder / "plan.json").write_text(json.dumps({"lines": lines, "code": code, "sleep": sleep}))

    def calls(self) -> list[tuple[list[str], dict[str, str]]]:
        file = self.folder / "calls"
        return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []

    def programs(self, **environment: str) -> Programs:
        return Programs.of(self.program, Home(self.folder / "home", "mininode"), {"PATH": os.environ["PATH"], **environment})


@pytest.fixture
def double(tmp_path: Path) -> Double:
    return Double(tmp_path)


def progress() -> Progress:
    return Progress.within(60, lambda _line: None)


def cluster(double: Double) -> Any:
    wish = Wish("mininode", "a/b", "v1.35.1", "/srv/x", "/var/hostpath-provisioner", 2, 4096, ("80:80", "443:443"))
    return MinikubeCluster(double.programs(), wish)


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("INET_DOWNLOAD_TIMEOUT", 4),
        ("GUEST_PROVISION", 2),
        ("IF_SSH_TIMEOUT", 2),
        ("K8S_APISERVER_TIMEOUT", 1),
        ("K8S_INSTALL_FAILED", 1),
        ("RSRC_DOCKER_STORAGE", 1),
        ("SOMETHING_NEW", 1),
    ],
)
def test_what_passes_is_tried_again_and_what_could_reset_is_not(double: Double, name: str, times: int) -> None:
    double.plan(80, name, "it went wrong")
    with pytest.raises(MinikubeFailed) as caught:
        cluster(double)._with_retries(("start", "-p", "mininode", "-o", "json"), 30, progress())  # noqa: SLF001 - the rule itself
    assert len(double.calls()) == times
    assert caught.value.reason == name
    assert "delete" not in str(caught.value)
    assert str(double.folder / "home/minikube.log") in caught.value.advice


def test_no_stray_setting_of_a_person_reaches_it(double: Double) -> None:
    double.plan(0)
    stray = {"MINIKUBE_DRIVER": "none", "MINIKUBE_FORCE": "true", "MINIKUBE_HOME": "/else", "KUBECONFIG": "/a:/b", "SECRET": "word"}
    double.programs(**stray, HTTPS_PROXY="http://proxy:3128").do("start", seconds=30, say=lambda _line: None)
    ((_, environment),) = double.calls()
    assert environment["MINIKUBE_HOME"] == str(double.folder / "home")
    assert environment["KUBECONFIG"] == str(double.folder / "home/kubeconfig")
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert not environment.keys() & {"MINIKUBE_DRIVER", "MINIKUBE_FORCE", "SECRET"}


def test_its_log_is_private_and_has_all_it_said(double: Double) -> None:
    double.plan(80, "GUEST_START", "why it failed")
    with pytest.raises(MinikubeFailed):
        double.programs().do("start", seconds=30, say=lambda _line: None)
    log = double.folder / "home/minikube.log"
    assert "why it failed" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_call_without_end_is_ended_with_all_of_it(double: Double) -> None:
    double.plan(0, sleep=600)
    began = time.monotonic()
    with pytest.raises(MinikubeFailed, match="not done within 1 s"):
        double.programs().do("start", seconds=1, say=lambda _line: None)
    assert time.monotonic() - began < 60


def test_a_question_without_an_answer_is_advice(double: Double) -> None:
    double.plan(0, sleep=600)
    with pytest.raises(Unavailable, match="did not answer within 1 s"):
        double.programs().ask("status", seconds=1)


def test_a_killed_minikube_is_no_success(double: Double) -> None:
    double.program.write_text(f"#!{sys.executable}\nimport os, signal\nos.kill(os.getpid(), {int(signal.SIGKILL)})\n")
    with pytest.raises(MinikubeFailed):
        double.programs().do("start", seconds=30, say=lambda _line: None)


def test_ctrl_c_ends_it_too(double: Double) -> None:
    """minikube runs in a session of its own, so the terminal's signal reaches us alone."""

    class Pressed(Story):
        def hear(self, line: str) -> None:  # noqa: ARG002 - whatever it says
            raise KeyboardInterrupt

    from mininode.cluster.minikube import program  # noqa: PLC0415

    double.plan(0, sleep=600)
    with open(os.devnull, "w") as log, pytest.raises(KeyboardInterrupt):  # noqa: PTH123
        program._streamed([str(double.program)], dict(os.environ), 60, Pressed(), log)  # noqa: SLF001
    left = subprocess.run(["pgrep", "-f", str(double.program)], capture_output=True, text=True, check=False).stdout
    assert left.strip() == ""

"""The container engine of this computer: is there one, and may this user use it. Asks, changes nothing."""

import enum
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_ANSWER = 10.0  # s; it answers in a tenth of one


class EngineState(enum.StrEnum):
    """An engine as it was found."""

    USABLE = "usable"
    ABSENT = "absent"
    NOT_RUNNING = "not running"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Engine:
    """What is known of the engine."""

    state: EngineState
    detail: str = ""  # its version, or what it said

    @property
    def usable(self) -> bool:
        """Whether containers can be started here."""
        return self.state is EngineState.USABLE


ADVICE: Mapping[EngineState, str] = {
    EngineState.USABLE: "",
    EngineState.ABSENT: "Install Docker (Debian, Ubuntu: sudo apt install docker.io; others: https://docs.docker.com/engine/install/).",
    EngineState.NOT_RUNNING: "Start it: sudo systemctl enable --now docker. With Docker Desktop: open it and wait until it runs.",
    EngineState.FORBIDDEN: "Join its group and log in anew: sudo usermod -aG docker $USER. Members of that group can become root.",
}


def find_engine(environment: Mapping[str, str] = os.environ) -> Engine:
    """Docker as this user finds it."""
    program = shutil.which("docker", path=environment.get("PATH", os.defpath))
    if program is None:
        return Engine(EngineState.ABSENT, "there is no program docker")
    try:
        done = subprocess.run(  # noqa: S603 - docker from PATH
            [program, "version", "--format", "{{.Server.Version}}"],
            capture_output=True, text=True, timeout=_ANSWER, check=False, env=dict(environment), stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Engine(EngineState.NOT_RUNNING, f"docker did not answer within {_ANSWER:.0f} s")
    return judge(done.returncode, done.stdout, done.stderr)


def judge(code: int, said: str, complained: str) -> Engine:
    """The engine by the answer of `docker version`."""
    if code == 0 and said.strip():
        return Engine(EngineState.USABLE, said.strip())
    lines = [line.strip() for line in complained.splitlines() if line.strip()]
    detail = lines[-1] if lines else "docker gave no answer"
    denied = "permission denied" in complained.lower()
    return Engine(EngineState.FORBIDDEN if denied else EngineState.NOT_RUNNING, detail)

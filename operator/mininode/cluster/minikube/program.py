"""The one door to minikube and to docker for it: no shell, an environment of our own, a time-out, an end by signal."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from mininode.cluster.files import private_folder
from mininode.cluster.minikube.events import Failure, Story
from mininode.cluster.minikube.home import Home
from mininode.cluster.minikube.reasons import reason_of
from mininode.cluster.way import Say
from mininode.errors import ToolError, Unavailable

QUESTION = 60.0  # s for an answer that changes nothing
_POLITE = 15.0  # s that minikube gets to end after a signal
# What minikube and docker need of our environment. Everything else stays behind, a person's MINIKUBE_* above all: each is a flag.
_PASSED_ON = frozenset({
    "PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
})  # fmt: skip


class MinikubeFailed(ToolError):
    """A command of minikube's failed; `failure` tells why in its own words."""

    def __init__(self, failure: Failure, log: Path) -> None:
        meaning = reason_of(failure)
        super().__init__(
            f"minikube: {meaning.problem}.", f"{meaning.advice}. All that it said: {log}", reason=failure.reason or "MinikubeFailed"
        )
        self.failure = failure
        self.auto = meaning.auto


@dataclass(frozen=True, slots=True)
class Answer:
    """How a question ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Programs:
    """minikube and docker, for one cluster."""

    minikube: Path
    home: Home
    environment: Mapping[str, str]

    @classmethod
    def of(cls, minikube: Path, home: Home, environment: Mapping[str, str] = os.environ) -> "Programs":
        """With the parts of `environment` that they need."""
        own = {key: value for key, value in environment.items() if key in _PASSED_ON}
        own |= {
            "MINIKUBE_HOME": str(home.folder),
            "KUBECONFIG": str(home.kubeconfig),
            "MINIKUBE_IN_STYLE": "0",
            "MINIKUBE_WANTUPDATENOTIFICATION": "false",
            "LC_ALL": "C",
        }
        return cls(minikube, home, own)

    def ask(self, *arguments: str, seconds: float = QUESTION) -> Answer:
        """A question to minikube: exit code and both streams, whatever they are."""
        return self._answer([str(self.minikube), *arguments], seconds)

    def docker(self, *arguments: str, seconds: float = QUESTION) -> Answer:
        """A question to docker. Raises Unavailable when there is no docker."""
        program = shutil.which("docker", path=self.environment.get("PATH", os.defpath))
        if program is None:
            raise Unavailable("there is no program docker", "Install Docker.", reason="NoContainerEngine")
        return self._answer([program, *arguments], seconds)

    def do(self, *arguments: str, seconds: float, say: Say) -> Story:
        """Let minikube do something, its events as progress. Raises MinikubeFailed with its reason in our words."""
        story = Story(say)
        with self._log(["minikube", *arguments]) as log:
            code, late = _streamed([str(self.minikube), *arguments], self.environment, seconds, story, log)
        if late:
            failure = Failure("", code, f"not done within {seconds:.0f} s")
        elif code == 0:
            return story
        else:
            failure = story.failure or Failure("", code, story.other[-1] if story.other else "")
        raise MinikubeFailed(failure, self.home.log)

    def _answer(self, command: Sequence[str], seconds: float) -> Answer:
        try:
            done = subprocess.run(  # noqa: S603 - the toolbox's minikube, or docker from PATH
                command, env=dict(self.environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                timeout=seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"{Path(command[0]).name} {command[1]} did not answer within {seconds:.0f} s.",
                "See whether `docker ps` answers; if it does not: sudo systemctl restart docker.",
                reason="NoAnswer",
            ) from None
        return Answer(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def _log(self, command: Sequence[str]) -> Iterator[IO[str]]:
        private_folder(self.home.folder)
        descriptor = os.open(self.home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as log:
            log.write(f"\n{datetime.now(UTC).isoformat(timespec='seconds')} $ {' '.join(command)}\n")
            log.flush()
            yield log


def _streamed(
    command: Sequence[str], environment: Mapping[str, str], seconds: float, story: Story, log: IO[str]
) -> tuple[int, bool]:
    """Run it, its lines to story and log; exit code, and whether its time was up."""
    with subprocess.Popen(  # noqa: S603 - the toolbox's minikube
        command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, errors="replace",
        start_new_session=True,
    ) as process:  # fmt: skip
        late = threading.Event()

        def end() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            for line in process.stdout or ():
                log.write(line)
                log.flush()
                story.hear(line)
            code = process.wait()
        except BaseException:  # Ctrl-C, too: minikube has a session of its own and did not hear it
            _end(process)
            raise
        finally:
            timer.cancel()
    return code, late.is_set()


def _end(process: "subprocess.Popen[str]") -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_POLITE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        else:
            return

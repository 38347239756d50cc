"""Starting Helm: pyhelm3 builds the command lines and reads the answers, this runs the process.

pyhelm3's own runner goes through a shell, so a cancelled call never reaches Helm (measured with pyhelm3 0.5.8 and dash). Here
Helm is a direct child in a process group of its own: cancelled means SIGTERM to the group, on which Helm marks the
revision as failed, and SIGKILL if it has not gone by then.
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from pyhelm3 import Command

from mininode.api.scrub import scrubbed
from mininode.errors import HelmError, ToolError

_STOP_SECONDS = 20.0  # Helm's own clean-up after SIGTERM takes two writes; the pod gets 60 s to end
_USEFUL_LINES = 4
_LIMIT = 600  # characters; the message ends up in a status that people read
_LOG_LINES = ("level=", "time=", "WARNING")
_PREFIXES = ("Error: ", "UPGRADE FAILED: ", "INSTALLATION FAILED: ", "failed to create resource: ")
_CLASHES = ("another operation", "release: already exists")

log = logging.getLogger(__name__)


class HelmCommand(Command):  # type: ignore[misc] # pyhelm3 carries no types
    """pyhelm3's command builder with our process runner and the flags that it lacks."""

    def __init__(
        self,
        *,
        executable: Path,
        environment: Mapping[str, str],
        deadline: float,
        extra: tuple[str, ...] = (),
        kubeconfig: Path | None = None,
        history: int = 10,
        inherited: tuple[int, ...] = (),
    ) -> None:
        super().__init__(
            executable=str(executable),
            kubeconfig=kubeconfig,
            default_timeout=f"{int(deadline)}s",
            history_max_revisions=history,
        )
        # `history` revisions are kept: more than there are attempts for one digest, or the one to go back to would be gone.
        self._environment = dict(environment)
        self._deadline = deadline + 30  # s; Helm ends by its own time-out first, this catches a Helm that hangs
        self._extra = extra
        self._inherited = inherited  # file descriptors that the process carries: its release's lock

    async def run(self, command: list[str], input: bytes | None = None) -> bytes:  # noqa: A002 - pyhelm3's name
        """Run Helm to its end. Raises HelmError with its last useful lines, ToolError when it can't be started."""
        arguments = [str(part) for part in (*command, *self._extra)]
        if self._kubeconfig:
            arguments += ["--kubeconfig", str(self._kubeconfig)]
        started = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                self._executable,
                *arguments,
                stdin=asyncio.subprocess.PIPE if input is not None else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
                pass_fds=self._inherited,
            )
        except OSError as error:
            raise ToolError(
                f"Helm can't be started: {error}", "`mininode tools doctor` shows where it should be."
            ) from error
        try:
            async with asyncio.timeout(self._deadline):
                stdout, stderr = await process.communicate(input)
        except TimeoutError as error:
            raise HelmError(
                f"Helm did not end within {self._deadline:.0f} s and was stopped",
                "It is tried again.",
                reason="HelmTimeout",
            ) from error
        finally:
            await _stop(process)
        log.debug(
            "helm %s ended with %s after %.1f s", " ".join(command[:2]), process.returncode, time.monotonic() - started
        )
        if process.returncode is not None and process.returncode < 0:
            raise HelmError(
                f"helm {command[0]} was killed (signal {-process.returncode}); it is tried again, and its lock taken away",
                "A machine that runs out of memory kills like this.",
                reason="HelmKilled",
            )
        if process.returncode != 0:
            raise helm_error(command[0], stderr.decode(errors="replace"))
        return stdout


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the process group if it has not ended: politely, then for good. Shielded, so that it also works when cancelled."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    waiting = asyncio.ensure_future(process.wait())
    done, _ = await asyncio.wait({waiting}, timeout=_STOP_SECONDS)
    if not done:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await waiting


def helm_error(verb: str, stderr: str) -> HelmError:
    """What Helm said, without its log lines, repetitions and what looks like a secret."""
    lines = [line.strip() for line in stderr.splitlines()]
    useful = [line for line in lines if line and not line.startswith(_LOG_LINES)]
    text = " ".join(dict.fromkeys(useful[-_USEFUL_LINES:])) or " ".join(lines[-1:]) or "no message"
    for prefix in _PREFIXES:
        text = text.replace(prefix, "")
    return HelmError(f"helm {verb}: {scrubbed(text)[:_LIMIT]}", retry_soon=any(clash in text for clash in _CLASHES))

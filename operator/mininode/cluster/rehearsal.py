"""The rehearsal: a real Kubernetes control plane on loopback with one simulated node, to throw away.

etcd, then the API server, then controller manager, scheduler and KWOK, each a process that outlives the command that
started it. `start` compares what runs with what should and starts only the difference, so it is also the repair.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from mininode.cluster import loglines, ports
from mininode.cluster.control_plane import ORDER, Layout, server_url, specs
from mininode.cluster.files import private_folder
from mininode.cluster.kubeconfig import write_kubeconfig
from mininode.cluster.processes import ProcessSpec, Supervisor, memory
from mininode.cluster.simulation import objects, write_stages
from mininode.cluster.state import ProcessStatus, RehearsalStatus, State
from mininode.errors import ToolError, Unavailable
from mininode.toolbox.locking import only_one

if TYPE_CHECKING:
    from mininode.cluster.access import Access

__all__ = ["ProcessSpec", "Rehearsal", "RehearsalSettings", "RehearsalStatus", "State", "default_home"]

Say = Callable[[str], None]

_LOOK_AGAIN = 0.1  # s between two questions to a server that starts
_SAY_AGAIN = 5.0  # s between two lines about the same wait
_TRIES = 3  # with new ports, when somebody takes one between our choice and its use


def default_home() -> Path:
    """Where a person's rehearsal keeps its state: `$XDG_STATE_HOME/mininode/rehearsal`."""
    return platformdirs.user_state_path("mininode") / "rehearsal"


@dataclass(frozen=True, slots=True)
class RehearsalSettings:
    """What may be set about a rehearsal."""

    ready_after_ms: int = 500  # from a pod's start to its readiness, where the pod does not say
    deadline: float = 90.0  # s that a process may take until it does its work; a busy laptop takes a tenth of that
    patience: float = 15.0  # s that a process gets to end by itself


class _PortTakenError(Unavailable):
    """Another program listens where `name` wanted to."""

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(f"a port of {name} was taken by another program meanwhile", f"Start again. Its log: {log}")
        self.name = name


class Rehearsal:
    """One rehearsal, whose state and logs lie in `home`; `tool` gives the path of a program by its name."""

    def __init__(
        self, home: Path, tool: Callable[[str], Path], settings: RehearsalSettings = RehearsalSettings()
    ) -> None:
        self.home = home
        self.settings = settings
        self._tool = tool
        self._layout = Layout(home)
        self._supervisor = Supervisor(self._layout.records, self._layout.logs)

    @property
    def kubeconfig(self) -> Path:
        """The admin's access file, mode 0600; there after the first start."""
        return self._layout.admin

    @property
    def audit_log(self) -> Path:
        """What the operator and the admin asked of the API server: one JSON line a request, without contents."""
        return self._layout.audit_log

    def log(self, name: str) -> Path:
        """The log of one process, here or beside."""
        return self._supervisor.log(name)

    def start(self, say: Say) -> RehearsalStatus:
        """Make it run: find it running, start it, or start what is missing. Says what it waits for.

        After an error or Ctrl-C nothing runs that did not run before. Blocks; in async code use a thread. Raises
        ToolError when a program can't be had or ends at once, Unavailable when one does not come up in time.
        """
        with self._alone(say, "starting or stopping the rehearsal"):
            for attempt in range(1, _TRIES + 1):
                try:
                    self._start_missing(say)
                    break
                except _PortTakenError as error:
                    if attempt == _TRIES:
                        raise
                    say(f"{error.message}: choosing another")
                    ports.forget(self._layout.ports, frozenset({error.name, f"{error.name}-peer"}))
        return self.status()

    def stop(self, say: Say) -> None:
        """End every process, also those beside; objects and logs stay. Nothing happens when nothing runs."""
        if self.home.exists():
            with self._alone(say, "starting or stopping the rehearsal"):
                self._stop_all(say)

    def reset(self, say: Say) -> None:
        """Stop, and forget every object, certificate and port. The last run's logs stay."""
        if not self.home.exists():
            return
        with self._alone(say, "starting or stopping the rehearsal"):
            self._stop_all(say)
            layout = self._layout
            # By name: whoever gives a home with other things in it keeps them.
            for folder in (layout.data, layout.pki.folder, layout.access("x").parent, layout.records):
                shutil.rmtree(folder, ignore_errors=not folder.exists())
            # *.kubeconfig: access files of processes beside it, void without the authority that they trust.
            for file in (layout.ports, layout.stages, layout.admin, *self.home.glob("*.kubeconfig")):
                file.unlink(missing_ok=True)
        say("the rehearsal's state is gone; its logs are in " + str(self._layout.logs))

    def run_beside(self, spec: ProcessSpec) -> bool:
        """Keep an extra process running until `stop`; whether it was started now: it did not run, or its fingerprint changed."""
        if spec.name in ORDER:
            raise ValueError(f"{spec.name} is a part of the rehearsal itself")
        with self._alone(lambda _line: None, f"starting {spec.name}"):
            if not all(self._supervisor.running(name) for name in ORDER):
                raise Unavailable(
                    f"{spec.name} can't be started: the rehearsal is not running", "Start it: mininode rehearsal start"
                )
            record = self._supervisor.running(spec.name)
            if record and record.fingerprint == spec.fingerprint:
                return False
            self._supervisor.stop(spec.name, self.settings.patience)
            self._supervisor.start(spec)
            return True

    def stop_beside(self, name: str) -> None:
        """End an extra process, if it runs."""
        with self._alone(lambda _line: None, f"stopping {name}"):
            self._supervisor.stop(name, self.settings.patience)

    def runs(self, name: str) -> bool:
        """Whether this process lives, here or beside."""
        return self._supervisor.running(name) is not None

    def status(self) -> RehearsalStatus:
        """What runs and what is wrong; changes nothing, waits for nobody."""
        core = tuple(self._process_status(name) for name in ORDER)
        beside = tuple(self._process_status(name) for name in self._beside())
        chosen = ports.remembered(self._layout.ports)
        problems = [_not_running(process) for process in (*core, *beside) if not process.running]
        state, version = State.BROKEN, ""
        if not any(process.running for process in core):
            state = State.STOPPED
            problems = [f"{one.name} still runs beside it (process {one.pid})" for one in beside if one.running]
        elif all(process.running for process in core):
            if version := self._version(chosen):
                state = State.RUNNING
            else:
                problems.append(f"the API server does not answer. Its log: {self.log('kube-apiserver')}")
        records = [record for name in ORDER if (record := self._supervisor.running(name))]
        return RehearsalStatus(
            state=state,
            processes=(*core, *beside),
            kubeconfig=self.kubeconfig,
            server=server_url(chosen) if "kube-apiserver" in chosen else "",
            version=version,
            since=min((record.since for record in records), default=None),
            problems=tuple(problems),
        )

    def _start_missing(self, say: Say) -> None:
        from mininode.cluster.access import Access  # noqa: PLC0415 - httpx takes its time, and most commands need none

        wanted = self._prepare()
        missing = [spec for spec in wanted if not self._holds(spec)]
        if not missing:
            say("the rehearsal is running")
        began = time.monotonic()
        started: list[str] = []
        try:
            self._stop_outdated(missing, say)
            with Access(self._layout.pki, ports.remembered(self._layout.ports)) as access:
                self._start_in_order(wanted, missing, started, access, say)
        except BaseException:  # Ctrl-C, too
            for name in reversed(started):
                self._supervisor.stop(name, self.settings.patience)
            raise
        if started:
            say(f"started {', '.join(started)} in {time.monotonic() - began:.1f} s")

    def _stop_outdated(self, missing: list[ProcessSpec], say: Say) -> None:
        for spec in reversed(missing):
            if self._supervisor.running(spec.name):
                say(f"{spec.name} runs with other settings than it should: starting it anew")
            self._supervisor.stop(spec.name, self.settings.patience)

    def _start_in_order(
        self, wanted: list[ProcessSpec], missing: list[ProcessSpec], started: list[str], access: "Access", say: Say
    ) -> None:
        """Etcd, then the API server, then the others at once. Notes in `started` what must go when this fails."""
        first, rest = wanted[:2], wanted[2:]
        for spec in first:
            self._start(spec, missing, started)
            self._wait(spec.name, access, say)
        if missing:
            access.apply(objects())
        if any(spec.name == "kwok" for spec in missing):
            access.forget_lease()
        for spec in rest:
            self._start(spec, missing, started)
        for spec in rest:
            self._wait(spec.name, access, say)

    def _prepare(self) -> list[ProcessSpec]:
        """Write every file that the processes read, and say what should run."""
        layout = self._layout
        for folder in (layout.logs, layout.data, layout.records, layout.pki.folder, layout.access("x").parent):
            private_folder(folder)
        layout.pki.ensure()
        chosen = ports.choose(
            layout.ports, lambda name: self._supervisor.running(name.removesuffix("-peer")) is not None
        )
        url = server_url(chosen)
        write_kubeconfig(layout.admin, url, layout.pki, "admin")
        for user in ("kube-controller-manager", "kube-scheduler", "kwok"):
            write_kubeconfig(layout.access(user), url, layout.pki, user)
        write_stages(layout.stages, self.settings.ready_after_ms)
        return specs(layout, chosen, self._tool)

    def _holds(self, spec: ProcessSpec) -> bool:
        record = self._supervisor.running(spec.name)
        return record is not None and record.fingerprint == spec.fingerprint

    def _start(self, spec: ProcessSpec, missing: list[ProcessSpec], started: list[str]) -> None:
        if spec in missing:
            started.append(spec.name)  # before the deed: stopping what was not started does nothing
            self._supervisor.start(spec)

    def _wait(self, name: str, access: "Access", say: Say) -> None:
        began = said = time.monotonic()
        while what := access.ready(name):
            now = time.monotonic()
            if not self._supervisor.running(name):
                raise self._ended(name)
            if now - began > self.settings.deadline:
                raise Unavailable(
                    f"{name} did not come up within {self.settings.deadline:.0f} s: {what}{self._last_words(name)}",
                    f"Its log: {self.log(name)}. On a very busy machine start again; else: mininode rehearsal reset",
                    reason="NotReadyInTime",
                )
            if now - said > _SAY_AGAIN:
                say(f"waiting for {name} ({now - began:.0f} s): {what}")
                said = now
            time.sleep(_LOOK_AGAIN)
        # A server of somebody else on the same port would answer, too, but not with our certificates.
        if not self._supervisor.running(name):
            raise self._ended(name)
        if (took := time.monotonic() - began) > _LOOK_AGAIN:
            say(f"{name} is ready ({took:.1f} s)")

    def _ended(self, name: str) -> Unavailable:
        log = self.log(name)
        if loglines.says_port_taken(log):
            return _PortTakenError(name, log)
        return ToolError(
            f"{name} ended while it started{self._last_words(name)}",
            f"Its log: {log}. If its data are damaged, `mininode rehearsal reset` begins anew.",
            reason="ProcessEnded",
        )

    def _last_words(self, name: str) -> str:
        line = loglines.last_useful_line(self.log(name))
        return f". It said: {line}" if line else ""

    def _stop_all(self, say: Say) -> None:
        for name in (*reversed(self._beside()), *reversed(ORDER)):
            running = self._supervisor.running(name) is not None
            self._supervisor.stop(name, self.settings.patience)
            if running:
                say(f"stopped {name}")

    def _beside(self) -> list[str]:
        return [record.name for record in self._supervisor.records() if record.name not in ORDER]

    def _process_status(self, name: str) -> ProcessStatus:
        record = self._supervisor.record(name)
        process = record.process() if record else None
        return ProcessStatus(
            name=name,
            pid=process.pid if process else None,
            memory=memory(process) if process else 0,
            running=process is not None,
            log=self.log(name),
        )

    def _version(self, chosen: dict[str, int]) -> str:
        from mininode.cluster.access import Access  # noqa: PLC0415 - as above

        try:
            with Access(self._layout.pki, chosen) as access:
                return access.version()
        except (OSError, KeyError):  # certificates or ports were taken away under running processes
            return ""

    @contextmanager
    def _alone(self, say: Say, what: str) -> Iterator[None]:
        private_folder(self.home)
        with only_one(self.home / "lock", say, what):
            yield


def _not_running(process: ProcessStatus) -> str:
    line = loglines.last_useful_line(process.log)
    return f"{process.name} is not running{f' ({line})' if line else ''}. Its log: {process.log}"

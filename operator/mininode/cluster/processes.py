"""Processes that outlive the command that started them, known by identity and not by number.

A process's identity is its number, the moment it was started and its program file. The moment is counted from the
machine's start, because the kernel keeps it so: a wall-clock time changes with the clock. A number alone may belong
to somebody else by now, after a crash, a reboot or a container's restart.
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from mininode.cluster.files import private_folder, write_private
from mininode.errors import ToolError

_TICK = 0.005  # s; the kernel counts in hundredths, sums of floats move a little
_BOOT_TOLERANCE = 5.0  # s; the clock that tells the boot time is set now and then
_LOOK_AGAIN = 0.02  # s
_KILLED = 5.0  # s; after SIGKILL only the kernel can keep a process
_LAUNCH_TIMEOUT = 30.0  # s; it takes a fiftieth of one
_LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A process to keep running beside the rehearsal."""

    name: str  # of its log and record: letters, digits, dashes
    argv: tuple[str, ...]  # the program's full path first; visible to everybody on the machine, so never a secret
    env: Mapping[str, str]  # the whole environment: nothing is inherited
    fingerprint: str  # of everything it reads once at its start; a different one means start it again


@dataclass(frozen=True, slots=True)
class Record:
    """What was written down when a process was started."""

    name: str
    pid: int
    moment: float  # s from the machine's start to the process's
    boot: float  # Unix time of the machine's start, as it was told then
    executable: str
    fingerprint: str
    started: float  # Unix time

    @property
    def since(self) -> datetime:
        """When it was started."""
        return datetime.fromtimestamp(self.started, UTC)

    def process(self) -> psutil.Process | None:
        """The living process that this is about, or None: it ended, and its number may be somebody else's."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE or abs(_moment(process) - self.moment) > _TICK:
                return None
            # A program file replaced on disk shows as "PATH (deleted)" on Linux; it is still that process.
            return process if process.exe().removesuffix(" (deleted)") == self.executable else None
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # not ours to look at: not ours
            return None


class Supervisor:
    """Starts, finds and stops processes; their records lie in `records`, their output in `logs`."""

    def __init__(self, records: Path, logs: Path) -> None:
        self._records = records
        self._logs = logs

    def log(self, name: str) -> Path:
        """Where the process's output goes. The run before lies beside it, with `.1` at the end."""
        return self._logs / f"{name}.log"

    def records(self) -> list[Record]:
        """What was started and not stopped, oldest first, running or not."""
        found = (self.record(path.stem) for path in self._records.glob("*.json"))
        return sorted((record for record in found if record), key=lambda record: record.started)

    def record(self, name: str) -> Record | None:
        """The record of this name; None when there is none, or when it is no record."""
        try:
            return Record(**json.loads(self._path(name).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def running(self, name: str) -> Record | None:
        """The record of this name if its process lives."""
        record = self.record(name)
        return record if record and record.process() else None

    def start(self, spec: ProcessSpec) -> Record:
        """Start the process, whatever ran under this name before. Raises ToolError when the program can't be run."""
        private_folder(self._records)
        private_folder(self._logs)
        log = self.log(spec.name)
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        with _undisturbed():  # a process that is started is written down, whatever signal comes
            pid = _launch(spec, log, self._logs.parent)
            record = _observe(spec, pid)
            write_private(self._path(spec.name), json.dumps(dataclasses.asdict(record)).encode())
        return record

    def stop(self, name: str, patience: float) -> None:
        """End the process and all of its session: politely, and after `patience` seconds by force."""
        if record := self.record(name):
            _signal(_members(record), signal.SIGTERM)
            _wait_for_end(record, patience)
            _signal(_members(record), signal.SIGKILL)
            if _wait_for_end(record, _KILLED):
                raise ToolError(
                    f"{name} (process {record.pid}) does not end, not even by force", "Restart the machine."
                )
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._records / f"{name}.json"


def memory(process: psutil.Process) -> int:
    """Resident memory in bytes; 0 when it has just ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _moment(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()


def _launch(spec: ProcessSpec, log: Path, folder: Path) -> int:
    order = {"argv": list(spec.argv), "env": dict(spec.env), "folder": str(folder), "log": str(log)}
    launched = subprocess.run(  # noqa: S603 - our own interpreter and file
        [sys.executable, "-I", "-S", str(_LAUNCHER)],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=_LAUNCH_TIMEOUT,
        check=False,
    )
    if launched.returncode:
        raise ToolError(
            f"{spec.name} can't be started from {spec.argv[0]}: {launched.stderr.strip() or 'no reason given'}",
            "Check that the file is there, is a program for this machine and may be run.",
        )
    return int(launched.stdout)


def _observe(spec: ProcessSpec, pid: int) -> Record:
    boot, now = psutil.boot_time(), datetime.now(UTC).timestamp()
    try:
        process = psutil.Process(pid)
        moment, executable = _moment(process), process.exe()
    except psutil.NoSuchProcess:
        # It ended at once. The record stays, so that status and log can tell of it; it matches no process.
        moment, executable = -1.0, spec.argv[0]
    return Record(spec.name, pid, moment, boot, executable, spec.fingerprint, now)


def _members(record: Record) -> Iterator[psutil.Process]:
    """The recorded process and everything else in the session that it leads; also what an ended leader left behind.

    The kernel gives a number to nobody else while a session has it. So a session without its leader is ours, unless
    the machine was started again meanwhile; a session led by another process is not.
    """
    try:
        if abs(_moment(psutil.Process(record.pid)) - record.moment) > _TICK:
            return  # the number is another's
    except psutil.NoSuchProcess:
        if abs(psutil.boot_time() - record.boot) > _BOOT_TOLERANCE:
            return
    for process in psutil.process_iter():
        try:
            mine = os.getsid(process.pid) == record.pid and process.uids().real == os.getuid()
            # A container whose first process does not collect the dead keeps zombies: they run no more.
            if mine and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError, PermissionError):
            continue  # ended while we looked, or somebody else's


def _wait_for_end(record: Record, seconds: float) -> list[psutil.Process]:
    """Wait until no member is left, `seconds` at most; the members left."""
    deadline = time.monotonic() + seconds
    while (left := list(_members(record))) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN)
    return left


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)  # psutil checks that the number was not given to another meanwhile
        except psutil.NoSuchProcess:
            continue  # it was quicker


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back; they arrive afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

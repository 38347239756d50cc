"""Build a tool from its pinned Go module, where the publisher's download can't be reached."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mininode.errors import ToolError
from mininode.toolbox.find import variable, version_of
from mininode.toolbox.lock import LeaveOut, ToolPin, WrapperModule, parse_version
from mininode.toolbox.model import CannotHave, Say

_SAY_EVERY = 5.0  # seconds
_LAST_LINES = 12
_OUR_MISTAKE = "This is a mistake in our lock of tools: report it."
_NO_NETWORK = re.compile(r"dial tcp|no such host|i/o timeout|proxyconnect|connection refused|module lookup disabled")
_NOT_COPIED = shutil.ignore_patterns("site", "test", "*_test.go", "testdata")  # weight that no command is compiled from


@dataclass(frozen=True, slots=True)
class GoBuilder:
    """Compiles tools. `modules` is the folder of wrapper modules, `environment` that of the Go command.

    Without cgo (the default) a tool is one static file that runs anywhere.
    """

    say: Say
    modules: Path
    environment: Mapping[str, str]
    cgo: bool = False

    def go(self) -> tuple[str, str]:
        """Path and version of the Go toolchain; CannotHave without one."""
        if (go := shutil.which("go", path=self.environment.get("PATH", ""))) is None:
            raise CannotHave("no Go toolchain on PATH")
        command = [go, "env", "GOVERSION"]
        done = subprocess.run(command, capture_output=True, text=True, env=self._environment(), check=False)  # noqa: S603 - from PATH
        if done.returncode or not done.stdout.startswith("go"):
            raise CannotHave(f"{go} does not tell its version: {done.stderr.strip()}")
        return go, done.stdout.strip().removeprefix("go")

    def needed(self, module: WrapperModule) -> str:
        """The Go version that a wrapper module asks for in its go.mod."""
        text = (self.modules / module.folder / "go.mod").read_text(encoding="utf-8")
        found = re.search(r"^go (\S+)$", text, re.MULTILINE)
        return found.group(1) if found else "0.0.0"

    def check(self, module: WrapperModule) -> str:
        """The path of a Go toolchain that is new enough for the module; CannotHave says what is missing."""
        go, version = self.go()
        if parse_version(_three(version)) < parse_version(needed := _three(self.needed(module))):
            raise CannotHave(f"{go} is version {version}, needed is {needed} or later")
        return go

    def build(self, name: str, pin: ToolPin, module: WrapperModule, target: Path) -> None:
        """Compile the tool into `target`, by a rename after it ran.

        Raises CannotHave without Go, ToolError when compiling fails.
        """
        if pin.build is None:
            raise CannotHave("the lock has no way to build it")
        with self.compiled(name, pin.version, module, pin.build.package, pin.build.ldflags, target.parent) as part:
            try:
                said = version_of(part, pin)
            except CannotHave as error:
                raise ToolError(
                    f"{name} was built but does not run: {error}", "Report it with your Go version."
                ) from error
            if parse_version(said) != parse_version(pin.version):
                raise ToolError(f"{name} was built as {said} in place of {pin.version}.", _OUR_MISTAKE)
            part.replace(target)

    @contextmanager
    def compiled(
        self, name: str, version: str, module: WrapperModule, package: str, ldflags: str, beside: Path, tags: str = ""
    ) -> Iterator[Path]:
        """A program, compiled into a folder in `beside` that goes away afterwards: rename the file to keep it."""
        go = self.check(module)
        folder = self.modules / module.folder
        with tempfile.TemporaryDirectory(prefix=".part-", dir=beside, ignore_cleanup_errors=True) as work:
            extra = self._left_out(go, folder, module.leave_out, Path(work)) if module.leave_out else []
            if tags:
                extra.append(f"-tags={tags}")
            packages = self._output([go, "list", *extra, "-mod=readonly", "-deps", package], folder, name)
            total = len(packages.splitlines())
            self.say(f"{name}: building {version} with Go, {total} packages; the first time takes minutes")
            part = Path(work, name)
            command = [go, "build", *extra, *_flags(ldflags), "-v", "-o", str(part), package]
            self._compile(name, command, folder, total)
            yield part

    def _compile(self, name: str, command: list[str], folder: Path, total: int) -> None:
        """Run the compiler and tell how far it is: with -v it names each package that was not in its cache."""
        last: list[str] = []
        compiled, spoke = 0, time.monotonic()
        with self._running(command, folder) as process:
            for line in process.stderr or []:
                text = line.rstrip()
                last = [*last, text][-_LAST_LINES:]
                compiled += not text.startswith(("go: ", "#", " ", "\t"))
                if time.monotonic() - spoke > _SAY_EVERY:
                    spoke = time.monotonic()
                    fetching = text.startswith("go: downloading")
                    done = f"{compiled} packages compiled of at most {total}"
                    self.say(f"{name}: {text.removeprefix('go: ') if fetching else done}")
        if process.returncode:
            raise _failed(name, last)

    def _output(self, command: list[str], folder: Path, name: str) -> str:
        """What a short Go command prints; on a first run it fetches modules, which it names on the error stream."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            last: list[str] = []
            with self._running(command, folder, out.fileno()) as process:
                for number, line in enumerate(process.stderr or []):
                    last = [*last, line.rstrip()][-_LAST_LINES:]
                    if number % 50 == 0 and line.startswith("go: downloading"):
                        self.say(f"{name}: fetching Go modules, {number + 1} so far")
            if process.returncode:
                raise _failed(name, last)
            out.seek(0)
            return out.read()

    @contextmanager
    def _running(
        self, command: list[str], folder: Path, out: int = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a Go command as a process group; whatever ends us early ends its compilers too."""
        process = subprocess.Popen(  # noqa: S603 - Go, with arguments of our lock
            command, cwd=folder, env=self._environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            yield process
            process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if process.stderr:
                process.stderr.close()

    def _left_out(self, go: str, folder: Path, leave_out: LeaveOut, work: Path) -> list[str]:
        """A copy of the module without some files, and a go.mod that points to it.

        Go refuses to overlay files of its module cache, and editing that cache would break every other user of it.
        """
        found = json.loads(self._output([go, "mod", "download", "-json", leave_out.module], folder, leave_out.module))
        source = work / "source"
        shutil.copytree(found["Dir"], source, ignore=_NOT_COPIED, copy_function=shutil.copyfile)
        for path in (source, *source.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)  # the module cache is read-only, and so would be our copy's folders
        for name in leave_out.files:
            (source / name).unlink()
        shutil.copyfile(folder / "go.mod", work / "copy.mod")
        shutil.copyfile(folder / "go.sum", work / "copy.sum")  # checked against the module before it was copied
        copy = str(work / "copy.mod")
        self._output([go, "mod", "edit", f"-replace={leave_out.module}={source}", copy], folder, leave_out.module)
        return [f"-modfile={copy}"]

    def _environment(self) -> dict[str, str]:
        # A go.work of the person's own must not join in.
        return {**self.environment, "CGO_ENABLED": "1" if self.cgo else "0", "GOGC": "400", "GOWORK": "off"}


def _flags(ldflags: str) -> list[str]:
    return ["-mod=readonly", "-trimpath", "-gcflags=all=-l", "-ldflags", ldflags]


def _three(version: str) -> str:
    """Go calls itself 1.26 at times, where the patch is meant to be 0."""
    numbers = re.findall(r"\d+", version)[:3]
    return ".".join([*numbers, "0", "0"][:3])


def _failed(name: str, last: list[str]) -> Exception:
    """Say what a failed Go command means: modules out of reach are a way that isn't open, all else is an error."""
    text = "\n".join(last)
    if "no space left on device" in text:
        return ToolError(
            f"{name} could not be built: the disk is full.",
            "Compiling Kubernetes needs about 12 GB for Go's caches: make room, or let GOCACHE and GOMODCACHE name "
            "folders on a larger disk.",
        )
    if _NO_NETWORK.search(text):
        return CannotHave(f"Go could not fetch its modules: {last[-1]}")
    return ToolError(
        f"{name} could not be built with Go:\n{text}",
        f"Run the command again; if it fails again, get {name} by hand and let {variable(name)} name it.",
    )

"""install.py: real environments of a checkout so small that they are made in seconds and without a network."""

import ast
import fcntl
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "install.py"
# a build backend of the checkout's own: makes an editable wheel of the package with a command
BACKEND = """
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(folder + "/mininode-1-py3-none-any.whl", "w") as wheel:
        info = "mininode-1.dist-info/"
        wheel.writestr("mininode.pth", SOURCE)
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: mininode\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt", "[console_scripts]\\nmininode = mininode.cli.main:run\\n")
        wheel.writestr(info + "RECORD", "")
    return "mininode-1-py3-none-any.whl"
"""
MAIN = "import sys\ndef run():\n    print('mininode', *sys.argv[1:])\nif __name__ == '__main__':\n    run()\n"
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "mininode"
version = "1"
"""


@dataclass
class Site:
    """A checkout and a person's home."""

    checkout: Path
    home: Path

    @property
    def environments(self) -> Path:
        return self.home / "data/mininode/env"

    def made(self) -> list[Path]:
        return [path for path in self.environments.iterdir() if path.is_dir()]

    def command(self) -> Path:
        return self.home / ".local/bin/mininode"

    def environ(self, **settings: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        return kept | {"HOME": str(self.home), "XDG_DATA_HOME": str(self.home / "data"), "PIP_RETRIES": "0"} | settings

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(self.checkout / "install.py"), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=self.environ(**settings))

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def make_site(folder: Path) -> Site:
    """Lay the small checkout and an empty home into a folder."""
    site = Site(folder / "check out", folder / "home")
    package = site.checkout / "operator/mininode/cli"
    package.mkdir(parents=True)
    (package / "main.py").write_text(MAIN, encoding="utf-8")
    source = str(site.checkout / "operator")
    (site.checkout / "backend.py").write_text(f"SOURCE = {source!r}\n{BACKEND}", encoding="utf-8")
    (site.checkout / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    for name in ("requirements.lock", "requirements-dev.lock"):
        (site.checkout / name).write_text("# nothing is needed\n", encoding="utf-8")
    shutil.copy(SCRIPT, site.checkout)
    site.home.mkdir()
    return site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, subprocess.CompletedProcess[str]]:
    """A site after its first run. Tests that use it leave it as it is."""
    site = make_site(tmp_path_factory.mktemp("site"))
    return site, site.run("micro", "--cluster", "rehearsal")


def test_it_can_be_read_by_python_3_8() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_help_needs_nothing_but_python(site: Site) -> None:
    command = [sys.executable, "-I", str(SCRIPT), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"HOME": str(site.home)})
    assert "python3 install.py micro --cluster rehearsal" in done.stdout
    assert list(site.home.iterdir()) == []


@pytest.mark.parametrize(("newer", "advice"), [("python3.12", "python3.12 install.py"), ("", "sudo apt install")])
def test_an_old_python_is_told_which_is_needed_and_how_to_get_it(site: Site, newer: str, advice: str) -> None:
    programs = site.home / "programs"
    programs.mkdir()
    if newer:
        (programs / newer).symlink_to("/bin/true")
    code = (
        "import platform, runpy, sys\n"
        "sys.version_info, platform.python_version = (3, 8, 18, 'final', 0), lambda: '3.8.18'\n"
        f"sys.argv = ['install.py', 'micro']; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
    )
    environment = site.environ(PATH=str(programs))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 4
    assert "needs Python 3.11 or later, this is 3.8.18" in done.stderr
    assert advice in done.stderr
    assert "Traceback" not in done.stderr
    assert not site.environments.exists()


def test_the_first_run_makes_all_and_hands_over_with_the_arguments(
    installed: tuple[Site, subprocess.CompletedProcess[str]],
) -> None:
    site, done = installed
    assert (done.returncode, done.stdout) == (0, "mininode install micro --cluster rehearsal\n")
    assert f"The command is {site.command()}" in done.stderr
    assert "PATH" in done.stderr  # that folder isn't on it
    said = subprocess.run([site.command(), "status"], capture_output=True, text=True, check=True)
    assert said.stdout == "mininode status\n"


def test_a_second_run_says_nothing_and_is_quick(installed: tuple[Site, subprocess.CompletedProcess[str]]) -> None:
    site, _ = installed
    times = []
    for _ in range(3):
        start = time.monotonic()
        done = site.run("micro")
        times.append(time.monotonic() - start)
        assert (done.stdout, done.stderr) == ("mininode install micro\n", "")
    assert min(times) < 0.3  # the command that it hands over to included: here it does nothing


def test_a_changed_lock_makes_a_new_environment_and_removes_the_old_one_of_its_kind(site: Site) -> None:
    (site.checkout / "requirements-dev.lock").write_text("# more\n", encoding="utf-8")
    dev, first = site.run("--prepare", "--dev"), site.run("--prepare")
    assert not site.command().exists()  # only the environment was asked for
    (site.checkout / "requirements.lock").write_text("# changed\n", encoding="utf-8")
    second = site.run("--prepare")
    assert len({dev.stdout, first.stdout, second.stdout}) == 3
    there = {f"{path}/bin/python\n" for path in site.made()}
    assert there == {dev.stdout, second.stdout}


def test_a_killed_run_is_done_again(site: Site) -> None:
    process = site.start("--prepare")
    deadline = time.monotonic() + 30
    while not list(site.environments.glob("*/bin")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    (half_made,) = site.made()
    assert not (half_made / "mininode-ready").exists()
    done = site.run("--prepare")
    assert done.returncode == 0, done.stderr
    subprocess.run([done.stdout.strip(), "-c", "import mininode.cli.main"], check=True)


def test_a_second_run_at_the_same_time_waits_and_says_so(site: Site) -> None:
    site.environments.mkdir(parents=True)
    with (site.environments / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = site.start("--prepare")
        assert process.stderr is not None
        assert "Waiting for it" in process.stderr.readline()
        assert site.made() == []
    assert process.communicate(timeout=60)[0].endswith("bin/python\n")


def test_a_command_of_somebody_else_is_left_alone(installed: tuple[Site, subprocess.CompletedProcess[str]]) -> None:
    site, _ = installed
    ours = str(site.command().readlink())
    site.command().unlink()
    site.command().write_text("theirs", encoding="utf-8")
    try:
        done = site.run("micro")
        assert (done.returncode, done.stdout) == (0, "mininode install micro\n")
        assert f"{site.command()} is not ours" in done.stderr
        assert ours in done.stderr
        assert site.command().read_text(encoding="utf-8") == "theirs"
    finally:
        site.command().unlink()
        site.command().symlink_to(ours)


NOT_THERE = f"surely-not-published==1.0 --hash=sha256:{'0' * 64}\n"


@pytest.mark.parametrize(
    ("lock", "settings", "advice"),
    [
        (NOT_THERE, {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}, "HTTPS_PROXY"),
        (NOT_THERE, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "{links}"}, "not the pinned one"),
    ],
    ids=["no network", "wrong hash"],
)
def test_packages_that_cannot_be_had_are_one_sentence(
    site: Site, lock: str, settings: dict[str, str], advice: str
) -> None:
    links = site.home / "links"
    links.mkdir()
    (links / "surely_not_published-1.0-py3-none-any.whl").write_bytes(b"somebody else's")
    (site.checkout / "requirements.lock").write_text(lock, encoding="utf-8")
    done = site.run("micro", **{name: value.format(links=links) for name, value in settings.items()})
    assert done.returncode == 4
    assert advice in done.stderr
    assert "Traceback" not in done.stderr
    assert not site.command().exists()
    log = Path(done.stderr.split(" said is in ")[1].strip())
    assert log.read_text(encoding="utf-8") != ""


@pytest.mark.parametrize(
    ("says", "advice"),
    [
        ("The virtual environment was not created because ensurepip is not available.", "-venv"),
        ("Error: [Errno 28] No space left on device", "disk is full"),
    ],
)
def test_a_venv_that_fails_is_one_sentence(site: Site, says: str, advice: str) -> None:
    (site.home / "venv.py").write_text(f"import sys; sys.exit({says!r})", encoding="utf-8")
    done = site.run("micro", PYTHONPATH=str(site.home))
    assert done.returncode == 4
    assert advice in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(site: Site) -> None:
    blocked = site.home / "file"
    blocked.touch()
    done = site.run("micro", XDG_DATA_HOME=str(blocked))
    assert done.returncode == 4
    assert str(blocked) in done.stderr
    assert "Traceback" not in done.stderr


def test_prepare_refuses_what_it_does_not_know(site: Site) -> None:
    done = site.run("--prepare", "--develop")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--prepare" in done.stderr

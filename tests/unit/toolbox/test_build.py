"""Builds with the real Go toolchain, of modules small enough for seconds."""

import json
import os
import re
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from mininode.errors import ToolError
from mininode.toolbox import Origin

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="no Go toolchain on this machine")

PACKAGE = "example.test/tools/hello"
BUILD = {"module": "hello", "package": PACKAGE, "ldflags": "-s -w -X main.version=v1.2.3"}
MAIN = 'package main\n\nvar version = "unset"\n\nfunc main() { println("hello", version) }\n'


def module(bench: Any, main: str = MAIN, go: str = "1.21") -> None:
    folder = bench.home / "modules/hello"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text(f"module {PACKAGE}\n\ngo {go}\n", encoding="utf-8")
    (folder / "main.go").write_text(main, encoding="utf-8")


def publish_module(folder: Path) -> None:
    """Lay a module with a command and a driver that needs something missing where Go looks for it."""
    gomod = "module example.test/lib\n\ngo 1.21\n"
    main = MAIN.replace("package main", 'package main\n\nimport _ "example.test/lib/drivers"')
    files = {
        "go.mod": gomod,
        "cmd/hello/main.go": main,
        "drivers/good.go": "package drivers\n",
        "drivers/bad.go": "package drivers\n\nvar _ = needsHeaders\n",
    }
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "v1.0.0.zip", "w") as pack:
        for name, content in files.items():
            pack.writestr(f"example.test/lib@v1.0.0/{name}", content)
    (folder / "v1.0.0.mod").write_text(gomod, encoding="utf-8")
    (folder / "v1.0.0.info").write_text('{"Version": "v1.0.0"}', encoding="utf-8")


@pytest.fixture
def builds(bench: Any) -> Any:
    """A tool whose publisher can't be reached and whose module is here."""
    bench.environment["PATH"] = os.environ["PATH"]
    bench.lock("http://127.0.0.1:9/hello", build=BUILD)
    module(bench)
    return bench


def test_a_tool_is_built_where_the_download_is_out_of_reach(builds: Any) -> None:
    tool = builds.box().get("hello")
    assert (tool.origin, tool.path) == (Origin.BUILT, builds.target)
    said = subprocess.run([tool.path], capture_output=True, text=True, check=True)
    assert said.stderr == "hello v1.2.3\n"  # the linker's flags arrived
    assert builds.leftovers() == ["hello"]
    packages = [re.search(r"with Go, (\d+) packages", line) for line in builds.lines]
    assert next(int(found[1]) for found in packages if found) > 5  # its own and the runtime's


def test_a_module_that_does_not_compile_is_an_error_with_the_compilers_words(builds: Any) -> None:
    module(builds, "package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(ToolError, match="undefined: nonsense") as caught:
        builds.box().get("hello")
    assert "MININODE_TOOL_HELLO" in caught.value.advice
    assert builds.leftovers() == []


@pytest.mark.parametrize(
    ("main", "why"),
    [
        (MAIN.replace("version)", '"v1.2.2")'), "v1.2.2 in place of v1.2.3"),
        ('package main\n\nfunc main() { panic("no") }\n', "does not run"),
    ],
)
def test_what_was_built_must_run_and_be_the_pinned_version(builds: Any, main: str, why: str) -> None:
    module(builds, main)
    with pytest.raises(ToolError, match=why):
        builds.box().get("hello")
    assert builds.leftovers() == []


def test_a_go_that_is_too_old_is_no_way_and_the_error_names_the_needed_one(builds: Any) -> None:
    module(builds, go="1.999")
    with pytest.raises(ToolError, match=r"build: .*needed is 1\.999\.0 or later") as caught:
        builds.box().get("hello")
    assert "With Go 1.999" in caught.value.advice


def test_without_go_the_error_names_every_way(builds: Any, tmp_path: str) -> None:
    builds.environment["PATH"] = str(tmp_path)
    with pytest.raises(ToolError, match="build: no Go toolchain on PATH"):
        builds.box().get("hello")


@pytest.fixture
def stuck(builds: Any, until: Any) -> Any:
    """A build in another process that waits in the linker for the file `release`; `started` holds the linker's pid."""
    started, release = builds.home / "started", builds.home / "release"
    # Go runs each of its tools through this one
    gate = builds.script(
        "gate",
        f'case "$1 $2" in */link\\ -o) echo $$ >{started}; while [ ! -e {release} ]; do sleep 0.05; done ;; esac\n'
        'exec "$@"',
        name="toolexec",
    )
    builds.environment["GOFLAGS"] = f"-toolexec={gate}"
    process = builds.process()
    until(lambda: started.exists() and started.read_text().strip(), "the linker")
    return process


def test_an_interrupted_build_ends_its_compilers_too(builds: Any, stuck: Any, until: Any) -> None:
    linker = psutil.Process(int((builds.home / "started").read_text()))
    stuck.send_signal(signal.SIGINT)
    stuck.wait(30)
    until(lambda: not linker.is_running() or linker.status() == psutil.STATUS_ZOMBIE, "the linker's end")
    assert builds.leftovers() == []


def test_a_killed_build_leaves_nothing_that_looks_finished(builds: Any, stuck: Any) -> None:
    release = builds.home / "release"
    stuck.kill()
    stuck.wait()
    assert builds.box().find("hello") is None
    release.touch()  # the orphaned Go may go on beside us: what it writes has a name that is never taken for the tool
    tool = builds.box().get("hello")
    assert tool.origin is Origin.BUILT
    assert subprocess.run([tool.path], capture_output=True, text=True, check=True).stderr == "hello v1.2.3\n"


def test_files_of_a_module_can_be_left_out_without_touching_gos_cache(builds: Any) -> None:
    """A module from a proxy in a folder, with a file that doesn't compile, as minikube's kvm2 driver doesn't here."""
    proxy, cache, folder = builds.home / "proxy", builds.home / "gomod", builds.home / "modules/hello"
    builds.environment |= {
        "GOPROXY": proxy.as_uri(),
        "GONOSUMDB": "*",
        "GOMODCACHE": str(cache),
        "GOFLAGS": "-modcacherw",
    }
    publish_module(proxy / "example.test/lib/@v")
    (folder / "main.go").unlink()
    gomod = f"module {PACKAGE}\n\ngo 1.21\n\nrequire example.test/lib v1.0.0\n"
    (folder / "go.mod").write_text(gomod, encoding="utf-8")
    download = ["go", "mod", "download", "-json", "example.test/lib"]
    said = subprocess.run(
        download, cwd=folder, env={**os.environ, **builds.environment}, capture_output=True, text=True, check=True
    )
    sums = json.loads(said.stdout)
    (folder / "go.sum").write_text(
        f"example.test/lib v1.0.0 {sums['Sum']}\nexample.test/lib v1.0.0/go.mod {sums['GoModSum']}\n", encoding="utf-8"
    )
    build = {**BUILD, "package": "example.test/lib/cmd/hello"}

    builds.lock("http://127.0.0.1:9/hello", build=build)
    with pytest.raises(ToolError, match="needsHeaders"):
        builds.box().get("hello")
    builds.lock(
        "http://127.0.0.1:9/hello", build=build, leave_out={"module": "example.test/lib", "files": ["drivers/bad.go"]}
    )
    assert builds.box().get("hello").origin is Origin.BUILT
    assert (cache / "example.test/lib@v1.0.0/drivers/bad.go").exists()
    assert "replace" not in (folder / "go.mod").read_text(encoding="utf-8")
    assert builds.leftovers() == ["hello"]

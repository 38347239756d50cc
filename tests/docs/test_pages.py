"""Every command of the documents by task is executed, each page in a folder and a rehearsal of its own, or says why not.

Where a page is about a cluster that is there already, a rehearsal is that cluster: its API is real, its machines are simulated.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.blocks import blocks, script

from mininode.toolbox.toolbox import Toolbox

TREE = Path(__file__).parents[2]
DOCS = TREE / "docs"
_MINUTES = 20
# A page joins by its first mark; from then on each of its blocks needs one.
PAGES = [path.name for path in sorted(DOCS.glob("*.md")) if any(one.runs or one.reason for one in blocks(path.read_text("utf-8")))]
RUN = [page for page in PAGES if any(one.runs for one in blocks((DOCS / page).read_text("utf-8")))]
BY_TASK = {
    "install.md", "behind-a-proxy.md", "on-your-cluster.md", "with-argo-cd.md", "with-flux.md", "move-data.md", "upgrade.md",
    "uninstall.md", "troubleshooting.md",
}  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A person's folders: a checkout to stand in, and mininode, kubectl and git to be used. Programs are those of this user.

    `definitions-of NAME` prints the CRDs of another project whose controllers are not here.
    """
    commands = tmp_path / "bin"
    commands.mkdir()
    definitions = TREE / "tests/control_plane/definitions.py"
    for name, words in {"mininode": "-P -m mininode.cli.main", "definitions-of": f"'{definitions}'"}.items():
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (commands / name).chmod(0o755)
    (commands / "kubectl").symlink_to(Toolbox.from_environment(say=print).get("kubectl").path)
    (tmp_path / "home").mkdir()
    work = tmp_path / "mininode"
    work.mkdir()
    for name in ("install.py", "config.example.yaml"):
        (work / name).symlink_to(TREE / name)
    home = Path.home()
    mine = {key: value for key, value in os.environ.items() if key not in {"KUBECONFIG", "NO_COLOR"}}
    mine |= {
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(home / ".cache")),
        "XDG_DATA_HOME": os.environ.get("XDG_DATA_HOME", str(home / ".local/share")),
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(home / ".config")),
        "GOPATH": os.environ.get("GOPATH", str(home / "go")),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PYTHONPATH": str(TREE / "operator"),
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        **{f"GIT_{who}_NAME": "Reader" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "reader@hospital.example" for who in ("AUTHOR", "COMMITTER")},
    }
    yield mine
    subprocess.run(
        [str(commands / "mininode"), "rehearsal", "stop"], env=mine, check=False, timeout=120, cwd=work, capture_output=True
    )


@pytest.mark.parametrize("page", RUN)
def test_its_commands_work(page: str, environment: dict[str, str], tmp_path: Path) -> None:
    wanted = blocks((DOCS / page).read_text("utf-8"))
    done = subprocess.run(
        ["bash", "-c", script(wanted)], cwd=tmp_path / "mininode", env=environment, text=True, timeout=60 * _MINUTES, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, f"docs/{page}: {done.stdout[-4000:]}"
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_it_says_whether_it_is_run(page: str) -> None:
    silent = [one.line for one in blocks((DOCS / page).read_text("utf-8")) if not one.runs and not one.reason]
    assert silent == [], f"docs/{page}: put <!-- run --> or <!-- not run: why --> before these blocks"


def test_the_documents_by_task_are_among_them() -> None:
    assert set(PAGES) >= BY_TASK

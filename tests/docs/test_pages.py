"""Every command of the documents by task is executed, each page in a folder and a rehearsal of its own, or says why not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.blocks import blocks, script

TREE = Path(__file__).parents[2]
DOCS = TREE / "docs"
_MINUTES = 20
# A page joins by its first mark; from then on each of its blocks needs one.
PAGES = [path.name for path in sorted(DOCS.glob("*.md")) if any(one.runs or one.reason for one in blocks(path.read_text("utf-8")))]
RUN = [page for page in PAGES if any(one.runs for one in blocks((DOCS / page).read_text("utf-8")))]
BY_TASK = {"behind-a-proxy.md", "upgrade.md", "uninstall.md", "troubleshooting.md", "move-data.md"}


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A person's folders: a checkout to stand in, and the command on PATH. Tools and Python packages are those of this user."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "mininode").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m mininode.cli.main "$@"\n')
    (commands / "mininode").chmod(0o755)
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
        "PYTHONPATH": str(TREE / "operator"),
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
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

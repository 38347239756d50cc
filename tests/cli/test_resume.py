"""An install that is cut off at each of its steps, killed or by Ctrl-C: the next run knows, goes on, and nothing is there twice."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mininode.toolbox.toolbox import Toolbox

from .conftest import Home

STEPS = ("tools", "cluster", "version", "folders", "rights", "operator", "node", "follow")
INSTALL = ("install", "micro", "--cluster", "rehearsal", "--yes")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Somebody on whose computer nothing is yet."""
    home = Home(tmp_path_factory.mktemp("resumed"))
    try:
        yield home
    finally:
        home.run("rehearsal", "stop")


def cut_off(home: Home, step: str, by: signal.Signals) -> tuple[int, str]:
    """Begin an install and end it as soon as this step is told of; exit code and output."""
    with subprocess.Popen(
        [sys.executable, "-m", "mininode.cli.main", *INSTALL], cwd=home.folder, env=home.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        said = []
        for line in process.stdout or ():
            said.append(line)
            if re.match(rf"\d/8 {step}: ", line):
                process.send_signal(by)
        code = process.wait(120)
    return code, "".join(said)


def last(home: Home) -> dict[str, Any]:
    """What the install wrote down of itself."""
    found: dict[str, Any] = json.loads(Path(home.folder, "state/mininode/install/last.json").read_text())
    return found


def things(home: Home) -> dict[str, str]:
    """The node's Secrets and claims by what they are."""
    kubectl = str(Toolbox.from_environment(say=print).get("kubectl").path)
    access = home.run("rehearsal", "kubeconfig").stdout.strip()
    query = ("get", "secrets,pvc", "-n", "eucaim-node", "-l", "owner notin (helm,mininode)", "-o", "json")
    done = subprocess.run([kubectl, f"--kubeconfig={access}", *query], capture_output=True, text=True, timeout=60, check=True)
    return {f"{one['kind']} {one['metadata']['name']}": one["metadata"]["uid"] for one in json.loads(done.stdout)["items"]}


def test_killed_at_every_step_in_turn_the_next_run_goes_on_and_the_last_is_done(fresh: Home) -> None:
    """From nothing: each run is killed one step further than the one before."""
    before = None
    for step in STEPS:
        code, said = cut_off(fresh, step, signal.SIGKILL)
        assert code == -signal.SIGKILL, said
        if before is not None:
            assert f"was killed at the step {before}: going on from there" in said
        record = last(fresh)
        assert record["outcome"] == "running"
        assert STEPS.index(record["step"]) >= STEPS.index(step)
        before = record["step"]
    found = things(fresh)

    done = fresh.run(*INSTALL, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"was killed at the step {before}: going on from there" in done.stdout
    assert "use the rehearsal that runs" in done.stdout
    assert "as declared before" in done.stdout
    assert last(fresh)["outcome"] == "done"
    processes = json.loads(fresh.run("rehearsal", "status", "-o", "json").stdout)["processes"]
    names = [one["name"] for one in processes]
    assert len(names) == len(set(names))
    assert "operator" in names
    after = things(fresh)
    assert {name: after.get(name) for name in found} == found  # what an earlier run had made was not made anew


def test_ctrl_c_at_every_step_is_understood_by_the_next_run(fresh: Home) -> None:
    """On the node that is there: everything is found, and stays as it is."""
    if last(fresh)["outcome"] != "done":
        assert fresh.run(*INSTALL, timeout=600).returncode == 0
    found, before = things(fresh), None
    for step in STEPS:
        code, said = cut_off(fresh, step, signal.SIGINT)
        assert code == 130, said
        assert "Traceback" not in said
        assert "Run the same command again" in said
        if before is not None:
            assert f"was stopped at the step {before}: going on from there" in said
        record = last(fresh)
        assert record["outcome"] == "stopped"
        before = record["step"]
    done = fresh.run(*INSTALL, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"was stopped at the step {before}" in done.stdout
    assert things(fresh) == found
    assert "going on from there" not in fresh.run(*INSTALL).stdout  # a run that came to its end leaves nothing to tell

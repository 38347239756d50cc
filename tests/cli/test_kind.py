"""kind, the real program: its loader reads our cluster file, it knows every flag that we give, and without an engine it says so."""

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mininode.cluster.kind_file import GUEST_FOLDER, KindWish, cluster_file
from mininode.toolbox.toolbox import Toolbox

LOADER = Path(__file__).parents[1] / "kind_loader"
SOURCE = Path(__file__).parents[2] / "operator/mininode/cluster/kind.py"


@cache
def loader() -> Path:
    """kind's own loader, compiled."""
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain to compile kind's loader with")
    program = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mininode" / "tests" / "kind-loader"
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=LOADER, check=True, timeout=300)
    return program


def loaded(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    return subprocess.run([str(loader()), str(file)], capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize(
    "wish",
    [
        KindWish(Path("/srv/eucaim")),
        KindWish(Path("/srv/with space"), address="127.0.0.1", ports=((8080, 80), (8443, 443))),
        KindWish(Path("/srv/eucaim"), image="registry.hospital.example/kindest/node:v1.35.1"),
    ],
)
def test_kind_understands_the_cluster_file_as_it_is_meant(tmp_path: Path, wish: KindWish) -> None:
    done = loaded(tmp_path, cluster_file(wish))
    assert done.returncode == 0, done.stderr
    cluster: dict[str, Any] = json.loads(done.stdout)
    (machine,) = cluster["Nodes"]
    assert cluster["Name"] == "mininode"
    assert cluster["Networking"]["APIServerAddress"] == "127.0.0.1"
    assert [(one["HostPath"], one["ContainerPath"], one["Readonly"]) for one in machine["ExtraMounts"]] == [
        (str(wish.data), GUEST_FOLDER, False)
    ]
    ports = [(one["HostPort"], one["ContainerPort"], one["ListenAddress"]) for one in machine["ExtraPortMappings"]]
    assert ports == [(outside, inside, wish.address) for outside, inside in wish.ports]
    assert not wish.image or machine["Image"] == wish.image


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("extraMounts:", "extraMount:"), ("hostPort: 80", "hostPort: 99999"), ("role: control-plane", "role: control-plan")],
)
def test_the_loader_refuses_what_kind_would(tmp_path: Path, right: str, wrong: str) -> None:
    text = cluster_file(KindWish(Path("/srv/eucaim")))
    assert right in text
    assert loaded(tmp_path, text.replace(right, wrong, 1)).returncode == 1


@pytest.fixture(scope="module")
def kind() -> Path:
    return Toolbox.from_environment(say=print).get("kind").path


@pytest.mark.parametrize("command", [("create", "cluster"), ("export", "kubeconfig"), ("load", "docker-image")])
def test_every_flag_that_we_give_is_one_that_kind_has(kind: Path, command: tuple[str, ...]) -> None:
    calls = re.findall(r"str\(self\._kind\), ([^\]]*)\]", SOURCE.read_text())
    (call,) = [one for one in calls if one.startswith(", ".join(f'"{word}"' for word in command))]
    flags = re.findall(r'"(--[a-z-]+)"', call)
    told = subprocess.run([str(kind), *command, "--help"], capture_output=True, text=True, check=True, timeout=30).stdout
    assert flags
    assert [flag for flag in flags if not re.search(rf"{flag}\b", told)] == []

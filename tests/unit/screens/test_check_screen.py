"""The screen of `mininode check` at two widths: a computer that fits, and one with five mistakes."""

from collections.abc import Callable

import pytest
from tests.unit.preflight.conftest import WISH, having

from mininode.cli.check import screen
from mininode.cluster.engine import Engine, EngineState
from mininode.preflight.facts import Host, Name, Port
from mininode.preflight.judge import judge
from mininode.preflight.wish import GIB

COMPUTERS = {
    "well": {},
    "five-mistakes": {
        "machine__cores": 1,
        "folder__filesystem": "nfs4",
        "engine": Engine(EngineState.FORBIDDEN, "permission denied while trying to connect to the docker API"),
        "ports": (Port(80, True, "::", "apache2", 812), Port(443)),
        "name": Name("node.hospital.eu", (), ("192.0.2.7",), "looking it up says: Name or service not known"),
        "network__hosts": (Host("quay.io", "the proxy says 403 Forbidden"), Host("dl.k8s.io")),
        "machine__memory": 16 * GIB,
    },
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", COMPUTERS)
def test_the_screen(name: str, width: int, golden: Callable[[str, str], None]) -> None:
    lines = list(screen(judge(having(**COMPUTERS[name]), WISH), width))
    assert max(map(len, lines)) <= width
    golden(f"check-{name}-{width}.txt", "\n".join(lines) + "\n")

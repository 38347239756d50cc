"""What is seen of a cluster, with doubles of minikube and docker that answer as the real ones do."""

import json
import stat
import sys
from pathlib import Path

import pytest

from mininode.cluster.minikube.home import Home
from mininode.cluster.minikube.observe import observe
from mininode.cluster.minikube.program import Programs
from mininode.cluster.minikube.wish import Wish

WISH = Wish("mininode", "a/b", "v1.35.1", "/srv/x", "/var/hostpath-provisioner", 2, 4096, ("127.0.0.1:1:80", "127.0.0.1:2:443"))
MINIKUBE = """#!{python}
import json, sys
if sys.argv[1:3] == ["profile", "list"]:
    print(json.dumps({{"valid": [{{"Name": name, "Config": {{"Driver": name}}}} for name in {names}], "invalid": []}}))
elif sys.argv[1] == "version":
    print(json.dumps({{"minikubeVersion": "v1.38.1"}}))
else:
    print(json.dumps({{"Host": "Running"}}))
"""
# docker finds objects by their whole name: `inspect` of a name that is a part of another's finds nothing.
DOCKER = """#!{python}
import json, sys
names, asked = {names}, sys.argv[-1]
if sys.argv[1] in ("container", "volume") and asked not in names:
    sys.exit(1)
if sys.argv[1] == "container":
    labels = {{"created_by.minikube.sigs.k8s.io": "true"}}
    print(json.dumps([{{"State": {{"Running": True}}, "Config": {{"Labels": labels}}, "Mounts": []}}]))
else:
    print(json.dumps({{"ServerVersion": "29.0.0", "Server": {{"Version": "29.0.0"}}}}))
"""


def programs(folder: Path, *names: str) -> Programs:
    for program, text in (("minikube", MINIKUBE), ("docker", DOCKER)):
        path = folder / program
        path.write_text(text.format(python=sys.executable, names=json.dumps(names)))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Programs.of(folder / "minikube", Home(folder / "home", "mininode"), {"PATH": str(folder)})


@pytest.fixture(autouse=True)
def _ordinary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - made before, as the one who we are
    """As root nothing is asked at all."""
    monkeypatch.setattr("os.getuid", lambda: 1000)


def test_what_bears_our_name_is_seen(tmp_path: Path) -> None:
    seen = observe(programs(tmp_path, "other", "mininode"), WISH)
    assert seen.engine.usable, seen.engine
    assert seen.stored is not None
    assert seen.stored.driver == "mininode"
    assert seen.container is not None
    assert seen.volume


def test_fault_56_what_only_has_our_name_in_its_own_is_not_ours(tmp_path: Path) -> None:
    """Upstream looked for an addon by a part of its name, and found another one."""
    seen = observe(programs(tmp_path, "mininode-dns", "my-mininode", "Mininode"), WISH)
    assert seen.engine.usable, seen.engine
    assert (seen.stored, seen.container, seen.volume, seen.invalid) == (None, None, False, False)

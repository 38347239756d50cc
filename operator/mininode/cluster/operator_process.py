"""The operator beside a rehearsal: a process with the token of its own service account, so that every missing right shows."""

import hashlib
import os
import sys
from pathlib import Path

import yaml

from mininode.assets import asset
from mininode.cluster.files import write_private
from mininode.cluster.processes import ProcessSpec
from mininode.cluster.setup import operator_token
from mininode.documents import yaml_document
from mininode.kube.client import Kube

NAME = "operator"
_TOKEN_SECONDS = (
    30 * 24 * 3600
)  # a rehearsal is thrown away long before; each install makes a new one when the old one is half used
_PACKAGE = Path(__file__).parent.parent
_PASSED_ON = ("PATH", "LANG", "HOME", "TMPDIR")


async def operator_spec(kube: Kube, folder: Path, admin_kubeconfig: Path, helm: Path) -> ProcessSpec:
    """What to run: our own interpreter with `operator run`, an access file with the operator's token, Helm by its path.

    The fingerprint covers the program, so a changed checkout starts the operator anew, and nothing else does.
    """
    access = folder / "operator.kubeconfig"
    if not await _usable(access, admin_kubeconfig):
        write_private(access, _access_file(admin_kubeconfig, await operator_token(kube, _TOKEN_SECONDS)))
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    environment |= {
        "KUBECONFIG": str(access),
        "MININODE_TOOL_HELM": str(helm),
        "PYTHONPATH": str(_PACKAGE.parent),  # this very code, installed or not
        "PYTHONUNBUFFERED": "1",
    }
    argv = (sys.executable, "-m", "mininode.cli.main", "operator", "run")
    return ProcessSpec(NAME, argv, environment, _fingerprint(argv, environment, access))


async def _usable(access: Path, admin_kubeconfig: Path) -> bool:
    """Whether the access file is there, is about this very cluster, and its token is still taken."""
    try:
        document = yaml_document(access.read_text())
        if document["clusters"] != yaml_document(admin_kubeconfig.read_text())["clusters"]:
            return False
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        return False
    async with await Kube.connect(access) as kube:
        return await kube.accepted()


def _access_file(admin_kubeconfig: Path, token: str) -> bytes:
    document = yaml_document(admin_kubeconfig.read_text())
    document["users"] = [{"name": NAME, "user": {"token": token}}]
    document["contexts"][0]["context"]["user"] = NAME
    return yaml.safe_dump(document, sort_keys=False).encode()


def _fingerprint(argv: tuple[str, ...], environment: dict[str, str], access: Path) -> str:
    state = hashlib.sha256(repr((argv, sorted(environment.items()))).encode())
    state.update(access.read_bytes())
    for root in (_PACKAGE, asset("charts"), asset("images.lock.yaml")):
        for path in sorted([root] if root.is_file() else root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                state.update(str(path).encode())
                state.update(path.read_bytes())
    return state.hexdigest()

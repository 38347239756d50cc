"""Kubeconfig files of a rehearsal: whole in themselves, one a user, never the person's own ~/.kube/config."""

import base64
from pathlib import Path

import yaml

from mininode.cluster.files import write_private
from mininode.cluster.pki import CLUSTER, Pki

_NAME = "mininode-rehearsal"


def write_kubeconfig(path: Path, server: str, pki: Pki, user: str) -> None:
    """Write the access file of one of the rehearsal's own certificates (`pki.LEAVES`) to `path`, mode 0600."""

    def data(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": _NAME,
        "clusters": [{
            "name": _NAME,
            "cluster": {"server": server, "certificate-authority-data": data(pki.certificate(CLUSTER))},
        }],
        "users": [{
            "name": user,
            "user": {
                "client-certificate-data": data(pki.certificate(user)),
                "client-key-data": data(pki.key(user)),
            },
        }],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": user}}],
    }  # fmt: skip
    write_private(path, yaml.safe_dump(document, sort_keys=False).encode())

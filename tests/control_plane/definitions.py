"""CRDs of other projects, as their Go modules hold them: fetched by Go, which checks them, and compared with our own sum.

usage: definitions.py NAME …    prints them, for `kubectl apply --server-side --filename -`
"""

import functools
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Definitions:
    """CRDs of another project, as its Go module holds them; `sum` is what Go's checksum database says of this version."""

    module: str
    version: str
    sum: str
    files: tuple[str, ...]


DEFINITIONS = {
    "argocd": Definitions(
        "github.com/argoproj/argo-cd/v3", "v3.5.7", "h1:Xm1BF+I5OgDKUG3SDK49vn2/Y5AMyaNVko+/JT08gj0=",
        ("manifests/crds/application-crd.yaml", "manifests/crds/appproject-crd.yaml"),
    ),
    "flux": Definitions(
        "github.com/fluxcd/kustomize-controller", "v1.9.6", "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
        ("config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",),
    ),
    "flux-source": Definitions(
        "github.com/fluxcd/source-controller", "v1.9.6", "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
        ("config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml",),
    ),
    "external-secrets": Definitions(
        "github.com/external-secrets/external-secrets", "v1.3.2", "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
        (
            "config/crds/bases/external-secrets.io_externalsecrets.yaml",
            "config/crds/bases/external-secrets.io_clustersecretstores.yaml",
        ),
    ),
}  # fmt: skip


@functools.cache
def _downloaded(name: str) -> Path:
    wanted = DEFINITIONS[name]
    command = ["go", "mod", "download", "-json", f"{wanted.module}@{wanted.version}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    answer = json.loads(done.stdout or "{}")
    assert done.returncode == 0, f"{answer.get('Error')} {done.stderr}"
    assert answer["Sum"] == wanted.sum
    return Path(answer["Dir"])


def files(name: str) -> list[Path]:
    """The files of one project's definitions."""
    return [_downloaded(name) / file for file in DEFINITIONS[name].files]


if __name__ == "__main__":
    for path in [path for name in sys.argv[1:] for path in files(name)]:
        sys.stdout.write(f"---\n{path.read_text('utf-8')}\n")

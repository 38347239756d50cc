"""One cluster out of a person's kubeconfig, as an access file of our own.

Commands that come later speak to the cluster that was installed into, even after somebody said `kubectl config use-context`.
kubectl itself picks it out, so that several files in KUBECONFIG, relative paths and defaults mean what they mean everywhere.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mininode.cluster.files import private_folder, write_private
from mininode.documents import yaml_document
from mininode.errors import Unavailable

_SECONDS = 20.0


def access_file(
    kubectl: Path, folder: Path, kubeconfig: Path | None, context: str | None, environment: Mapping[str, str]
) -> tuple[Path, str]:
    """Write the access file of the context (of the current one for None) into `folder`; its path and the context's name.

    `kubeconfig` for None is what the environment says, as with kubectl. Raises Unavailable with the contexts that there are.
    """
    base = [str(kubectl), "config", *(["--kubeconfig", str(kubeconfig)] if kubeconfig else [])]
    wanted = ["--context", context] if context else []
    done = _asked([*base, "view", "--raw", "--minify", "--flatten", "--output", "yaml", *wanted], environment)
    if done.returncode:
        raise _no_context(base, environment, done.stderr)
    document = yaml_document(done.stdout) or {}
    name = str(document.get("current-context") or "")
    if not name or not document.get("clusters"):
        raise _no_context(base, environment, "no context is chosen")
    private_folder(folder)
    file = folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.kubeconfig"
    write_private(file, done.stdout.encode())
    return file, name


def _no_context(base: list[str], environment: Mapping[str, str], said: str) -> Unavailable:
    names = _asked([*base, "get-contexts", "--output", "name"], environment).stdout.split()
    problem = said.strip().removeprefix("error: ").splitlines()[-1:] or ["kubectl gave no reason"]
    return Unavailable(
        f"There is no cluster to install into: {problem[0]}.",
        f"There are these contexts: {', '.join(names)}. Choose one with --context."
        if names
        else "Name the cluster's access file with --kubeconfig, or set KUBECONFIG: `kubectl get nodes` has to work first.",
        reason="NoContext",
    )


def _asked(command: list[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - the toolbox's kubectl
        command, capture_output=True, text=True, timeout=_SECONDS, check=False, env=dict(environment)
    )

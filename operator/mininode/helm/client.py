"""The one door to Helm: install or upgrade a release, remove it, read what it was made from."""

import asyncio
import os
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from mininode.helm.locks import only_one
from mininode.helm.process import HelmCommand

_TIMEOUT = 300.0  # s; Helm only applies objects (we never let it wait for pods), so this is generous
# What Helm needs of our environment; the rest, secrets included, stays with us.
_PASSED_ON = (
    "PATH", "HOME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip


class Helm:
    """Helm with one cluster's access file. At most `parallel` processes run at once (47 MiB each, measured with Helm 4.1)."""

    def __init__(self, executable: Path, *, kubeconfig: Path | None = None, parallel: int = 3) -> None:
        self._executable = executable
        self._kubeconfig = kubeconfig
        self._slots = asyncio.Semaphore(parallel)
        self._home = tempfile.mkdtemp(prefix="mininode-helm-")  # nothing of a user's own Helm leaks in
        weakref.finalize(self, shutil.rmtree, self._home, ignore_errors=True)
        self.processes = 0  # started so far

    async def apply(
        self,
        name: str,
        chart: Path,
        values: Mapping[str, Any],
        *,
        namespace: str,
        labels: Mapping[str, str],
        description: str,
    ) -> int:
        """Install or upgrade a release; returns its revision.

        Helm is not asked to wait for pods: it is done in a second, so the time in which a kill leaves a lock is short,
        and what waits is the gate, which sees more. Nor is it asked to fetch the API's schemas to check objects by them, which
        is two thirds of its work: it is the API server that refuses fields it does not know, with and without.
        Raises HelmError, ToolError.
        """
        pairs = ",".join(f"{key}={value}" for key, value in labels.items())
        async with self._slot(namespace, name) as lock:
            # pyhelm3 0.5 has `disable_validation` for this, which hands every letter of the flag to Helm by itself.
            command = self._command("--labels", pairs, "--disable-openapi-validation", lock=lock)
            answer = await command.install_or_upgrade(
                name,
                chart,
                dict(values),
                namespace=namespace,
                create_namespace=False,
                description=description,
                reset_values=True,
                force_conflicts=True,  # a field that somebody took over by hand is taken back: the chart decides
            )
        return int(cast(dict[str, Any], answer)["version"])

    async def rollback(self, name: str, revision: int, *, namespace: str) -> None:
        """Put an earlier revision back, as a new revision with the labels of the old. Raises HelmError, ToolError."""
        async with self._slot(namespace, name) as lock:
            await self._command("--force-conflicts", lock=lock).rollback(name, revision, namespace=namespace)

    async def uninstall(self, name: str, *, namespace: str) -> None:
        """Remove a release and what it made, but for objects that its chart says to keep. Raises HelmError, ToolError."""
        async with self._slot(namespace, name) as lock:
            await self._command("--ignore-not-found", lock=lock).uninstall(name, namespace=namespace)

    def only_one(self, namespace: str, release: str) -> AbstractContextManager[int]:
        """The release's lock on this machine. Raises HelmError (retry soon) while a Helm process has it."""
        return only_one(str(self._kubeconfig or "in the cluster"), namespace, release)

    @asynccontextmanager
    async def _slot(self, namespace: str, release: str) -> AsyncIterator[int]:
        """One of the few places for a process, and this release's lock."""
        async with self._slots:
            with self.only_one(namespace, release) as lock:
                yield lock

    def _command(self, *extra: str, lock: int | None = None) -> HelmCommand:
        self.processes += 1
        environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        environment |= {
            "HELM_CACHE_HOME": f"{self._home}/cache",
            "HELM_CONFIG_HOME": f"{self._home}/config",
            "HELM_DATA_HOME": f"{self._home}/data",
            "GOGC": "400",  # it lives half a second and stays below 60 MiB: collecting garbage is a fifth of its CPU time
            "HELM_NO_PLUGINS": "1",
            "KUBECACHEDIR": f"{self._home}/kube",  # what the API server offers: asked by the first Helm, read by the others
        }
        return HelmCommand(
            executable=self._executable,
            environment=environment,
            deadline=_TIMEOUT,
            extra=extra,
            kubeconfig=self._kubeconfig,
            inherited=() if lock is None else (lock,),
        )

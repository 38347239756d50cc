"""`mininode support-bundle`: what somebody who helps needs to see, in one file, with every secret taken out."""

import asyncio
import io
import json
import os
import platform
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import platformdirs
import typer

from mininode import __version__
from mininode.awaiting import awaited
from mininode.cli.hiding import Hider
from mininode.cli.target import KubeconfigOption, NameOption, NamespaceOption, Target, target
from mininode.errors import ConfigError, MininodeError, Mistake

if TYPE_CHECKING:
    from mininode.kube.client import Kube
    from mininode.kube.resources import Resource

OPERATOR_NAMESPACE = "mininode-system"
_COMMAND = 15.0  # s for one kubectl or helm
_CLUSTER = 90.0  # s for everything that is asked of the cluster
_LOG_LINES = 2000
_LOG_BYTES = 2 * 1024 * 1024
_KINDS = (
    "Deployment", "StatefulSet", "Job", "Service", "ConfigMap", "NetworkPolicy", "PersistentVolumeClaim", "ServiceAccount",
)  # fmt: skip


def support_bundle(
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="File to write. Default: mininode-support-….tar.gz here.")
    ] = None,
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = None,
    name: NameOption = None,
) -> None:
    """Collect versions, status, events, logs and rendered manifests into one file, with every secret taken out.

    Works when the cluster does not answer, too. Look through the file before you send it.

    Example: mininode support-bundle --file bundle.tar.gz
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    out = file or Path(f"mininode-support-{stamp}.tar.gz")
    if out.exists():
        raise ConfigError([Mistake("--file", f"{out} is there already and stays as it is", "Name another file")])
    bundle = Bundle(Hider())
    try:
        wanted: Target | None = target(kubeconfig, namespace, name)
    except MininodeError as error:
        wanted = None
        bundle.problem("cluster", error.message)
    if wanted is not None:
        awaited(_ask_cluster(bundle, wanted))
    bundle.values("versions.json", _versions())
    _checks(bundle)
    _local_logs(bundle)
    try:
        bundle.write(out)
    except OSError as error:
        raise ConfigError([Mistake("--file", f"{out} can't be written: {error.strerror}", "Name another file")]) from error
    typer.echo(
        f"Written: {out} ({out.stat().st_size / 1024:.0f} KiB, {len(bundle.files) + len(bundle.data)} files; only you may read it)."
    )
    typer.echo(f"{bundle.hider.count} secrets were known and taken out. Look through it all the same before you send it.")
    for one in bundle.problems:
        typer.echo(f"  not in it: {one}")


class Bundle:
    """Files in memory, each without secrets. The secrets that are known grow while it is filled, so all is hidden at the end."""

    def __init__(self, hider: Hider) -> None:
        self.hider = hider
        self.files: dict[str, str] = {}
        self.data: dict[str, Any] = {}  # as values: hiding in their text could take a quote with it
        self.problems: list[str] = []

    def text(self, name: str, text: str) -> None:
        """Put a file in."""
        self.files[name] = text

    def values(self, name: str, value: Any) -> None:
        """Put a JSON file in."""
        self.data[name] = value

    def problem(self, what: str, why: str) -> None:
        """Note what could not be had."""
        self.problems.append(f"{what}: {self.hider.hidden(why)}")

    def write(self, out: Path) -> None:
        """Write the archive, for its owner only."""
        self.text("problems.txt", "".join(f"{one}\n" for one in self.problems) or "none\n")
        now = int(time.time())
        with (
            os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw,
            tarfile.open(fileobj=raw, mode="w:gz") as archive,
        ):
            files = {name: self.hider.hidden(text) for name, text in self.files.items()}
            files |= {name: _json(self.hider.hidden_in(self.hider.masked(value))) for name, value in self.data.items()}
            for name, text in sorted(files.items()):
                content = text.encode()
                entry = tarfile.TarInfo(f"mininode-support/{name}")
                entry.size, entry.mtime, entry.mode = len(content), now, 0o600
                archive.addfile(entry, io.BytesIO(content))


async def _ask_cluster(bundle: Bundle, wanted: Target) -> None:
    from mininode.kube.client import Kube

    try:
        async with asyncio.timeout(_CLUSTER):
            kube = await Kube.connect(Path(wanted.kubeconfig))
            async with kube:
                await _secrets(bundle, kube, wanted)  # first: what they hold is hidden in everything
                await _objects(bundle, kube, wanted)
    except (MininodeError, TimeoutError) as error:
        bundle.problem("cluster", getattr(error, "message", None) or "it did not answer in time")
        return
    await asyncio.to_thread(_outputs, bundle, wanted)


async def _secrets(bundle: Bundle, kube: "Kube", wanted: Target) -> None:
    from mininode.kube.resources import SECRETS

    names = []
    for namespace in (wanted.namespace, OPERATOR_NAMESPACE):
        for one in await _listed(bundle, kube, SECRETS, namespace):
            if one.get("type") != "helm.sh/release.v1":  # Helm's own: no password, and read with helm below
                bundle.hider.learn_secret(one.get("data") or {})
            names.append({"namespace": namespace, "name": one["metadata"]["name"], "keys": sorted(one.get("data") or {})})
    bundle.values("secrets-names-only.json", names)


async def _objects(bundle: Bundle, kube: "Kube", wanted: Target) -> None:
    from mininode.kube.resources import BY_KIND, EUCAIM_NODES, EVENTS, NODES, PERSISTENT_VOLUMES, PODS

    try:
        bundle.values("kubernetes.json", {"version": await kube.version()})
    except MininodeError as error:
        bundle.problem("kubernetes.json", error.message)
    for file, resource in (("nodes", EUCAIM_NODES), *((kind, BY_KIND[kind]) for kind in _KINDS), ("pod", PODS), ("events", EVENTS)):
        found = [
            bundle.hider.masked(one)
            for namespace in (wanted.namespace, OPERATOR_NAMESPACE)
            for one in await _listed(bundle, kube, resource, namespace)
        ]
        bundle.values(f"objects/{file.lower()}.json", found)
    for file, resource in (("machines", NODES), ("persistentvolumes", PERSISTENT_VOLUMES)):
        bundle.values(f"objects/{file}.json", [bundle.hider.masked(one) for one in await _listed(bundle, kube, resource, None)])


async def _listed(bundle: Bundle, kube: "Kube", resource: "Resource", namespace: str | None) -> list[dict[str, Any]]:
    try:
        return list(await kube.list(resource, namespace))
    except MininodeError as error:
        bundle.problem(f"{resource.plural} of {namespace or 'the cluster'}", error.message)
        return []


def _outputs(bundle: Bundle, wanted: Target) -> None:
    """Logs of pods and what Helm rendered, by the two programs that know how."""
    from mininode.cluster.operator_pod import KWOK_ANNOTATION
    from mininode.toolbox.toolbox import Toolbox

    box = Toolbox.from_environment()
    pods = bundle.data.get("objects/pod.json", [])
    machines = bundle.data.get("objects/machines.json", [])
    simulated = {one["metadata"]["name"] for one in machines if KWOK_ANNOTATION in (one["metadata"].get("annotations") or {})}
    kubectl, helm = (box.find(name) for name in ("kubectl", "helm"))
    ends = time.monotonic() + _CLUSTER
    if kubectl is None:
        bundle.problem("logs of pods", "there is no kubectl yet: mininode tools get kubectl")
    else:
        for pod in pods:
            if pod["spec"].get("nodeName") in simulated or time.monotonic() > ends:
                continue  # a simulated pod says nothing
            place = pod["metadata"]["namespace"], pod["metadata"]["name"]
            command = [
                str(kubectl.path),
                f"--kubeconfig={wanted.kubeconfig}",
                "logs",
                "-n",
                *place,
                "--all-containers",
                f"--tail={_LOG_LINES}",
            ]
            _run(bundle, f"logs/{'/'.join(place)}.log", command)
    if helm is None:
        bundle.problem("manifests", "there is no helm yet: mininode tools get helm")
        return
    base = [str(helm.path), f"--kubeconfig={wanted.kubeconfig}", "-n", wanted.namespace]
    listed = _output([*base, "list", "-o", "json"])
    releases = json.loads(listed or "[]")
    bundle.values("helm/releases.json", releases)
    for release in releases:
        _run(bundle, f"helm/{release['name']}.yaml", [*base, "get", "manifest", release["name"]], bundle.hider.masked_yaml)


def _run(bundle: Bundle, file: str, command: list[str], change: Callable[[str], str] = str) -> None:
    said = _output(command)
    if said is None:
        bundle.problem(file, "the command failed, or took too long")
    elif said:
        bundle.text(file, change(said[-_LOG_BYTES:]))


def _output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - kubectl or helm of the toolbox
            command, capture_output=True, text=True, errors="replace", timeout=_COMMAND, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _checks(bundle: Bundle) -> None:
    from dataclasses import asdict

    from mininode.cli.check import examine
    from mininode.cli.site import site_for

    try:
        findings = examine(site_for(None, None), "minikube")
    except MininodeError as error:
        bundle.problem("check.json", error.message)
        return
    bundle.values("check.json", [asdict(one) | {"level": one.level.value} for one in findings])


def _versions() -> dict[str, Any]:
    from mininode.toolbox.toolbox import Toolbox

    box = Toolbox.from_environment()
    tools = {}
    for name in box.names():
        try:
            tool = box.find(name)
        except MininodeError as error:
            tools[name] = error.message
            continue
        tools[name] = f"{tool.version} ({tool.origin})" if tool else "not here"
    return {"mininode": __version__, "python": platform.python_version(), "system": platform.platform(), "tools": tools}


def _local_logs(bundle: Bundle) -> None:
    """Logs of the installer and of a rehearsal, and minikube's own, below our state folder."""
    state = platformdirs.user_state_path("mininode")
    for path in _logs(state):
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - _LOG_BYTES))
                bundle.text(f"computer/{path.relative_to(state)}", file.read().decode(errors="replace"))
        except OSError as error:
            bundle.problem(str(path), error.strerror or str(error))


def _logs(state: Path) -> Iterable[Path]:
    # An audit log names who asked what and is large; keys and access files are no logs.
    found = [*state.glob("install/*.log*"), *state.glob("install/last.json"), *state.glob("rehearsal/logs/*.log*")]
    return sorted(path for path in found if path.is_file() and not path.name.startswith("audit"))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"

"""The operator's image in a minikube cluster: there already, pulled by the cluster, or built in it from the source."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from mininode.cluster.minikube.program import Programs
from mininode.cluster.way import Progress
from mininode.errors import ToolError, Unavailable
from mininode.manifests.objects import OperatorPod

_TOP = Path(__file__).parents[4]  # of the source, where this is no installed package
_NEEDED = (
    "operator/Dockerfile", "operator/mininode", "charts", "manifests", "requirements.lock", "pyproject.toml", "README.md",
    "images.lock.yaml", "config.example.yaml",
)  # fmt: skip


def have_image(programs: Programs, pod: OperatorPod, progress: Progress) -> None:
    """Make the image be in the cluster, unless a registry has it. Raises with advice where it can't be."""
    if pod.has_registry:
        return
    name = full_name(pod.image)
    if name in images(programs):
        progress.say(f"the image {pod.image} is in the cluster")
        return
    if not (_TOP / "operator/Dockerfile").is_file():
        raise Unavailable(
            f"The image {pod.image} is not in the cluster, and there is no source here to build it from.",
            "Name one of your registry in the configuration: operator.image.",
            reason="NoOperatorImage",
        )
    build(programs, name, progress)


def full_name(image: str) -> str:
    """As the cluster's engine lists a plain name."""
    return image if "/" in image else f"docker.io/library/{image}"


def images(programs: Programs) -> frozenset[str]:
    """Every name of every image in the cluster."""
    answer = programs.ask("image", "ls", "-p", programs.home.profile, "--format", "json")
    try:
        found: list[dict[str, Any]] = json.loads(answer.out) or []
    except ValueError:
        said = (answer.err or answer.out).strip()[:200]
        raise ToolError(f"minikube gave no list of the cluster's images: {said}", "Run the same command again.") from None
    return frozenset(name for one in found for name in one.get("repoTags") or ())


def build(programs: Programs, name: str, progress: Progress) -> None:
    """Build it in the cluster from the source. minikube's exit code tells nothing: what is there afterwards does."""
    progress.say(f"building the image {name} in the cluster, some minutes")
    with tempfile.TemporaryDirectory(prefix="mininode-image-") as folder:
        context = Path(folder)
        for part in _NEEDED:
            source, target = _TOP / part, context / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "_assets"))
            else:
                shutil.copy2(source, target)
        arguments = ("image", "build", "-p", programs.home.profile, "-t", name, "-f", "operator/Dockerfile", folder)
        answer = programs.ask(*arguments, seconds=progress.left)
    (programs.home.folder / "image-build.log").write_text(answer.out + answer.err, encoding="utf-8")
    if name not in images(programs):
        lines = [line.strip() for line in (answer.out + answer.err).splitlines() if line.strip()]
        raise ToolError(
            f"The operator's image could not be built in the cluster: {lines[-1][:300] if lines else 'no reason was given'}",
            "The build needs Python's packages and Helm from the Internet. Else name an image of your registry: operator.image. "
            f"All that was said: {programs.home.folder / 'image-build.log'}",
            reason="NoOperatorImage",
        )

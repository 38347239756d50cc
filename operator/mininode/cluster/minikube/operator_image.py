"""The operator's image in a minikube cluster: there already, pulled by the cluster, or built in it from the source.

Which one it is, is told by content. A plain name means this version's source: the image is called after the source's digest, so a
changed operator of the same version is another image. A name that the site gave (operator.image) means what bears it in the
cluster; the pod carries the image's id, so another content under the same name starts it anew.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mininode.cluster.minikube.image_source import lay_out
from mininode.cluster.minikube.program import Programs
from mininode.cluster.way import Progress
from mininode.errors import ToolError, Unavailable


def have_image(programs: Programs, name: str, progress: Progress, *, build_it: bool, helm: Path | None = None) -> str:
    """Make the image `name` be in the cluster; its id. Raises with advice where it can't be. `helm`: as `lay_out` takes it."""
    full = full_name(name)
    if found := images(programs).get(full):
        progress.say(f"the image {name} is in the cluster")
        return found
    if not build_it:
        raise Unavailable(
            f"The image {name} is not in the cluster, and there is no source here to build it from.",
            "Name one of your registry in the configuration: operator.image.",
            reason="NoOperatorImage",
        )
    return build(programs, full, progress, helm)


def full_name(image: str) -> str:
    """As the cluster's engine lists a plain name."""
    return image if "/" in image else f"docker.io/library/{image}"


def images(programs: Programs) -> Mapping[str, str]:
    """Every name of every image in the cluster, with the image's id."""
    answer = programs.ask("image", "ls", "-p", programs.home.profile, "--format", "json")
    try:
        found: list[dict[str, Any]] = json.loads(answer.out) or []
    except ValueError:
        said = (answer.err or answer.out).strip()[:200]
        raise ToolError(f"minikube gave no list of the cluster's images: {said}", "Run the same command again.") from None
    return {name: str(one.get("id", "")) for one in found for name in one.get("repoTags") or ()}


def build(programs: Programs, name: str, progress: Progress, helm: Path | None) -> str:
    """Build it in the cluster from the source; its id. minikube's exit code tells nothing: what is there afterwards does."""
    with tempfile.TemporaryDirectory(prefix="mininode-image-") as folder:
        lay_out(Path(folder), helm, progress)
        progress.say(f"building the image {name} in the cluster, some minutes")
        arguments = ("image", "build", "-p", programs.home.profile, "-t", name, "-f", "operator/Dockerfile", folder)
        answer = programs.ask(*arguments, seconds=progress.left)
    (programs.home.folder / "image-build.log").write_text(answer.out + answer.err, encoding="utf-8")
    if found := images(programs).get(name):
        return found
    lines = [line.strip() for line in (answer.out + answer.err).splitlines() if line.strip()]
    raise ToolError(
        f"The operator's image could not be built in the cluster: {lines[-1][:300] if lines else 'no reason was given'}",
        "The cluster has to reach the registry of the base image that operator/Dockerfile names. Else name an image of your "
        f"registry, or one that you loaded into the cluster: operator.image. All that was said: "
        f"{programs.home.folder / 'image-build.log'}",
        reason="NoOperatorImage",
    )

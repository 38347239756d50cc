"""`mininode export`: the node as a tree of files that Argo CD, Flux or kubectl applies."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mininode.manifests.format import Format

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig
    from mininode.manifests.tree import Place

_EXAMPLE_REPO = "https://git.hospital.example/platform/clusters.git"


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write, inside your Git repository.")],
    form: Annotated[Format, typer.Option("--format", "-f", help="Who applies it.")] = Format.KUSTOMIZE,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file. Default: config.yaml, if it is there.")
    ] = None,
    repo: Annotated[
        str | None, typer.Option(help="Address of your Git repository, for argocd and flux. Left out: an example's.")
    ] = None,
    revision: Annotated[str, typer.Option(help="Branch that Argo CD or Flux follows.")] = "main",
    path: Annotated[
        str | None, typer.Option(help="DIR as seen from the repository's top. Left out: found by the folder .git.")
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json.")] = "text",
) -> None:
    """Write the operator and the node as files for GitOps. No secret is among them; no cluster is asked.

    Run again, only what differs is written; what people made or changed is never overwritten.

    Example: mininode export --format flux --repo https://git.hospital.example/clusters.git clusters/node
    """
    from mininode.components.registry import all_components
    from mininode.errors import ConfigError, Mistake
    from mininode.manifests.tree import Place, tree
    from mininode.manifests.written import write_tree

    if output not in ("text", "json"):
        raise ConfigError([Mistake("--output", f"{output} is no form of output", "There are text and json")])
    site = _site(config)
    place = Place.of(repo or _EXAMPLE_REPO, revision, path if path is not None else _path_in_repository(folder))
    done = write_tree(folder, tree(form, site, all_components(), place))
    if output == "json":
        answer = {"written": done.written, "removed": done.removed, "unchanged": done.unchanged, "hints": _hints(form, site, repo)}
        typer.echo(json.dumps(answer, indent=2))
        return
    for one in done.written:
        typer.echo(f"  written  {one}")
    for one in done.removed:
        typer.echo(f"  removed  {one}")
    typer.echo(f"{folder}: {len(done.written)} files written, {len(done.removed)} removed, {len(done.unchanged)} as they were.")
    for line in _hints(form, site, repo):
        typer.echo(line)
    typer.echo(_next(form, folder, place))


def _site(config: Path | None) -> "SiteConfig":
    from mininode.cli.config_file import DEFAULT, read_config
    from mininode.errors import ConfigError, Mistake

    file = config or (DEFAULT if DEFAULT.exists() else None)
    if file is None:
        raise ConfigError(
            [
                Mistake(
                    "--config", "there is no configuration to export", "Copy config.example.yaml to config.yaml, set node.domain"
                )
            ]
        )
    return read_config(file)


def _path_in_repository(folder: Path) -> str:
    """DIR as seen from the folder that holds `.git`; its own name where there is none."""
    where = folder.resolve()
    top = next((one for one in where.parents if (one / ".git").exists()), where.parent)
    return str(where.relative_to(top))


def _hints(form: Format, site: "SiteConfig", repo: str | None) -> list[str]:
    """What the reader has to see to before the tree can work."""
    from mininode.manifests.objects import OperatorPod

    pod, found = OperatorPod.of(site), []
    if not pod.has_registry:
        found.append(
            f"! The operator's image is called {pod.image}: no machine can pull that. Push it to a registry of yours and set "
            "operator.image in the configuration (docs/on-your-cluster.md)."
        )
    if form is not Format.KUSTOMIZE and repo is None:
        found.append(f"! Without --repo the tree names {_EXAMPLE_REPO}. Export again with your own address.")
    return found


def _next(form: Format, folder: Path, place: "Place") -> str:
    match form:
        case Format.ARGOCD:
            return (
                "Next: commit and push, then\n"
                f"  kubectl patch configmap argocd-cm -n argocd --patch-file {folder}/argocd/argocd-cm.yaml\n"
                f"  kubectl apply -f {folder}/argocd/project.yaml -f {folder}/argocd/application.yaml"
            )
        case Format.FLUX:
            return f"Next: commit and push to {place.revision}, then\n  kubectl apply -k {folder}/flux"
        case _:
            return (
                f"Next:\n  kubectl apply --server-side -k {folder}/operator\n"
                f"  kubectl wait --for=condition=Established crd/eucaimnodes.mininode.cancerimage.eu\n"
                f"  kubectl apply --server-side -k {folder}/node"
            )

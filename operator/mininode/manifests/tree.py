"""A tree of files that makes an installation true by GitOps: path -> text, by format. Pure; `written.py` puts it on a disk.

The same configuration always gives the same bytes. No file holds a secret: Secrets are named, and examples show how External
Secrets or SOPS bring those that a site gives itself. Examples end in `.example`, so that no tool that reads a whole folder of
YAML takes them for wishes.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from mininode.components import volumes
from mininode.components.base import Component, Node
from mininode.errors import ConfigError, Mistake
from mininode.manifests import argocd, flux, keep, objects, secrets
from mininode.manifests.format import Format
from mininode.manifests.objects import Object, OperatorPod
from mininode.planning.plan import enabled

if TYPE_CHECKING:
    from mininode.api.config import SiteConfig

Tree = dict[str, str]
HEADER = "# Written by `mininode export`: change the configuration and export again. What people change here stays.\n"

_SCP_LIKE = re.compile(r"^(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?P<path>[^/].*)$")  # git's own short form of ssh://
_PASSWORD = re.compile(r"^[a-z]+://[^/@]*:[^/@]*@")
_REPO = re.compile(r"^(https?|ssh)://[^\s/]+(/[^\s]*)?$")
_PATH = re.compile(r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where Argo CD or Flux finds the tree: a Git repository, a branch or tag of it, a folder in it."""

    repo: str
    revision: str
    path: str

    @classmethod
    def of(cls, repo: str, revision: str, path: str) -> "Place":
        """The place as given, checked. Raises ConfigError with every mistake; a password in an address is not repeated."""
        mistakes: list[Mistake] = []
        if short := _SCP_LIKE.match(repo):
            repo = f"ssh://{short['user']}@{short['host']}/{short['path']}"
        if _PASSWORD.match(repo):
            mistakes.append(
                Mistake(
                    "--repo",
                    "the address holds a password or a token, and it would stand in Git",
                    "Give the plain address, and the password as a Secret to Argo CD or Flux",
                )
            )
        elif not _REPO.match(repo):
            mistakes.append(
                Mistake("--repo", f"{repo} is no address of a Git repository", "Write https://… or ssh://git@…")
            )
        path = path.strip("/") if path not in (".", "./", "") else "."
        if path != "." and (not _PATH.match(path) or ".." in path.split("/")):
            mistakes.append(
                Mistake("--path", f"{path} is no folder of a repository", "Write it from the repository's top: nodes/ours")
            )
        if not re.match(r"^[A-Za-z0-9._/-]+$", revision):
            mistakes.append(Mistake("--revision", f"{revision!r} is no branch or tag", "Write main, or v1.2.3"))
        if mistakes:
            raise ConfigError(mistakes)
        return cls(repo, revision, path)


def tree(form: Format, site: "SiteConfig", components: Mapping[str, Component], place: Place) -> Tree:
    """The files of an installation by path. `place` matters to Argo CD and Flux only."""
    pod = OperatorPod.of(site)
    needs = secrets.needs(site, pod, enabled(Node(site.name, site.namespace, site.node), components))
    annotate: dict[Format, Callable[[Object], Mapping[str, str]]] = {
        Format.KUSTOMIZE: lambda _one: {},
        Format.ARGOCD: argocd.annotations,
        Format.FLUX: flux.annotations,
    }
    files = _base(site, pod, annotate[form])
    match form:
        case Format.ARGOCD:
            files["kustomization.yaml"] = _kustomization(["operator", "node"])
            own = argocd.files(site, place.repo, place.revision, place.path)
            files |= {f"argocd/{name}": _yaml([one]) for name, one in own.items()}
            files |= {f"argocd/{name}": HEADER + text for name, text in argocd.texts().items()}
        case Format.FLUX:
            own = flux.files(site, place.repo, place.revision, place.path)
            files |= {f"flux/{name}": _yaml([one]) for name, one in own.items()}
            files["flux/kustomization.yaml"] = _kustomization(own)
            files["kustomization.yaml"] = _kustomization(["flux"])
        case Format.KUSTOMIZE:
            pass  # `kubectl apply -k operator`, then `node`: in one go the CRD would not be there yet
    return dict(sorted((files | secrets.examples(needs)).items()))


def _base(site: "SiteConfig", pod: OperatorPod, annotate: Callable[[Object], Mapping[str, str]]) -> Tree:
    node = Node(site.name, site.namespace, site.node)
    groups = {
        "operator": {
            "crd.yaml": [objects.crd()],
            "namespace.yaml": objects.operator_namespace(),
            "rights.yaml": objects.operator_rights(),
            "deployment.yaml": [keep.mounted(objects.operator_deployment(pod), node)],
        },
        "node": {"namespace.yaml": objects.node_namespace(site.namespace), "node.yaml": [objects.node(site)]},
    }
    if found := volumes.objects(node):
        groups["node"]["volumes.yaml"] = found
        groups["operator"]["credentials.yaml"] = keep.objects(node)
    files: Tree = {}
    for folder, parts in groups.items():
        files[f"{folder}/kustomization.yaml"] = _kustomization(parts)
        for name, found in parts.items():
            files[f"{folder}/{name}"] = _yaml([_annotated(one, annotate(one)) for one in found])
    return files


def _annotated(one: Object, annotations: Mapping[str, str]) -> Object:
    if not annotations:
        return one
    meta = one["metadata"]
    return {**one, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), **annotations}}}


def _kustomization(resources: Iterable[str]) -> str:
    return _yaml([{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(resources)}])


def _yaml(documents: list[Object]) -> str:
    return HEADER + yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=120)

"""Who applies a tree. In a file of its own: the command line's help needs it and nothing else of this room."""

import enum


class Format(enum.StrEnum):
    """Who applies the tree."""

    KUSTOMIZE = "kustomize"
    ARGOCD = "argocd"
    FLUX = "flux"

"""Where the charts, manifests and lock files lie: inside an installed package, or at the top of a source tree."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def asset(name: str) -> Path:
    """The path of `charts`, `manifests`, `images.lock.yaml` or `config.example.yaml`.

    A wheel carries them in `mininode/_assets` (pyproject.toml, force-include); a checkout has them two folders up.
    Raises FileNotFoundError when the installation lacks the asset.
    """
    for home in (_PACKAGE / "_assets", _PACKAGE.parent.parent):
        if (path := home / name).exists():
            return path
    raise FileNotFoundError(f"{name} is missing from this installation of mininode: install it again")

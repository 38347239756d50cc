"""`mininode generate`, for developers: writes the files of the source tree that are made from the models."""

from pathlib import Path
from typing import Annotated

import typer

HIDDEN = True


def generate(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 naming the files that differ.")] = False,
    tree: Annotated[Path, typer.Option(help="Top of the source tree.")] = Path(),
) -> None:
    """Write the CRD, docs/spec.md, config.example.yaml and the table in docs/engine.md from the code.

    Example: mininode generate --check
    """
    from mininode.errors import MininodeError

    if not (tree / "operator" / "mininode").is_dir():
        raise MininodeError(
            f"{tree.resolve()} is no source tree of mininode", "Run it in the top folder of the repository."
        )
    different = [
        name
        for name, text in generated(tree).items()
        if not (tree / name).exists() or (tree / name).read_text("utf-8") != text
    ]
    if check and different:
        raise MininodeError(
            f"not what the models say: {', '.join(different)}", "Run `make generate` and look at the difference."
        )
    for name in different:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(generated(tree)[name], "utf-8")
        typer.echo(f"written: {name}")
    if not different:
        typer.echo("All generated files are as the models say.")


def generated(tree: Path) -> dict[str, str]:
    """Every generated file's text by its path in the tree; the examples in the reference are read from there."""
    from mininode.api import GROUP, PLURAL
    from mininode.api.crd import crd_yaml
    from mininode.api.example import config_example
    from mininode.api.reference import spec_reference
    from mininode.components.network_reference import network_reference
    from mininode.components.registry import all_components
    from mininode.planning.reference import with_table

    names = list(all_components())
    examples = {
        title: (tree / "manifests" / "examples" / file).read_text("utf-8")
        for title, file in (("The smallest node", "micro-minimal.yaml"), ("Nearly everything", "micro-full.yaml"))
    }
    return {
        f"manifests/crd/{PLURAL}.{GROUP}.yaml": crd_yaml(names),
        "docs/spec.md": spec_reference(names, examples),
        "config.example.yaml": config_example(names),
        "docs/network.md": network_reference(all_components().values()),
        "docs/engine.md": with_table((tree / "docs" / "engine.md").read_text("utf-8")),
    }

"""YAML as objects: read by libyaml where PyYAML has it, which takes a seventh of the time of PyYAML's own reader."""

from collections.abc import Iterator
from typing import IO, Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_document(text: str | IO[str]) -> Any:
    """The one document of a text; None for an empty one. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - one of the two safe ones


def yaml_documents(text: str | IO[str]) -> Iterator[Any]:
    """Each document of a text, read when it is asked for. Raises yaml.YAMLError."""
    yield from yaml.load_all(text, Loader=LOADER)

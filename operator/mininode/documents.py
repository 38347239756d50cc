"""YAML as objects: read by libyaml where PyYAML has it, which takes a tenth of the time of PyYAML's own reader."""

from collections.abc import Iterator
from typing import IO, Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]

__all__ = ["SafeLoader", "yaml_document", "yaml_documents"]


def yaml_document(text: str | IO[str]) -> Any:
    """The one document of a text; None for an empty one. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=SafeLoader)


def yaml_documents(text: str | IO[str]) -> Iterator[Any]:
    """Each document of a text, read when it is asked for. Raises yaml.YAMLError."""
    yield from yaml.load_all(text, Loader=SafeLoader)

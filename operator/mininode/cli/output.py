"""The forms in which a command's answer is printed, for every command that has a choice."""

import enum
from typing import Annotated

import typer


class Output(enum.StrEnum):
    """Forms of an answer about a node."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


class TextOrJson(enum.StrEnum):
    """Forms of an answer that nobody keeps as YAML."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="text for people, json or yaml for programs.")]
TextOrJsonOption = Annotated[TextOrJson, typer.Option("--output", "-o", help="text for people, json for programs.")]

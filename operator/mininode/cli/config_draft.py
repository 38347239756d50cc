"""Answers written into a configuration file, with its comments kept: into the documented example, or into a file that is there.

A field that stands behind a '#' in the text is brought to life where it stands, so that its comment is still above it.
"""

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

Place = tuple[str, ...]
_LINE = re.compile(r"^(?P<indent> *)(?P<hash>#?)(?P<dash>- )?(?P<key>[A-Za-z][\w-]*):(?P<rest>( .*)?)$")


def with_answers(text: str, answers: Mapping[Place, Any]) -> str:
    """The text with each path set to its value; None leaves a path as it is. Comments, order and blank lines stay."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    given = {path: value for path, value in answers.items() if value is not None}
    for path in given:
        text = _brought_to_life(text, path)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(text) or CommentedMap()
    for path, value in given.items():
        _put(data, path, value, CommentedMap)
    out = io.StringIO()
    yaml.dump(data, out)
    return out.getvalue()


def _put(data: Any, path: Place, value: Any, new_map: type[Any]) -> None:
    for part in path[:-1]:
        if not isinstance(data.get(part), dict):
            data[part] = new_map()
        data = data[part]
    if isinstance(value, list) and isinstance(data.get(path[-1]), list):
        data[path[-1]][:] = value  # the list's own comments and style stay
    elif data.get(path[-1]) != value:
        data[path[-1]] = value


def _brought_to_life(text: str, path: Place) -> str:
    lines = text.split("\n")
    wanted = {path[:end] for end in range(1, len(path) + 1)}
    for number, here, commented in _fields(lines):
        if commented and here in wanted:
            lines[number] = lines[number].replace("#", "", 1)
    return "\n".join(lines)


def _fields(lines: list[str]) -> Iterator[tuple[int, Place, bool]]:
    """Every field of the text: its line, its path by indentation, and whether it stands behind a '#'."""
    above: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        found = _LINE.match(line)
        if found is None or found["dash"]:
            continue
        depth = len(found["indent"])
        while above and above[-1][0] >= depth:
            above.pop()
        above.append((depth, found["key"]))
        yield number, tuple(key for _, key in above), bool(found["hash"])

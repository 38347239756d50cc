"""The commands in a document, and whether a test runs them: each ```console block is preceded by a comment that says so.

    <!-- run -->                    run as it is; every command must end with exit code 0
    <!-- run: exit 0 or 4 -->       one of these exit codes
    <!-- run on minikube -->        run by tests/minikube/test_documents.py, for it needs a real one
    <!-- not run: needs Argo CD --> shown only, and why
    <!-- setup: COMMAND -->         run first, not shown to readers
    <!-- file: NAME -->             the block below, in whatever language, is written into that file

A command begins with `$ `; a line that ends with a backslash goes on in the next. Other lines are output, and not compared.
"""

import re
import shlex
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

_MARK = re.compile(r"^\s*<!-- (?P<word>run on minikube|run|not run|setup|file)(: (?P<rest>.*?))? -->$")
_END = "END-OF-FILE"


@dataclass(frozen=True)
class Block:
    """One block of commands."""

    line: int
    commands: tuple[str, ...]
    runs: bool
    codes: tuple[int, ...] = (0,)
    reason: str = ""  # why it is not run here; empty and not `runs`: nobody said
    on_minikube: bool = False


def blocks(text: str) -> list[Block]:
    """Every console block of a document, with the setups and the files as blocks of their own."""
    lines, found, mark = text.split("\n"), [], None
    number = 0
    while number < len(lines):
        line = lines[number].strip()
        if said := _MARK.match(line):
            mark = said
            if said["word"] == "setup":
                found.append(Block(number + 1, (said["rest"],), runs=True))
                mark = None
        elif line.startswith("```"):
            end = next(at for at in range(number + 1, len(lines)) if lines[at].strip() == "```")
            inside = lines[number + 1 : end]
            if mark is not None and mark["word"] == "file":
                found.append(_file(number + 1, inside, mark["rest"]))
            elif line == "```console":
                found.append(_block(number + 1, inside, mark))
            number, mark = end, None
        elif line:
            mark = None
        number += 1
    return found


def script(wanted: Iterable[Block]) -> str:
    """A bash script that runs the blocks in order in one shell, so that `export` and `cd` hold, and says where it stopped."""
    parts = ["set -uo pipefail"]
    for block in wanted:
        if not block.runs:
            continue
        for command in block.commands:
            codes = "|".join(str(code) for code in block.codes)
            shown = shlex.quote(f":: line {block.line}: {command}")
            parts.append(f'echo {shown}\n{command}\ncode=$?\ncase $code in {codes}) ;; *) echo ":: exit $code"; exit 1 ;; esac')
    return "\n".join([*parts, "echo :: done", ""])


def _file(line: int, inside: list[str], name: str) -> Block:
    text = textwrap.dedent("\n".join(inside))
    return Block(line, (f"cat > {shlex.quote(name)} <<'{_END}'\n{text}\n{_END}",), runs=True)


def _block(line: int, inside: list[str], mark: "re.Match[str] | None") -> Block:
    commands: list[str] = []
    goes_on = False
    for one in (raw.strip() for raw in inside):
        if goes_on:
            commands[-1] += "\n" + one
        elif one.startswith("$ "):
            commands.append(one[2:])
        else:
            continue
        goes_on = one.endswith("\\")
    if mark is None:
        return Block(line, tuple(commands), runs=False)
    if mark["word"] == "not run":
        return Block(line, tuple(commands), runs=False, reason=mark["rest"] or "")
    if mark["word"] == "run on minikube":
        return Block(line, tuple(commands), runs=False, reason="run by tests/minikube/test_documents.py", on_minikube=True)
    codes = tuple(int(code) for code in re.findall(r"\d+", mark["rest"] or "0"))
    return Block(line, tuple(commands), runs=True, codes=codes)

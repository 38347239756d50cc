"""The decision table as documentation: docs/engine.md shows the code's own rows."""

from mininode.planning.decide import ROWS

BEGIN = "<!-- rows of operator/mininode/planning/decide.py, written by `make generate` -->"
END = "<!-- end of the rows -->"


def with_table(text: str) -> str:
    """The document with the table between its two marks made anew. Raises ValueError when a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/engine.md needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{_table()}{END}{after}"


def _table() -> str:
    lines = ["| # | case | action | reason | because |", "|---|---|---|---|---|"]
    lines += [f"| {number} | {row.name} | {row.action} | {row.reason} | {row.because} |" for number, row in enumerate(ROWS, 1)]
    return "\n".join(lines) + "\n"

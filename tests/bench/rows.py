"""A line of the benches' tables: what was measured, and the most that it may be."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure: `goal` is the most that it may be."""

    what: str
    measured: float
    unit: str
    goal: float | None = None
    beside: str = ""  # what the same work cost another way, in this run

    @property
    def missed(self) -> bool:
        return self.goal is not None and self.measured > self.goal

    def line(self) -> str:
        verdict = "" if self.goal is None else "missed" if self.missed else "✓"
        goal = "" if self.goal is None else f"≤ {self.goal:g} {self.unit}".rstrip()
        return f"  {self.what:<58} {self.measured:>9.2f} {self.unit:<4} {goal:<12} {verdict:<7} {self.beside}".rstrip()


def verdict(rows: Iterable[Row]) -> str:
    """The last line of a table."""
    missed = [row.what.strip() for row in rows if row.missed]
    return f"Missed: {'; '.join(missed)}" if missed else "Every goal is met."

"""A Gantt picture as SVG: rows of bars on one axis of seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_LEFT, _ROW, _TOP, _WIDTH = 190, 22, 40, 960
_COLOURS = {"step": "#8a94a6", "pods": "#2a6fb0", "gate": "#9ec5e8", "critical": "#c2571a"}
_MEANING = {
    "step": "the installer's step", "pods": "pods start", "gate": "installed, and its gate asked",
    "critical": "pods on the critical path",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """From one second to another."""

    begin: float
    end: float
    kind: str  # a key of _COLOURS


@dataclass(frozen=True)
class Line:
    """One row of the picture."""

    name: str
    bars: Sequence[Bar]


def picture(title: str, lines: Sequence[Line]) -> str:
    """The picture's text."""
    last = max(bar.end for line in lines for bar in line.bars)
    scale = (_WIDTH - _LEFT - 20) / last
    height = _TOP + _ROW * len(lines) + 56
    grid = 30 if last < 400 else 60

    def x(second: float) -> float:
        return round(_LEFT + second * scale, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="10" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    bottom = _TOP + _ROW * len(lines)
    for second in range(0, int(last) + 1, grid):
        parts += [
            f'<line x1="{x(second)}" x2="{x(second)}" y1="{_TOP - 6}" y2="{bottom}" stroke="#ddd"/>',
            f'<text x="{x(second)}" y="{bottom + 16}" text-anchor="middle" fill="#555">{second} s</text>',
        ]
    for number, line in enumerate(lines):
        y = _TOP + _ROW * number
        parts.append(f'<text x="10" y="{y + 15}">{escape(line.name)}</text>')
        for bar in line.bars:
            width = max(round((bar.end - bar.begin) * scale, 1), 1)
            parts.append(f'<rect x="{x(bar.begin)}" y="{y + 4}" width="{width}" height="14" fill="{_COLOURS[bar.kind]}"/>')
    place = 10
    for kind, meaning in _MEANING.items():
        parts += [
            f'<rect x="{place}" y="{bottom + 30}" width="12" height="12" fill="{_COLOURS[kind]}"/>',
            f'<text x="{place + 18}" y="{bottom + 40}">{meaning}</text>',
        ]
        place += 30 + 7 * len(meaning)
    return "\n".join([*parts, "</svg>", ""])

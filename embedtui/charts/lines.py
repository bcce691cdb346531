"""Lines over places at equal distances: strokes, marks, and a lane for equal bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from embedtui.charts.axes import Decades
from embedtui.charts.glyphs import mark_of
from embedtui.charts.left_axis import put_equal
from embedtui.charts.picture import Canvas, label_of
from embedtui.charts.plotter import DOTS, Stroke, draw

_WITH_NAMES = 48
"""Columns from which lines are named beside the chart."""


@dataclass(frozen=True)
class Line:
    """One setting's largest drift at each batch size, or at each place in its layers."""

    label: str
    style: str
    points: tuple[tuple[int, float | None], ...]
    """None where all vectors are equal bit for bit."""
    focused: bool = False
    speeds: tuple[tuple[int, float], ...] = ()
    """Batch size and texts per second; the focused line's stand below the axis."""


def put_lines(
    canvas: Canvas,
    lines: Sequence[Line],
    places: Mapping[int, float],
    axis: Decades,
    left: int,
    across: int,
    *,
    lane: bool,
    unicode: bool,
) -> None:
    """Put strokes, finer than a cell, and over them the marks; the focused line's are the last.

    Marks of one cell stand side by side as far as there is room; those of identical vectors have a
    lane below the axis.
    """
    ordered = sorted(lines, key=lambda line: line.focused)
    glyph = DOTS if unicode else "."
    strokes = []
    for line in ordered:
        points = [(places[at], axis.place(value)) for at, value in line.points if value]
        for (x1, y1), (x2, y2) in pairwise(points):
            strokes.append(Stroke([x1, x2], [y1, y2], line.style, glyph, connected=True))
    canvas.cells(left, 0, draw(across, axis.cells, strokes))
    if lane:
        put_equal(canvas, left, axis.cells, unicode=unicode)
    cells: dict[tuple[int, int], list[Line]] = {}
    for line in ordered:
        for at, value in line.points:
            row = axis.row(value) if value else axis.cells
            cells.setdefault((int(places[at]), row), []).append(line)
    room = _room([int(place) for place in places.values()])
    for (x, y), there in cells.items():
        shown = there[-room:]
        first = min(max(x - (len(shown) - 1) // 2, 0), max(across - len(shown), 0))
        for number, line in enumerate(shown):
            mark = mark_of(line.style, unicode=unicode)
            canvas.put(left + first + number, y, mark, line.style)


def _room(columns: Sequence[int]) -> int:
    """Return how many marks fit side by side, a blank between them and the next place's."""
    ordered = sorted(columns)
    return max(min((b - a for a, b in pairwise(ordered)), default=ordered[0] * 2 + 1) - 1, 1)


def put_names(
    canvas: Canvas,
    lines: Sequence[Line],
    axis: Decades,
    x: int,
    *,
    lane: bool,
    unicode: bool,
) -> None:
    """Name from column `x` on each line that is seen, next to where it ends; count the others."""
    seen = [
        line for line in lines if canvas.shows(line.style, mark_of(line.style, unicode=unicode))
    ]
    rows = axis.cells + lane
    hidden = len(lines) - len(seen)
    if len(seen) > rows - (hidden > 0):
        seen = sorted(seen, key=lambda line: not line.focused)[: rows - 1]
        hidden = len(lines) - len(seen)
    free = list(range(rows - (hidden > 0)))
    wanted = {line.label: _end_of(line, axis) for line in seen}
    taken = []
    for line in sorted(seen, key=lambda line: (wanted[line.label], line.label)):
        taken.append((line, free[0]))
        free = free[1:]
    _spread(canvas, taken, wanted, x, rows - (hidden > 0), unicode=unicode)
    if hidden:
        canvas.put(x, rows - 1, f"+{hidden} more", "axis")


def _spread(
    canvas: Canvas,
    named: Sequence[tuple[Line, int]],
    wanted: Mapping[str, int],
    x: int,
    rows: int,
    *,
    unicode: bool,
) -> None:
    """Put names in their order, each as near to where its line ends as the others let it."""
    last = rows - len(named)
    at = -1
    for line, least in named:
        at = min(max(wanted[line.label], at + 1), least + last)
        canvas.put(x, at, mark_of(line.style, unicode=unicode), line.style)
        label = label_of(line.label, canvas.width - x - 2, unicode=unicode)
        canvas.put(x + 2, at, label, "focus" if line.focused else "label")


def _end_of(line: Line, axis: Decades) -> int:
    value = line.points[-1][1] if line.points else None
    return axis.row(value) if value else axis.cells


def names_width(lines: Sequence[Line], width: int) -> int:
    """Return the columns that the lines' names take at the right; 0 where there is no room."""
    if width < _WITH_NAMES or len(lines) < 2:
        return 0
    return min(max(len(line.label) for line in lines) + 3, width // 3)

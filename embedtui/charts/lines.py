"""Lines over places at equal distances: strokes, marks, and a lane for equal bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from embedtui.charts.axes import Decades
from embedtui.charts.glyphs import mark_of
from embedtui.charts.left_axis import put_equal
from embedtui.charts.picture import Canvas
from embedtui.charts.plotter import Stroke


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


def strokes_of(
    lines: Sequence[Line], places: dict[int, float], axis: Decades, *, unicode: bool
) -> list[Stroke]:
    """Return the lines' strokes and, over them, their marks; the focused line's are the last."""
    strokes = []
    ordered = sorted(lines, key=lambda line: line.focused)
    for line in ordered:
        points = [(places[size], axis.place(value)) for size, value in line.points if value]
        for (x1, y1), (x2, y2) in pairwise(points):
            strokes.append(Stroke([x1, x2], [y1, y2], line.style, _join(unicode), connected=True))
    for line in ordered:
        points = [(places[size], axis.cell(value) + 0.5) for size, value in line.points if value]
        glyph = mark_of(line.style, unicode=unicode)
        xs, ys = [x for x, _ in points], [y for _, y in points]
        strokes.append(Stroke(xs, ys, line.style, glyph))
    return strokes


def _join(unicode: bool) -> str:
    return "braille" if unicode else "."


def put_lane(
    canvas: Canvas,
    lines: Sequence[Line],
    places: dict[int, float],
    left: int,
    y: int,
    *,
    unicode: bool,
) -> None:
    """Put the marks of lines with equal bits side by side, as many as there is room for."""
    put_equal(canvas, left, y, unicode=unicode)
    for size, place in places.items():
        there = [line for line in lines if (size, None) in line.points]
        start = left + int(place) - (len(there) - 1) // 2
        for number, line in enumerate(there):
            canvas.put(
                start + number, y, mark_of(line.style, unicode=unicode), line.style, over=False
            )

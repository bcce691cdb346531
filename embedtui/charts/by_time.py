"""Distances over time: a column for each check, a line for each setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedtui.charts.axes import ROOM_UP, Decades
from embedtui.charts.glyphs import mark_of
from embedtui.charts.left_axis import fit_left_axis, put_decades, put_equal, put_tolerance
from embedtui.charts.lower_axis import put_lower_line
from embedtui.charts.picture import Canvas, Picture, label_of, message
from embedtui.charts.plotter import Stroke, draw

_LEAST = (30, 7)


@dataclass(frozen=True)
class Series:
    """One setting's distance at each moment that it was checked."""

    label: str
    style: str
    points: tuple[tuple[float, float], ...]
    """Seconds since 1970, and the distance; 0 for equal bits."""


def over_time(
    series: Sequence[Series],
    *,
    width: int,
    height: int,
    first: str,
    last: str,
    tolerance: float | None = None,
    tolerance_label: str = "",
    unicode: bool = True,
) -> Picture:
    """Draw distances over time between the words `first` and `last`; equal bits have a lane."""
    moments = sorted({at for one in series for at, _ in one.points})
    if not moments:
        return message("no checks yet", width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    values = [value for one in series for _, value in one.points]
    lane = any(value == 0 for value in values)
    rows = height - 2 - (1 if lane else 0)
    axis = Decades.over([*values, tolerance], rows, ROOM_UP)
    left = fit_left_axis(axis, lane=lane)
    canvas = Canvas(width, height)
    across = width - left - 1
    span = moments[-1] - moments[0]

    def place(at: float) -> float:
        return 0.5 + (across - 1) * ((at - moments[0]) / span if span else 0.5)

    put_decades(canvas, axis, left, unicode=unicode, ticks=True)
    if tolerance is not None:
        put_tolerance(canvas, axis, tolerance, left, across, tolerance_label, unicode=unicode)
    strokes = []
    for one in series:
        there = [(place(at), axis.place(value)) for at, value in one.points if value]
        xs, ys = [x for x, _ in there], [y for _, y in there]
        glyph = "braille" if unicode else "."
        if len(there) > 1:
            strokes.append(Stroke(xs, ys, one.style, glyph, connected=True))
        marks = [int(y) + 0.5 for y in ys]
        strokes.append(Stroke(xs, marks, one.style, mark_of(one.style, unicode=unicode)))
    canvas.cells(left, 0, draw(across, rows, strokes))
    if lane:
        put_equal(canvas, left, rows, unicode=unicode)
        for one in series:
            for at, value in one.points:
                if value == 0:
                    mark = mark_of(one.style, unicode=unicode)
                    canvas.put(left + int(place(at)), rows, mark, one.style)
    put_lower_line(canvas, left, height - 2, across, unicode=unicode)
    half = (across - 1) // 2
    early, late = (label_of(word, half, unicode=unicode) for word in (first, last))
    canvas.put(left, height - 1, early, "axis")
    canvas.put(left + across - len(late), height - 1, late, "axis")
    return canvas.picture()

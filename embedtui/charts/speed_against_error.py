"""Precision against cost: every setting a mark, and a line through those that nothing beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from embedtui.charts.axes import ROOM_UP, Decades
from embedtui.charts.glyphs import mark_of
from embedtui.charts.left_axis import fit_left_axis, put_decades, put_equal, put_tolerance
from embedtui.charts.lower_axis import put_lower_line
from embedtui.charts.picture import Canvas, Picture, label_of, message
from embedtui.charts.plotter import Stroke, draw

_LEAST = (28, 7)


@dataclass(frozen=True)
class FrontPoint:
    """One setting."""

    label: str
    style: str
    speed: float
    """Texts per second."""
    distance: float
    """0 for equal bits."""
    on_front: bool
    focused: bool = False


def front_chart(
    points: Sequence[FrontPoint],
    *,
    width: int,
    height: int,
    tolerance: float | None = None,
    unicode: bool = True,
    empty: str = "",
) -> Picture:
    """Draw texts per second across and distance up; the best place is the lower right."""
    if not points:
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    lane = any(not point.distance for point in points)
    rows = height - 2 - lane
    axis = Decades.over([*(p.distance for p in points), tolerance], rows, ROOM_UP)
    left = fit_left_axis(axis, lane=lane)
    across = width - left - 2
    most = max(point.speed for point in points) * 1.05
    canvas = Canvas(width, height)
    put_decades(canvas, axis, left, unicode=unicode)
    if tolerance is not None:
        put_tolerance(canvas, axis, tolerance, left, across, unicode=unicode)
    line = sorted((p for p in points if p.on_front), key=lambda point: -point.speed)
    strokes = [
        Stroke(
            [one.speed / most * across, other.speed / most * across],
            [axis.place(one.distance), axis.place(other.distance)],
            "faint",
            "braille" if unicode else ".",
            connected=True,
        )
        for one, other in pairwise(line)
    ]
    canvas.cells(left, 0, draw(across, rows, strokes))
    for point in sorted(points, key=lambda point: (point.focused, point.on_front)):
        x = left + min(int(point.speed / most * across), across - 1)
        y = axis.row(point.distance) if point.distance else rows
        canvas.put(x, y, mark_of(point.style, unicode=unicode), point.style)
        if point.focused:
            _name(canvas, point, x, y, width, unicode=unicode)
    if lane:
        put_equal(canvas, left, rows, unicode=unicode)
    foot = height - 2
    put_lower_line(canvas, left, foot, across, unicode=unicode)
    canvas.put(left, foot + 1, "0", "axis")
    end = f"{most / 1.05:.0f} texts/s"
    canvas.put(left + across - len(end), foot + 1, end, "axis")
    return canvas.picture()


def _name(canvas: Canvas, point: FrontPoint, x: int, y: int, width: int, *, unicode: bool) -> None:
    """Put the focused setting's name beside its mark, where there is more room."""
    room = max(width - x - 3, x - 9)
    text = label_of(point.label, max(room, 0), unicode=unicode)
    canvas.put(x + 2 if width - x - 3 >= x - 9 else x - 1 - len(text), y, text, "focus")

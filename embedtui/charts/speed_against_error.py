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

_LEAST = (28, 5)
_FOOT = 2
"""Rows of the lower axis."""
_NAME = 22
"""Columns of a name at most."""


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
    rows = height - _FOOT - lane
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
    marks: dict[str, tuple[int, int]] = {}
    for point in sorted(points, key=_rank):
        x = left + min(int(point.speed / most * across), across - 1)
        y = axis.row(point.distance) if point.distance else rows
        canvas.put(x, y, mark_of(point.style, unicode=unicode), point.style)
        marks[point.label] = x, y
    unnamed = _put_names(canvas, points, marks, left, left + across, unicode=unicode)
    if lane:
        put_equal(canvas, left, rows, unicode=unicode)
    foot = height - _FOOT
    put_lower_line(canvas, left, foot, across, unicode=unicode)
    canvas.put(left, foot + 1, "0", "axis")
    if unnamed:
        canvas.put(left + 3, foot + 1, f"+{unnamed} more", "axis")
    end = f"{most / 1.05:.0f} texts/s"
    canvas.put(left + across - len(end), foot + 1, end, "axis")
    return canvas.picture()


def _name_focused(canvas: Canvas, x: int, y: int, left: int, end: int, name: str) -> bool:
    """Name the focused setting above or below its mark; say whether there was room."""
    place = min(x, end - len(name))
    for row in (y - 1, y + 1):
        if place >= left and row < canvas.height - _FOOT and canvas.is_blank(place, row, len(name)):
            canvas.put(place, row, name, "focus")
            return True
    return False


def _rank(point: FrontPoint) -> tuple[bool, bool]:
    return point.focused, point.on_front


def _put_names(
    canvas: Canvas,
    points: Sequence[FrontPoint],
    marks: dict[str, tuple[int, int]],
    left: int,
    end: int,
    *,
    unicode: bool,
) -> int:
    """Name settings beside their marks where there is room; return how many are not named.

    The most telling come first. What lies below another's mark is not seen, and not named.
    """
    unnamed = 0
    for point in sorted(points, key=_rank, reverse=True):
        x, y = marks[point.label]
        name = label_of(point.label, _NAME, unicode=unicode)
        seen = canvas.at(x, y) == (mark_of(point.style, unicode=unicode), point.style)
        for place in (x + 2, x - 1 - len(name)) if seen else ():
            first = max(place - 1, left)
            inside = left <= place and place + len(name) <= end
            if inside and canvas.is_blank(first, y, place + len(name) + 1 - first):
                canvas.put(place, y, name, "focus" if point.focused else "label")
                break
        else:
            unnamed += not (seen and point.focused and _name_focused(canvas, x, y, left, end, name))
    return unnamed

"""Largest drift over batch sizes, a line for each setting; equal bits have a lane of their own."""

from __future__ import annotations

from collections.abc import Sequence

from embedtui.charts.axes import ROOM_UP, Decades
from embedtui.charts.left_axis import fit_left_axis, put_decades, put_tolerance
from embedtui.charts.lines import Line, names_width, put_lines, put_names
from embedtui.charts.lower_axis import put_lower_line, put_named_labels
from embedtui.charts.picture import Canvas, Picture, message

_LEAST = (22, 4)
_LEAST_WITH_SPEEDS = 9


def drift_by_batch_size(
    lines: Sequence[Line],
    *,
    width: int,
    height: int,
    tolerance: float | None = None,
    tolerance_label: str = "",
    unicode: bool = True,
    empty: str = "",
) -> Picture:
    """Draw a line for each setting over batch sizes at equal distances."""
    sizes = sorted({size for line in lines for size, _ in line.points})
    if not sizes:
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    lane = any(value is None for line in lines for _, value in line.points)
    speeds = next((line for line in lines if line.focused and line.speeds), None)
    if height < _LEAST_WITH_SPEEDS:
        speeds = None
    foot = 3 if speeds else 2
    rows = height - foot - (1 if lane else 0)
    values = [value for line in lines for _, value in line.points]
    axis = Decades.over([*values, tolerance], rows, ROOM_UP)
    left = fit_left_axis(axis, lane=lane)
    canvas = Canvas(width, height)
    beside = names_width(lines, width)
    across = width - left - 1 - beside
    step = across / max(len(sizes), 1)
    places = {size: (number + 0.5) * step for number, size in enumerate(sizes)}
    put_decades(canvas, axis, left, unicode=unicode, ticks=True)
    if tolerance is not None:
        limit = f"{tolerance_label} limit" if tolerance_label else ""
        put_tolerance(canvas, axis, tolerance, left, across, limit, unicode=unicode)
    put_lines(canvas, lines, places, axis, left, across, lane=lane, unicode=unicode)
    if beside:
        put_names(canvas, lines, axis, left + across + 1, lane=lane, unicode=unicode)
    put_lower_line(canvas, left, height - foot, across, unicode=unicode)
    columns = {size: left + int(place) for size, place in places.items()}
    named = [(column, str(size)) for size, column in columns.items()]
    put_named_labels(canvas, "batch", named, height - foot + 1, "axis")
    if speeds:
        told = [(columns[at], f"{speed:.0f}") for at, speed in speeds.speeds if at in columns]
        put_named_labels(canvas, "texts/s", told, height - 1, speeds.style)
    return canvas.picture()

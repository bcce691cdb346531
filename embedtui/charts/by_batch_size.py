"""Largest drift over batch sizes, a line for each setting; equal bits have a lane of their own."""

from __future__ import annotations

from collections.abc import Sequence

from embedtui.charts.axes import Decades
from embedtui.charts.left_axis import put_decades, put_tolerance
from embedtui.charts.lines import Line, put_below, put_foot, put_lane, strokes_of
from embedtui.charts.picture import Picture, Sheet, label_of, message
from embedtui.charts.plotter import draw

_LEAST = (22, 6)
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
    left = 7 if lane else 6
    speeds = next((line for line in lines if line.focused and line.speeds), None)
    if height < _LEAST_WITH_SPEEDS:
        speeds = None
    foot = 3 if speeds else 2
    rows = height - foot - (1 if lane else 0)
    values = [value for line in lines for _, value in line.points]
    axis = Decades.over([*values, tolerance], rows)
    sheet = Sheet(width, height)
    across = width - left - 1
    step = across / max(len(sizes), 1)
    places = {size: (number + 0.5) * step for number, size in enumerate(sizes)}
    put_decades(sheet, axis, left, unicode=unicode, ticks=True)
    if tolerance is not None:
        y = put_tolerance(sheet, axis, tolerance, left, across, unicode=unicode)
    strokes = strokes_of(lines, places, axis, unicode=unicode)
    sheet.cells(left, 0, draw(across, rows, strokes))
    if tolerance is not None:
        label = label_of(tolerance_label, across, unicode=unicode)
        sheet.put(left + across - len(label), y, label, "tolerance")
    if lane:
        put_lane(sheet, lines, places, left, rows, unicode=unicode)
    put_foot(sheet, "batch", left, height - foot, across, unicode=unicode)
    named = {place: str(size) for size, place in places.items()}
    put_below(sheet, named, left, height - foot + 1, across, "axis")
    if speeds:
        sheet.put(0, height - 1, "texts/s", "axis")
        told = {places[size]: f"{speed:.0f}" for size, speed in speeds.speeds if size in places}
        put_below(sheet, told, left, height - 1, across, speeds.ink)
    return sheet.picture()

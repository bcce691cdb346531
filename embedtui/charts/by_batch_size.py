"""Largest drift over batch sizes, a line for each setting; equal bits have a lane of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from embedtui.charts.axes import Decades
from embedtui.charts.canvas import Stroke, draw
from embedtui.charts.left_axis import put_decades, put_tolerance
from embedtui.charts.picture import Picture, Sheet, label_of, mark_of, message

_LEAST = (22, 6)
_LEAST_WITH_SPEEDS = 9


@dataclass(frozen=True)
class Line:
    """One setting's largest drift at each batch size."""

    label: str
    ink: str
    points: tuple[tuple[int, float | None], ...]
    """None where all vectors are equal bit for bit."""
    focused: bool = False
    speeds: tuple[tuple[int, float], ...] = ()
    """Batch size and texts per second; the focused line's stand below the axis."""


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
    strokes = _lines(lines, places, axis, unicode=unicode)
    sheet.cells(left, 0, draw(across, rows, strokes))
    if tolerance is not None:
        label = label_of(tolerance_label, across, unicode=unicode)
        sheet.put(left + across - len(label), y, label, "tolerance")
    if lane:
        sheet.put(0, rows, "equal", "axis")
        sheet.put(left - 1, rows, "│" if unicode else "|", "axis")
        _lane(sheet, lines, places, left, rows, unicode=unicode)
    _sizes(sheet, places, left, height - foot, across, unicode=unicode)
    if speeds:
        sheet.put(0, height - 1, "texts/s", "axis")
        told = {places[size]: f"{speed:.0f}" for size, speed in speeds.speeds if size in places}
        _under(sheet, told, left, height - 1, across, speeds.ink)
    return sheet.picture()


def _lines(
    lines: Sequence[Line], places: dict[int, float], axis: Decades, *, unicode: bool
) -> list[Stroke]:
    strokes = []
    ordered = sorted(lines, key=lambda line: line.focused)
    for line in ordered:
        points = [(places[size], axis.place(value)) for size, value in line.points if value]
        for (x1, y1), (x2, y2) in pairwise(points):
            strokes.append(Stroke([x1, x2], [y1, y2], line.ink, _join(unicode), connected=True))
    for line in ordered:
        points = [
            (places[size], min(axis.place(value), axis.cells - 0.5))
            for size, value in line.points
            if value
        ]
        glyph = mark_of(line.ink, unicode=unicode)
        xs, ys = [x for x, _ in points], [int(y) + 0.5 for _, y in points]
        strokes.append(Stroke(xs, ys, line.ink, glyph))
    return strokes


def _join(unicode: bool) -> str:
    return "braille" if unicode else "."


def _lane(
    sheet: Sheet,
    lines: Sequence[Line],
    places: dict[int, float],
    left: int,
    y: int,
    *,
    unicode: bool,
) -> None:
    """Put the marks of settings with equal bits side by side, as many as there is room for."""
    for size, place in places.items():
        there = [line for line in lines if (size, None) in line.points]
        start = left + int(place) - (len(there) - 1) // 2
        for number, line in enumerate(there):
            sheet.put(start + number, y, mark_of(line.ink, unicode=unicode), line.ink, over=False)


def _sizes(
    sheet: Sheet, places: dict[int, float], left: int, y: int, across: int, *, unicode: bool
) -> None:
    sheet.put(left - 1, y, "└" if unicode else "+", "axis")
    sheet.put(left, y, ("─" if unicode else "-") * across, "axis")
    sheet.put(0, y + 1, "batch", "axis")
    _under(sheet, {place: str(size) for size, place in places.items()}, left, y + 1, across, "axis")


def _under(sheet: Sheet, texts: dict[float, str], left: int, y: int, across: int, ink: str) -> None:
    """Put each text below its place, and leave out what would touch the one before."""
    # A column of its own keeps the texts from the label at the left.
    free = left + 1
    for place, text in sorted(texts.items()):
        wanted = left + int(place) - (len(text) - 1) // 2
        x = min(max(wanted, free), left + across + 1 - len(text))
        if x >= free and x - wanted <= 1:
            sheet.put(x, y, text, ink)
            free = x + len(text) + 1

"""The main picture: one band for each setting on one log axis, equal bits in a column before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedtui.charts.axes import ROOM_ACROSS, Decades
from embedtui.charts.glyphs import ASCII_BARS, BARS, ERROR, LIMIT, NOISE, mark_of
from embedtui.charts.lower_axis import put_decades_below, put_lower_line, put_ticks
from embedtui.charts.picture import Canvas, Picture, label_of, message
from embedtui.charts.plotter import Stroke, draw
from embedtui.measure.log_histogram import LogHistogram

_LEAST = (24, 5)


@dataclass(frozen=True)
class HistogramSeries:
    """One setting's distances."""

    label: str
    style: str
    """The series' ink; its glyph stands before the label."""
    histogram: LogHistogram
    noise: float | None = None
    precision: float | None = None
    focused: bool = False


def drift_histogram(
    series: Sequence[HistogramSeries],
    *,
    width: int,
    height: int,
    tolerance: float | None,
    tolerance_label: str = "",
    unicode: bool = True,
    empty: str = "",
) -> Picture:
    """Draw the settings below one another.

    Bars show how many texts drift so far, the tallest bar of a band as high as the band; the column
    before the axis shows the share that is equal bit for bit. Each band has its marks: the noise
    floor, the precision error, and through all of them the tolerance.
    """
    if not series:
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    below = 3 if height >= 9 else 2
    shown = _window(series, height - below)
    canvas = Canvas(width, height)
    counts = [_share(one.histogram) for one in shown]
    heights = _heights(height - below, len(shown))
    two_lines = min(heights) >= 2
    longest = max(len(one.label) for one in shown) + 2
    gutter = max(min(longest, width // 4 + 3), 0 if two_lines else 6)
    gutter = max(gutter, *(len(count) for count in counts)) if two_lines else gutter
    side = 0 if two_lines else max(len(count) for count in counts) + 1
    left = gutter + side + 4
    axis = Decades.over(
        [
            *(v for r in shown for v in (r.histogram.low, r.histogram.high, r.noise, r.precision)),
            tolerance,
        ],
        width - left - 1,
        ROOM_ACROSS,
    )
    top = 0
    if tolerance is not None:
        at = left + axis.cell(tolerance)
        for y in range(height - below):
            canvas.put(at, y, LIMIT[not unicode], "tolerance")
    for one, rows, count in zip(shown, heights, counts, strict=True):
        _put_label(canvas, one, top, rows, gutter, count, two_lines=two_lines, unicode=unicode)
        _put_band(canvas, one, top, rows, left, axis, unicode=unicode)
        top += rows
    _put_axis(canvas, axis, left, height - below, with_line=below == 3, unicode=unicode)
    marks = {
        "noise": any(one.noise for one in shown),
        "precision": any(one.precision for one in shown),
        "tolerance": tolerance is not None,
    }
    more = f"{len(shown)} of {len(series)} settings" if len(shown) < len(series) else ""
    _put_legend(canvas, marks, tolerance, tolerance_label, more, height - 1, unicode=unicode)
    return canvas.picture()


def _window(series: Sequence[HistogramSeries], room: int) -> Sequence[HistogramSeries]:
    """Return as many neighbours as there is room for, the focused one among them."""
    focus = next((n for n, one in enumerate(series) if one.focused), 0)
    first = min(max(focus - room // 2, 0), max(len(series) - room, 0))
    return series[first : first + room]


def _share(histogram: LogHistogram) -> str:
    return f"= {histogram.identical}/{histogram.total}"


def _heights(rows: int, bands: int) -> list[int]:
    each, rest = divmod(rows, bands)
    return [each + (number < rest) for number in range(bands)]


def _put_label(
    canvas: Canvas,
    one: HistogramSeries,
    top: int,
    rows: int,
    gutter: int,
    count: str,
    *,
    two_lines: bool,
    unicode: bool,
) -> None:
    last = top + rows - 1
    lines = [one.label]
    if rows >= 3 and len(one.label) + 2 > gutter and " · " in one.label:
        dtype, _, rest = one.label.partition(" · ")
        lines = [dtype, rest]
    first = last - (1 if two_lines else 0) - (len(lines) - 1)
    canvas.put(0, first, mark_of(one.style, unicode=unicode), one.style)
    for number, line in enumerate(lines):
        label = label_of(line, gutter - 2, unicode=unicode)
        canvas.put(2, first + number, label, "focus" if one.focused else one.style)
    if two_lines:
        canvas.put(0, last, count, "faint")
    else:
        canvas.put(gutter + 1, last, count, "faint")


def _put_band(
    canvas: Canvas,
    one: HistogramSeries,
    top: int,
    rows: int,
    left: int,
    axis: Decades,
    *,
    unicode: bool,
) -> None:
    histogram = one.histogram
    # A blank line above a band keeps it apart from the one before.
    tall = rows - 1 if rows >= 3 else rows
    if histogram.total:
        share = histogram.identical / histogram.total
        cells = draw(2, tall, _bars(np.array([share, share]), tall, one.style, unicode=unicode))
        canvas.cells(left - 3, top + rows - tall, cells)
    for y in range(top, top + rows):
        canvas.put(left - 1, y, "│" if unicode else "|", "axis")
    columns = np.zeros(axis.cells)
    used = np.flatnonzero(histogram.counts)
    logs = histogram.centres[used]
    np.add.at(columns, axis.place_logs(logs).astype(np.intp), histogram.counts[used])
    strokes = []
    if one.noise is not None:
        x = axis.cell(one.noise) + 0.5
        ys = [number + 0.5 for number in range(tall)]
        strokes.append(Stroke([x] * tall, ys, "noise", NOISE[not unicode]))
    if columns.max(initial=0):
        strokes += _bars(columns / columns.max(), tall, one.style, unicode=unicode)
    if one.precision is not None:
        x = axis.cell(one.precision) + 0.5
        strokes.append(Stroke([x], [0.5], "precision", ERROR[not unicode]))
    canvas.cells(left, top + rows - tall, draw(axis.cells, tall, strokes))


def _bars(
    shares: np.ndarray[tuple[int], np.dtype[np.float64]], rows: int, style: str, *, unicode: bool
) -> list[Stroke]:
    """Return bars of so high shares of the rows, in eighths; what is there is at least one."""
    glyphs = BARS if unicode else ASCII_BARS
    steps = len(glyphs) - 1
    by_glyph: dict[str, tuple[list[float], list[float]]] = {}
    for column, share in enumerate(shares):
        if share <= 0:
            continue
        full, part = divmod(max(round(share * rows * steps), 1), steps)
        for row in range(full):
            xs, ys = by_glyph.setdefault(glyphs[-1], ([], []))
            xs.append(column + 0.5)
            ys.append(row + 0.5)
        if part:
            xs, ys = by_glyph.setdefault(glyphs[part], ([], []))
            xs.append(column + 0.5)
            ys.append(full + 0.5)
    return [Stroke(xs, ys, style, glyph) for glyph, (xs, ys) in by_glyph.items()]


def _put_axis(
    canvas: Canvas, axis: Decades, left: int, y: int, *, with_line: bool, unicode: bool
) -> None:
    if with_line:
        put_lower_line(canvas, left, y, axis.cells, unicode=unicode)
        canvas.put(left - 3, y, "──┴" if unicode else "--+", "axis")
        put_ticks(canvas, axis, left, y, unicode=unicode)
    labels = y + 1 if with_line else y
    canvas.put(left - 3, labels, "=", "axis")
    put_decades_below(canvas, axis, left, labels, left - 1)


def _put_legend(
    canvas: Canvas,
    marks: dict[str, bool],
    tolerance: float | None,
    tolerance_label: str,
    more: str,
    y: int,
    *,
    unicode: bool,
) -> None:
    limit = f"{tolerance_label} {tolerance:.1e}" if tolerance is not None else ""
    parts = [
        ("tolerance", f"{LIMIT[not unicode]} {label_of(limit, 24, unicode=unicode)}"),
        ("precision", f"{ERROR[not unicode]} precision error"),
        ("noise", f"{NOISE[not unicode]} noise floor"),
        ("axis", "= identical"),
    ]
    canvas.put(canvas.width - len(more), y, more, "label")
    room = canvas.width - (len(more) + 2 if more else 0)
    x = 0
    for style, text in parts:
        if marks.get(style, True) and x + len(text) <= room:
            canvas.put(x, y, text, style)
            x += len(text) + 3

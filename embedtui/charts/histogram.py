"""The main picture: one band for each setting on one log axis, equal bits in a column before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.charts.axes import ROOM_ACROSS, Decades
from embedtui.charts.glyphs import ASCII_BARS, BARS, ERROR, LIMIT, NOISE, mark_of
from embedtui.charts.lower_axis import put_decades_below, put_lower_line, put_ticks
from embedtui.charts.picture import Canvas, Picture, label_of, message
from embedtui.measure.log_histogram import LogHistogram

_LEAST = (24, 2)
_WITH_LEGEND, _WITH_LINE = 4, 9
"""Heights from which the axis has a legend below, and a line of its own above its labels."""


@dataclass(frozen=True)
class HistogramSeries:
    """One setting's distances."""

    label: str
    style: str
    """The series' style; its glyph stands before the label."""
    histogram: LogHistogram
    noise: float | None = None
    precision: float | None = None
    focused: bool = False
    expected: int = 0
    """How many pairs are still to come or there; 0 where all are there. Bars grow up to it."""
    extent: tuple[float, float] | None = None
    """What the axis holds beside all that is drawn, so that it stands still while a run goes on."""


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

    Bars show how many texts drift so far, the tallest bar of a band as high as the band once all
    texts are there; the column before the axis shows the share that is identical. Each band has its
    marks: the noise floor, the precision error, and through all of them the tolerance.
    """
    if not series:
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    below = 3 if height >= _WITH_LINE else 2 if height >= _WITH_LEGEND else 1
    shown = _window(series, height - below)
    canvas = Canvas(width, height)
    counts = [_share(one.histogram) for one in shown]
    heights = _heights(height - below, len(shown))
    two_lines = min(heights) >= 2
    # One alone is named by whoever shows it.
    longest = max(len(one.label) for one in shown) + 2 if len(series) > 1 else 0
    gutter = max(min(longest, width // 4 + 3), 0 if two_lines else 6)
    gutter = max(gutter, *(len(count) for count in counts)) if two_lines else gutter
    side = 0 if two_lines else max(len(count) for count in counts) + 1
    left = gutter + side + 4
    axis = Decades.over([*_extent(shown), tolerance], width - left - 1, ROOM_ACROSS)
    if tolerance is not None:
        for y in range(height - below):
            canvas.put(left + axis.cell(tolerance), y, LIMIT[not unicode], "tolerance")
    top = 0
    for one, rows, count in zip(shown, heights, counts, strict=True):
        label = one.label if len(series) > 1 else ""
        _put_label(
            canvas, one, label, top, rows, gutter, count, two_lines=two_lines, unicode=unicode
        )
        _put_band(canvas, one, top, rows, left, axis, unicode=unicode)
        top += rows
    _put_axis(canvas, axis, left, height - below, with_line=below == 3, unicode=unicode)
    if below > 1:
        limit = f"{tolerance_label} limit {tolerance:.1e}".strip() if tolerance is not None else ""
        more = f"+{len(series) - len(shown)} more" if len(shown) < len(series) else ""
        _put_legend(canvas, limit, more, height - 1, unicode=unicode)
    return canvas.picture()


def _extent(series: Sequence[HistogramSeries]) -> list[float | None]:
    """Return what the axis has to hold."""
    found: list[float | None] = []
    for one in series:
        found += [one.histogram.low, one.histogram.high, one.noise, one.precision]
        found += one.extent or ()
    return found


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
    label: str,
    top: int,
    rows: int,
    gutter: int,
    count: str,
    *,
    two_lines: bool,
    unicode: bool,
) -> None:
    last = top + rows - 1
    lines = [label]
    if rows >= 3 and len(label) + 2 > gutter and " · " in label:
        dtype, _, rest = label.partition(" · ")
        lines = [dtype, rest]
    first = last - (1 if two_lines else 0) - (len(lines) - 1)
    if label:
        canvas.put(0, first, mark_of(one.style, unicode=unicode), one.style)
    for number, line in enumerate(lines if label else ()):
        shown = label_of(line, gutter - 2, unicode=unicode)
        canvas.put(2, first + number, shown, "focus" if one.focused else one.style)
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
    last = top + rows - 1
    if histogram.total:
        share = histogram.identical / max(histogram.total, one.expected)
        _put_bars(canvas, left - 3, last, np.full(2, share), tall, one.style, unicode=unicode)
    for y in range(top, top + rows):
        canvas.put(left - 1, y, "│" if unicode else "|", "axis")
    columns = np.zeros(axis.cells)
    used = np.flatnonzero(histogram.counts)
    logs = histogram.centres[used]
    np.add.at(columns, axis.place_logs(logs).astype(np.intp), histogram.counts[used])
    if one.noise is not None:
        for y in range(last - tall + 1, last + 1):
            canvas.put(left + axis.cell(one.noise), y, NOISE[not unicode], "noise")
    if columns.max(initial=0):
        done = histogram.total / max(histogram.total, one.expected)
        shares = columns / columns.max() * done
        _put_bars(canvas, left, last, shares, tall, one.style, unicode=unicode)
    if one.noise is not None:
        # Where a bar stands as high as the band, its top gives way.
        canvas.put(left + axis.cell(one.noise), last - tall + 1, NOISE[not unicode], "noise")
    if one.precision is not None:
        canvas.put(left + axis.cell(one.precision), last, ERROR[not unicode], "precision")


def _put_bars(
    canvas: Canvas,
    left: int,
    last: int,
    shares: npt.NDArray[np.float64],
    rows: int,
    style: str,
    *,
    unicode: bool,
) -> None:
    """Put bars of so high shares of the rows, in eighths; what is there is at least one."""
    glyphs = BARS if unicode else ASCII_BARS
    steps = len(glyphs) - 1
    for column in np.flatnonzero(shares > 0):
        full, part = divmod(max(round(shares[column] * rows * steps), 1), steps)
        for row in range(full + (part > 0)):
            glyph = glyphs[-1] if row < full else glyphs[part]
            canvas.put(left + int(column), last - row, glyph, style)


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


def _put_legend(canvas: Canvas, limit: str, more: str, y: int, *, unicode: bool) -> None:
    """Name the marks that are seen, and say how many settings have no room."""
    parts = [
        ("tolerance", f"{LIMIT[not unicode]} {label_of(limit, 24, unicode=unicode)}"),
        ("precision", f"{ERROR[not unicode]} error"),
        ("noise", f"{NOISE[not unicode]} noise"),
        ("axis", "= identical"),
    ]
    named = [(style, text) for style, text in parts if canvas.shows(style)]
    canvas.put(canvas.width - len(more), y, more, "label")
    room = canvas.width - (len(more) + 1 if more else 0)
    needed = sum(len(text) for _, text in named)
    gap = min(max((room - needed) // max(len(named) - 1, 1), 1), 3)
    x = 0
    for style, text in named:
        if x + len(text) <= room:
            canvas.put(x, y, text, style)
            x += len(text) + gap

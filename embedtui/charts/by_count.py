"""Each text's drift over something that is counted: its place in the batch, or its tokens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.charts.axes import Decades
from embedtui.charts.left_axis import put_decades, put_tolerance
from embedtui.charts.picture import Picture, Sheet, label_of, message
from embedtui.charts.plotter import Stroke, draw

Floats = npt.NDArray[np.float64]
_LEAST = (24, 7)


def drift_by_count(
    counts: npt.NDArray[np.int64],
    drift: Floats,
    *,
    width: int,
    height: int,
    x_label: str,
    ink: str = "series-1",
    note: str = "",
    tolerance: float | None = None,
    unicode: bool = True,
    empty: str = "",
) -> Picture:
    """Draw a dot for each text, the count across; equal bits have a lane of their own.

    `note` stands in the top line, at the right unless drift reaches up there.
    """
    if not len(counts):
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    sheet = Sheet(width, height)
    left, rows, across = 7, height - 3, width - 8
    most = max(int(counts.max()), 1)
    moved = drift > 0
    axis = Decades.over([*_ends(drift[moved]), tolerance], rows)
    put_decades(sheet, axis, left, unicode=unicode)
    if tolerance is not None:
        put_tolerance(sheet, axis, tolerance, left, across, unicode=unicode)
    sheet.put(left - 1, rows, "│" if unicode else "|", "axis")
    xs = counts / most * (across - 0.5)
    with np.errstate(divide="ignore"):
        shares = (np.log10(drift) - axis.low) / (axis.high - axis.low)
    ys = np.clip(shares, 0, 1) * (rows - 0.01)
    dots = np.unique(np.stack([np.floor(xs[moved] * 2), np.floor(ys[moved] * 4)], axis=1), axis=0)
    glyph = "braille" if unicode else "o"
    stroke = Stroke((dots[:, 0] + 0.5) / 2, (dots[:, 1] + 0.5) / 4, ink, glyph)
    sheet.cells(left, 0, draw(across, rows, [stroke] if len(dots) else []))
    for x in sorted({int(x) for x in xs[~moved]}):
        sheet.put(left + x, rows, "▪" if unicode else "o", ink)
    sheet.put(1, rows, "equal", "axis")
    sheet.put(left - 1, height - 2, ("└" if unicode else "+"), "axis")
    sheet.put(left, height - 2, ("─" if unicode else "-") * across, "axis")
    sheet.put(left, height - 1, "0", "axis")
    end = str(most)
    sheet.put(left + across - len(end), height - 1, end, "axis")
    label = label_of(x_label, across - len(end) - 4, unicode=unicode)
    sheet.put(left + (across - len(label)) // 2, height - 1, label, "label")
    shown = label_of(note, across - 1, unicode=unicode)
    right = left + across - len(shown)
    place = right if sheet.is_blank(right, 0, len(shown)) else left + 1
    sheet.put(place, 0, shown, "label", over=False)
    return sheet.picture()


def _ends(values: Floats) -> list[float]:
    return [float(values.min()), float(values.max())] if len(values) else []

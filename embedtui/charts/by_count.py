"""Each text's drift over something that is counted: its place in the batch, or its tokens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.charts.axes import ROOM_UP, Decades, Floats, if_near
from embedtui.charts.left_axis import fit_left_axis, put_decades, put_equal, put_tolerance
from embedtui.charts.lower_axis import put_lower_line
from embedtui.charts.picture import Canvas, Picture, label_of, message
from embedtui.charts.plotter import Stroke, draw

_LEAST = (24, 7)


def drift_by_count(
    counts: npt.NDArray[np.int64],
    drift: Floats,
    *,
    width: int,
    height: int,
    x_label: str,
    style: str = "series-1",
    note: str = "",
    tolerance: float | None = None,
    unicode: bool = True,
    empty: str = "",
) -> Picture:
    """Draw a dot for each text, the count across; equal bits have a lane of their own.

    `note` stands in the top line, at the right unless something is drawn there.
    """
    if not len(counts):
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    canvas = Canvas(width, height)
    rows = height - 3
    most = max(int(counts.max()), 1)
    moved = drift > 0
    ends = _ends(drift[moved])
    axis = Decades.over([*ends, *if_near(tolerance, ends)], rows, ROOM_UP)
    left = fit_left_axis(axis, lane=True)
    across = width - left - 1
    put_decades(canvas, axis, left, unicode=unicode)
    if tolerance is not None:
        put_tolerance(canvas, axis, tolerance, left, across, unicode=unicode)
    put_equal(canvas, left, rows, unicode=unicode)
    xs = counts / most * (across - 0.5)
    ys = axis.place_logs(np.log10(drift[moved]))
    dots = np.unique(np.stack([np.floor(xs[moved] * 2), np.floor(ys * 4)], axis=1), axis=0)
    glyph = "braille" if unicode else "o"
    stroke = Stroke((dots[:, 0] + 0.5) / 2, (dots[:, 1] + 0.5) / 4, style, glyph)
    canvas.cells(left, 0, draw(across, rows, [stroke] if len(dots) else []))
    for x in sorted({int(x) for x in xs[~moved]}):
        canvas.put(left + x, rows, "▪" if unicode else "o", style)
    put_lower_line(canvas, left, height - 2, across, unicode=unicode)
    canvas.put(left, height - 1, "0", "axis")
    end = str(most)
    canvas.put(left + across - len(end), height - 1, end, "axis")
    # As much room at the left as at the right: the label stands in the middle.
    label = label_of(x_label, across - 2 * (len(end) + 1), unicode=unicode)
    canvas.put(left + (across - len(label)) // 2, height - 1, label, "label")
    shown = label_of(note, across - 1, unicode=unicode)
    right = left + across - len(shown)
    free = [x for x in (right, left + 1) if canvas.is_blank(x, 0, len(shown))]
    if free:
        canvas.put(free[0], 0, shown, "label")
    return canvas.picture()


def _ends(values: Floats) -> list[float]:
    return [float(values.min()), float(values.max())] if len(values) else []

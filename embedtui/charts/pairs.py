"""Each text's drift under one setting against its drift under another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.charts.axes import ROOM_ACROSS, ROOM_UP, Decades, Floats, if_near
from embedtui.charts.glyphs import LIMIT
from embedtui.charts.left_axis import fit_left_axis, put_decades, put_tolerance
from embedtui.charts.lower_axis import put_decades_below, put_lower_line, put_ticks
from embedtui.charts.picture import Canvas, Picture, label_of, message
from embedtui.charts.plotter import DOTS, Stroke, draw

_LEAST = (24, 8)


def scatter(
    x: Floats,
    y: Floats,
    *,
    width: int,
    height: int,
    x_label: str,
    y_label: str,
    tolerance: float | None = None,
    unicode: bool = True,
    empty: str = "",
) -> Picture:
    """Draw one dot for each text; a drift of zero stands on the edge, a NaN is left out.

    What lies on the diagonal drifts alike under both.
    """
    there = np.isfinite(x) & np.isfinite(y)
    if not there.any():
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    x, y = x[there], y[there]
    canvas = Canvas(width, height)
    rows = height - 3
    values = np.concatenate([x[x > 0], y[y > 0]])
    bounds = [float(values.min()), float(values.max())] if len(values) else []
    axis_y = Decades.over([*bounds, *if_near(tolerance, bounds)], rows, ROOM_UP)
    left = fit_left_axis(axis_y, lane=False)
    across = width - left - 1
    axis_x = Decades(axis_y.low, axis_y.high, across, ROOM_ACROSS)
    put_decades(canvas, axis_y, left, unicode=unicode)
    logs = np.linspace(axis_y.low, axis_y.high, max(across, rows))
    diagonal = axis_x.place_logs(logs), axis_y.place_logs(logs)
    dot = "·" if unicode else "."
    canvas.cells(left, 0, draw(across, rows, [Stroke(*diagonal, "faint", dot)]))
    if tolerance is not None:
        for row in range(rows if axis_x.holds(tolerance) else 0):
            canvas.put(left + axis_x.cell(tolerance), row, LIMIT[not unicode], "tolerance")
        put_tolerance(canvas, axis_y, tolerance, left, across, unicode=unicode)
    dots = np.unique(np.stack([_find_dots(axis_x, x, 2), _find_dots(axis_y, y, 4)], 1), axis=0)
    glyph = DOTS if unicode else "o"
    stroke = Stroke((dots[:, 0] + 0.5) / 2, (dots[:, 1] + 0.5) / 4, "series-1", glyph)
    canvas.cells(left, 0, draw(across, rows, [stroke]))
    put_lower_line(canvas, left, rows, across, unicode=unicode)
    put_ticks(canvas, axis_x, left, rows, unicode=unicode)
    put_decades_below(canvas, axis_x, left, rows + 1, 0)
    up_word, across_word = ("↑", "→") if unicode else ("up:", "across:")
    half = width // 2 - 1
    canvas.put(0, rows + 2, label_of(f"{up_word} {y_label}", half, unicode=unicode), "label")
    shown = label_of(f"{across_word} {x_label}", half, unicode=unicode)
    canvas.put(width - len(shown), rows + 2, shown, "label")
    return canvas.picture()


def _find_dots(axis: Decades, values: Floats, steps: int) -> npt.NDArray[np.int64]:
    """Return the dot that each value falls on, so many to a cell."""
    with np.errstate(divide="ignore"):
        return np.floor(axis.place_logs(np.log10(values)) * steps).astype(np.int64)

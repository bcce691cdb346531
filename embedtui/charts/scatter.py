"""Each text's drift under one setting against its drift under another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.charts.axes import Decades, name
from embedtui.charts.left_axis import put_decades
from embedtui.charts.picture import Picture, Sheet, label_of, message
from embedtui.charts.plotter import Stroke, draw

Floats = npt.NDArray[np.float64]
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
    sheet = Sheet(width, height)
    left, rows = 6, height - 3
    across = width - left - 1
    values = np.concatenate([x[x > 0], y[y > 0]])
    bounds = [float(values.min()), float(values.max())] if len(values) else []
    axis_x = Decades.over([*bounds, tolerance], across)
    axis_y = Decades(axis_x.low, axis_x.high, rows)
    put_decades(sheet, axis_y, left, unicode=unicode)
    steps = np.linspace(0, 1, max(across, rows))
    strokes = [Stroke(steps * (across - 0.01), steps * (rows - 0.01), "faint", _dot(unicode))]
    if tolerance is not None:
        at, up = axis_x.place(tolerance), axis_y.place(tolerance)
        ys = [number + 0.5 for number in range(rows)]
        strokes.append(Stroke([at] * rows, ys, "tolerance", "┆" if unicode else ":"))
        xs = [number + 0.5 for number in range(across)]
        strokes.append(Stroke(xs, [up] * across, "tolerance", "╌" if unicode else "-"))
    dots = np.unique(np.stack([_fine(axis_x, x, 2), _fine(axis_y, y, 4)], axis=1), axis=0)
    strokes.append(
        Stroke(
            (dots[:, 0] + 0.5) / 2,
            (dots[:, 1] + 0.5) / 4,
            "series-1",
            "braille" if unicode else "o",
        )
    )
    sheet.cells(left, 0, draw(across, rows, strokes))
    sheet.put(left - 1, rows, "└" if unicode else "+", "axis")
    sheet.put(left, rows, ("─" if unicode else "-") * across, "axis")
    for decade, place in axis_x.ticks(7):
        text = name(decade)
        at_x = min(left + int(place) - len(text) // 2, width - len(text))
        sheet.put(at_x, rows + 1, text, "axis")
    up_word, across_word = ("↑", "→") if unicode else ("up:", "across:")
    half = width // 2 - 1
    sheet.put(0, rows + 2, label_of(f"{up_word} {y_label}", half, unicode=unicode), "label")
    shown = label_of(f"{across_word} {x_label}", half, unicode=unicode)
    sheet.put(width - len(shown), rows + 2, shown, "label")
    return sheet.picture()


def _fine(axis: Decades, values: Floats, steps: int) -> npt.NDArray[np.int64]:
    """Return the dot that each value falls on, so many to a cell."""
    with np.errstate(divide="ignore"):
        logs = np.log10(values)
    shares = np.clip((logs - axis.low) / (axis.high - axis.low), 0, 1)
    dots = np.clip(shares * axis.cells * steps, 0, axis.cells * steps - 1)
    return np.asarray(np.nan_to_num(dots), dtype=np.int64)


def _dot(unicode: bool) -> str:
    return "·" if unicode else "."

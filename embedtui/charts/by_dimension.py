"""Differences by dimension, folded into rows: where in the vector a text moved."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.charts.picture import Canvas, Picture, label_of

_GLYPHS = "·░▒▓█"
_ASCII_GLYPHS = ".:+%#"


def heat_strip(
    values: npt.NDArray[np.float64], *, width: int, height: int, unicode: bool = True
) -> Picture:
    """Draw |value| of each dimension as one of five shades, its largest the darkest.

    Where there are more dimensions than cells, a cell shows the largest of its neighbours. The last
    row says what the darkest shade is and where.
    """
    canvas = Canvas(width, height)
    sizes = np.abs(np.nan_to_num(values))
    if width < 1 or height < 1 or not len(sizes):
        return canvas.picture()
    rows = max(height - 1, 1)
    cells = min(width * rows, len(sizes))
    edges = np.linspace(0, len(sizes), cells + 1).astype(np.intp)[:-1]
    shown = np.maximum.reduceat(sizes, edges)
    most = float(sizes.max())
    levels = np.zeros(cells, dtype=np.intp)
    if most > 0:
        levels = np.clip(np.ceil(shown / most * 5).astype(np.intp) - 1, 0, 4)
    glyphs = _GLYPHS if unicode else _ASCII_GLYPHS
    for number, level in enumerate(levels):
        row, column = divmod(number, width)
        canvas.put(column, row, glyphs[level], f"heat-{level + 1}")
    if height > 1:
        bars = "|Δ|" if unicode else "|d|"
        text = f"max {bars} {most:.1e} at dimension {int(sizes.argmax()) + 1} of {len(sizes)}"
        canvas.put(0, height - 1, label_of(text, width, unicode=unicode), "axis")
    return canvas.picture()

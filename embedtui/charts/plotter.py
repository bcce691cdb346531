"""The one place that knows plotext: strokes in, cells with inks out.

plotext 6 draws lines and dots in braille; axes and labels are put around them by the charts
themselves, because plotext's take their colours from its own themes and their places from the data.

Every drawing is a figure of its own. `plotext.figure` is one for the whole process, but its class
makes others of the same kind, and its kernel shares nothing between them, so that threads draw at
the same time. A finished figure is a matrix: its characters are read as plain text, and the colour
of a cell is the number of its ink, so that one drawing follows any theme, the terminal's own
palette included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.charts.picture import BLANK, Cell

DOTS = "braille"
"""The glyph of strokes that are finer than a cell: two dots across, four up."""


@dataclass(frozen=True)
class Stroke:
    """Points of one glyph and ink, in cells from the lower left corner."""

    x: Sequence[float] | npt.NDArray[np.float64]
    y: Sequence[float] | npt.NDArray[np.float64]
    style: str
    glyph: str = DOTS
    """`DOTS`, or the character that is stamped into each point's cell."""
    connected: bool = False


def draw(width: int, height: int, strokes: Sequence[Stroke]) -> list[list[Cell]]:
    """Draw strokes over one another, the last on top; return rows of cells, the top row first."""
    wanted = [stroke for stroke in strokes if len(stroke.x)]
    if width < 1 or height < 1 or not wanted:
        return [[BLANK] * width for _ in range(height)]
    styles = list(dict.fromkeys(stroke.style for stroke in wanted))
    matrix = _build(width, height, wanted, styles)
    lines = matrix.string(colorless=True).split("\n")[:height]
    return [
        [
            BLANK if character == " " else (character, _read_ink(matrix, x, y, styles))
            for x, character in enumerate(line)
        ]
        for y, line in enumerate(lines)
    ]


def preload() -> None:
    """Import plotext, a fifth of a second that is better spent before the first figure is due."""
    _load()


@cache
def _load() -> Any:
    import plotext  # noqa: PLC0415 - nobody pays for it before something is drawn

    # The size of a chart is ours to say, not the terminal's.
    plotext.terminal.limit(False, False)
    return plotext


def _build(width: int, height: int, strokes: Sequence[Stroke], styles: Sequence[str]) -> Any:
    """Return plotext's matrix of the strokes; the blue of a cell is the number of its ink."""
    plotext = _load()
    figure = type(plotext.figure)(plotext.terminal)
    figure.plot_size(width, height)
    figure.axes(False)
    figure.legend(False)
    for stroke in strokes:
        marker = plotext.marker(stroke.glyph, plotext.pixel((0, 0, styles.index(stroke.style))))
        x, y = np.asarray(stroke.x, np.float64).tolist(), np.asarray(stroke.y, np.float64).tolist()
        signal = figure.signal(x, y, marker=marker)
        figure.draw(signal.lines(True) if stroke.connected else signal)
    for axis, length in (("x", width), ("y", height)):
        ruler = figure.ruler(axis)
        ruler.lim(0, length).alignment(lim="edge")
        ruler.ticks([])
    return figure.build()


def _read_ink(matrix: Any, x: int, y: int, styles: Sequence[str]) -> str:
    if len(styles) == 1:
        return styles[0]
    _, _, number = matrix.get(y, x).foreground()
    return styles[int(number)]

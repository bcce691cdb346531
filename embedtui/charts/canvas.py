"""The one place that knows plotext: strokes in, cells with inks out.

plotext 6 is drawn on here for its kernel (lines and dots in braille within milliseconds); axes and
labels are put around the canvas by the charts themselves, because plotext's take their colours from
its own themes and their places from the data. Inks go in as palette numbers and come out as names,
so that one drawing follows any theme, the terminal's own palette included.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embedtui.charts.picture import BLANK, Cell

DOTS = "braille"
"""The glyph of strokes that are finer than a cell: two dots across, four up."""

_LOCK = threading.Lock()
_CODE = re.compile(r"\x1b\[([0-9;]*)m")


@dataclass(frozen=True)
class Stroke:
    """Points of one glyph and ink, in cells from the lower left corner."""

    x: Sequence[float] | npt.NDArray[np.float64]
    y: Sequence[float] | npt.NDArray[np.float64]
    ink: str
    glyph: str = DOTS
    """`DOTS`, or the character that is stamped into each point's cell."""
    connected: bool = False


def draw(width: int, height: int, strokes: Sequence[Stroke]) -> list[list[Cell]]:
    """Draw strokes over one another, the last on top; return rows of cells, the top row first."""
    wanted = [stroke for stroke in strokes if len(stroke.x)]
    if width < 1 or height < 1 or not wanted:
        return [[BLANK] * width for _ in range(height)]
    inks = list(dict.fromkeys(stroke.ink for stroke in wanted))
    with _LOCK:  # plotext has one figure for the whole process
        built = _build(width, height, wanted, inks)
    return _read(built, width, height, inks)


def preload() -> None:
    """Import plotext, a fifth of a second that is better spent before the first figure is due."""
    with _LOCK:
        import plotext  # noqa: F401, PLC0415 - see above


def _build(width: int, height: int, strokes: Sequence[Stroke], inks: Sequence[str]) -> str:
    import plotext  # noqa: PLC0415 - nobody pays for it before something is drawn

    plotext.terminal.limit(False, False)
    figure: Any = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.axes(False)
    figure.legend(False)
    for stroke in strokes:
        # Palette numbers below 16 are names of plotext's own, and white is its background.
        pixel = plotext.pixel(_FIRST + inks.index(stroke.ink))
        marker = plotext.marker(stroke.glyph, pixel)
        signal = figure.signal(_listed(stroke.x), _listed(stroke.y), marker=marker)
        figure.draw(signal.lines(True) if stroke.connected else signal)
    for axis, length in (("x", width), ("y", height)):
        ruler = figure.ruler(axis)
        ruler.lim(0, length).alignment(lim="edge")
        ruler.ticks([])
    return str(figure.build().string())


_FIRST = 17


def _listed(values: Sequence[float] | npt.NDArray[np.float64]) -> list[float]:
    return [float(value) for value in values]


def _read(built: str, width: int, height: int, inks: Sequence[str]) -> list[list[Cell]]:
    rows = []
    for line in built.rstrip("\n").split("\n")[:height]:
        row: list[Cell] = []
        ink = "blank"
        for number, part in enumerate(_CODE.split(line)):
            if number % 2:
                ink = _ink(part, ink, inks)
            else:
                row += [(character, ink) if character != " " else BLANK for character in part]
        rows.append((row + [BLANK] * width)[:width])
    return rows + [[BLANK] * width for _ in range(height - len(rows))]


def _ink(code: str, ink: str, inks: Sequence[str]) -> str:
    if code in {"", "0"}:
        return "blank"
    if code.startswith("38;5;"):
        place = int(code.removeprefix("38;5;")) - _FIRST
        return inks[place] if 0 <= place < len(inks) else "blank"
    return ink

"""A drawn chart: text in roles, so that a screen gives it the colours of its theme."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from embedtui.common.printable import printable

Cell = tuple[str, str]
"""A character and its ink."""
BLANK: Cell = (" ", "blank")


_PARTS = " · "


@dataclass(frozen=True)
class Span:
    """Neighbouring characters of one ink."""

    text: str
    style: str


@dataclass(frozen=True)
class Picture:
    """Rows of spans; every row is exactly `width` terminal columns wide."""

    rows: tuple[tuple[Span, ...], ...]
    width: int
    height: int

    @property
    def plain(self) -> str:
        """The picture without inks."""
        return "\n".join("".join(span.text for span in row) for row in self.rows)


class Canvas:
    """Cells that a chart is put together on; what lies outside is dropped."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(width, 0), max(height, 0)
        self._cells = [[BLANK] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, text: str, style: str, *, over: bool = True) -> None:
        """Write text from a place on; without `over`, on blank cells only.

        Wide characters are replaced: a cell is one column.
        """
        if not 0 <= y < self.height:
            return
        for place, character in enumerate(text, start=x):
            if 0 <= place < self.width and (over or self._cells[y][place] == BLANK):
                self._cells[y][place] = (character, style)

    def cells(self, x: int, y: int, rows: Sequence[Sequence[Cell]]) -> None:
        """Lay drawn cells down, blank ones left out."""
        for line, row in enumerate(rows):
            for place, (character, style) in enumerate(row):
                if character != " ":
                    self.put(x + place, y + line, character, style)

    def at(self, x: int, y: int) -> Cell:
        """Return a cell, a blank one for what lies outside."""
        inside = 0 <= y < self.height and 0 <= x < self.width
        return self._cells[y][x] if inside else BLANK

    def is_blank(self, x: int, y: int, length: int = 1) -> bool:
        """Say whether so many cells from a place on are there and blank."""
        if not (0 <= y < self.height and x >= 0 and x + length <= self.width):
            return False
        return all(cell == BLANK for cell in self._cells[y][x : x + length])

    def shows(self, style: str, text: str = "") -> bool:
        """Say whether a cell of an ink, and of a character where one is named, is to be seen."""
        return any(
            ink == style and (not text or character == text)
            for row in self._cells
            for character, ink in row
        )

    def picture(self) -> Picture:
        """Return what was put together."""
        rows = tuple(
            tuple(
                Span("".join(character for character, _ in cells), style)
                for style, cells in groupby(row, key=lambda cell: cell[1])
            )
            for row in self._cells
        )
        return Picture(rows, self.width, self.height)


def label_of(text: str, width: int, *, unicode: bool = True) -> str:
    """Return a label in single-width characters, cut to `width`.

    A setting of several parts is cut in its middle: the last part is what tells it from others.
    Labels may come from files: wide and combining characters would shift all that follows.
    """
    safe = printable(text) if unicode else printable(text).replace("·", "-")
    shown = "".join(c if _is_single(c) and (unicode or c.isascii()) else "?" for c in safe)
    if len(shown) <= width:
        return shown
    cut = "…" if unicode else "~"
    tail = (width - 1) // 2 if _PARTS in text else 0
    return shown[: max(width - 1 - tail, 0)] + cut[: max(width, 0)] + shown[len(shown) - tail :]


def message(text: str, width: int, height: int, *, unicode: bool = True) -> Picture:
    """Return a picture of nothing but a sentence in its middle."""
    canvas = Canvas(width, height)
    shown = label_of(text, width, unicode=unicode)
    canvas.put((width - len(shown)) // 2, max((height - 1) // 2, 0), shown, "label")
    return canvas.picture()


def _is_single(character: str) -> bool:
    wide = unicodedata.east_asian_width(character) in {"W", "F"}
    return not wide and not unicodedata.combining(character) and character not in "\u200c\u200d"

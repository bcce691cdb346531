"""Lines of a table as segments of text and style."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from embedtui.common.printable import printable
from embedtui.tui.widgets.table_columns import FittedColumns
from embedtui.tui.widgets.table_data import Column

_MISSING = "·"
_SLICE = 4
"""Characters looked at per terminal column: a text may be a megabyte long."""


@dataclass(frozen=True)
class TablePainter:
    """Paints lines over a style that all of a line has."""

    style: Callable[[str], Style]
    """Gives the style of a part, by its name."""
    filter_text: str
    """What is marked where a text holds it."""

    def paint_header(
        self, fitted: FittedColumns, sort: tuple[str, bool] | None, line: Style
    ) -> list[Segment]:
        """Return the columns' titles, the mark of the order, and those of what is hidden."""
        faint = line + self.style("header")
        segments: list[Segment] = []
        used = 0
        for column, x, room in fitted.places:
            mark = ""
            if sort is not None and sort[0] == column.key:
                mark = "▾" if sort[1] else "▴"
            title = printable(column.title, max(room - len(mark), 1)) + mark
            title = title.ljust(room) if column.kind == "text" else title.rjust(room)
            gap = " " * (x - used)
            if fitted.hidden_left and column is fitted.first_moving:
                gap = gap[:-1] + "‹"
            style = line + self.style("header-sorted") if mark else faint
            segments += [Segment(gap, faint), Segment(title, style)]
            used = x + room
        if fitted.hidden_right:
            segments.append(Segment("›", faint))
        return segments

    def paint_row(
        self, fitted: FittedColumns, row: int, line: Style, *, bare: bool = False
    ) -> list[Segment]:
        """Return a row's cells; `bare` leaves out the colours of their own."""
        segments: list[Segment] = []
        used = 0
        for column, x, room in fitted.places:
            segments.append(Segment(" " * (x - used), line))
            cells = self._paint_cell(column, row, room, line)
            segments += [Segment(cell.text, line) for cell in cells] if bare else cells
            used = x + room
        return segments

    def _paint_cell(self, column: Column, row: int, room: int, line: Style) -> list[Segment]:
        if column.kind == "text":
            raw = str(column.values[row])
            text = printable(raw[: room * _SLICE + 64], None)
            if cell_len(text) > room:
                text = set_cell_size(text, max(room - 1, 0)).rstrip(" ") + "…"
            text = set_cell_size(text, room)
            style = line + self.style("id" if column.key == "id" else "text")
            return self._mark_matches(text, style)
        if column.kind == "integer":
            number = int(column.values[row])
            text, name = (str(number), "number") if number > 0 else (_MISSING, "missing")
        else:
            text, name = _format_distance(column, row, room)
        return [Segment(text.rjust(room), line + self.style(name))]

    def _mark_matches(self, text: str, style: Style) -> list[Segment]:
        place = text.casefold().find(self.filter_text.casefold()) if self.filter_text else -1
        # Folding may change a text's length, and with it the place that was found.
        if place < 0 or len(text.casefold()) != len(text):
            return [Segment(text, style)]
        end = place + len(self.filter_text)
        return [
            Segment(text[:place], style),
            Segment(text[place:end], style + self.style("match")),
            Segment(text[end:], style),
        ]


def _format_distance(column: Column, row: int, room: int) -> tuple[str, str]:
    """Return a distance's text and the name of its style."""
    value = float(column.values[row])
    if column.identical is not None and column.identical[row]:
        return "identical" if room >= 9 else "=", "identical"
    if np.isnan(value):
        return _MISSING, "missing"
    over = column.limit is not None and value > column.limit
    text = f"{'!' if over else ''}{value:.1e}" if value else "0"
    return text, "over-limit" if over else "number"

"""A table that formats only the rows that are seen, so that 100,000 of them scroll like ten."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input

from embedtui.printable import printable
from embedtui.tui.widgets.changed import ChangedLines
from embedtui.tui.widgets.table_data import Column, Rows, TableData, TextIndex, order_of

_LEAST_TEXT, _MOST_OF_TEXT = 10, 30
"""Columns that the text is given before figures are left out: a quarter, within these."""
_MISSING = "·"
_SLICE = 4
"""Characters looked at per terminal column: a text may be a megabyte long."""


class TextTable(ChangedLines, ScrollView, can_focus=True):
    """Rows of texts with their distances; sorted, filtered and copied by key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="table.page_up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="table.page_down"),
        Binding("home,g", "end(-1)", "first", show=False, id="table.first"),
        Binding("end,G", "end(1)", "last", show=False, id="table.last"),
        Binding("left,h", "side(-1)", "columns left", show=False, id="table.left"),
        Binding("right,l", "side(1)", "columns right", show=False, id="table.right"),
        Binding("enter", "select", "open", show=False, id="table.open", tooltip="The whole text"),
        Binding("s", "sort_next", "sort", show=False, id="table.sort", tooltip="Sort by the next"),
        Binding("S", "sort_turn", "turn", show=False, id="table.turn", tooltip="Turn the order"),
        Binding("w", "worst", "worst", show=False, id="table.worst", tooltip="Largest drift"),
        Binding("y", "copy", "copy row", show=False, id="table.copy", tooltip="Copy the row"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--header-sorted",
        "table--cursor",
        "table--id",
        "table--text",
        "table--number",
        "table--identical",
        "table--missing",
        "table--over-limit",
        "table--match",
    }
    DEFAULT_CSS = """
    TextTable { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    TextTable .table--header { color: $muted; }
    TextTable .table--header-sorted { color: $primary; text-style: bold; }
    TextTable .table--cursor { background: $boost; text-style: bold; }
    TextTable:focus .table--cursor { background: $cursor; text-style: bold; }
    TextTable .table--id { color: $secondary; }
    TextTable .table--text { color: $foreground; }
    TextTable .table--number { color: $foreground; }
    TextTable .table--identical { color: $muted; }
    TextTable .table--missing { color: $disabled; }
    TextTable .table--over-limit { color: $error; }
    TextTable .table--match { text-style: underline; color: $accent; }
    TextTable:ansi .table--cursor, TextTable:ansi:focus .table--cursor { text-style: reverse; }
    TextTable:ansi .table--identical, TextTable:ansi .table--missing { text-style: dim; }
    """

    class RowHighlighted(Message):
        """The cursor stands on another text."""

        def __init__(self, table: TextTable, row: int) -> None:
            super().__init__()
            self.table, self.row = table, row

    class RowSelected(Message):
        """A text is to be opened."""

        def __init__(self, table: TextTable, row: int) -> None:
            super().__init__()
            self.table, self.row = table, row

    class CopyRequested(Message):
        """A row is to be copied."""

        def __init__(self, row: int, text: str) -> None:
            super().__init__()
            self.row, self.text = row, text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.empty = "no texts yet"
        """What is said where there are no rows."""
        self.data = TableData((), (), 0)
        self.formatted = 0
        """Rows formatted so far."""
        self._sort: tuple[str, bool] | None = None
        self._filter = ""
        self._order: Rows = np.zeros(0, dtype=np.intp)
        self._place = 0
        self._side = 0
        self._index: TextIndex | None = None

    # --- what is shown ------------------------------------------------------------------------

    @property
    def shown(self) -> int:
        """How many rows the filter leaves."""
        return len(self._order)

    @property
    def rows(self) -> Rows:
        """The rows in the order in which they are shown."""
        return self._order

    @property
    def cursor_row(self) -> int | None:
        """The row under the cursor, by its number in the data."""
        return int(self._order[self._place]) if self.shown else None

    @property
    def sorted_by(self) -> tuple[str, bool] | None:
        """Key of the column that is sorted by, and whether the largest come first."""
        return self._sort

    @property
    def filter_text(self) -> str:
        """What the shown rows hold."""
        return self._filter

    @filter_text.setter
    def filter_text(self, wanted: str) -> None:
        if wanted != self._filter:
            self._filter = wanted
            self._arrange()

    def set_data(self, data: TableData) -> None:
        """Show other figures; sort, filter and the text under the cursor stay."""
        if data is self.data:
            return
        self.data = data
        if self._sort is not None and data.column(self._sort[0]) is None:
            self._sort = None
        self._arrange()

    def sort_by(self, key: str, descending: bool | None = None) -> None:
        """Sort by a column; without an order, the largest first, and turned if it is so already."""
        column = self.data.column(key)
        if column is None:
            return
        if descending is None:
            again = self._sort is not None and self._sort[0] == key
            descending = not self._sort[1] if again and self._sort else column.kind != "text"
        self._sort = key, descending
        self._arrange(keep=False)

    def jump_to_worst(self) -> None:
        """Put the cursor on the text with the largest distance of the sorted or last column."""
        column = self._worst_column()
        if column is None or not self.shown:
            return
        values = np.asarray(column.values, dtype=np.float64)[self._order]
        if column.identical is not None:
            values = np.where(column.identical[self._order], -1.0, values)
        if np.isfinite(values).any():
            self._go(int(np.nanargmax(values)))

    def _worst_column(self) -> Column | None:
        sorted_by = self.data.column(self._sort[0]) if self._sort else None
        if sorted_by is not None and sorted_by.kind == "distance":
            return sorted_by
        # Where nothing drifts, the figure that is left is the precision error.
        figures = [c for c in self.data.columns if c.kind == "distance"]
        figures.sort(key=lambda c: (_moves(c), c.key != "error"))
        return figures[-1] if figures else None

    def _arrange(self, *, keep: bool = True) -> None:
        """Filter and sort anew; with `keep` the cursor stays on its text."""
        before = self.cursor_row if keep else None
        count = self.data.count
        rows = self._find() if self._filter else np.arange(count)
        column = self.data.column(self._sort[0]) if self._sort else None
        if column is not None and self._sort is not None:
            order = order_of(column, count, descending=self._sort[1])
            if self._filter:
                wanted = np.zeros(count, dtype=np.bool_)
                wanted[rows] = True
                order = order[wanted[order]]
            rows = order
        self._order = rows
        place = 0
        if before is not None:
            found = np.flatnonzero(rows == before)
            place = int(found[0]) if len(found) else min(self._place, max(len(rows) - 1, 0))
        moved = place != self._place
        self._place = place
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        if moved or not keep:
            self._reveal()
        self.refresh_changed()

    def _find(self) -> Rows:
        texts = self.data.column("text")
        held = texts.values if texts is not None else self.data.ids
        if self._index is None or not self._index.is_of(self.data.ids, held):
            self._index = TextIndex(self.data.ids, held)
        return self._index.find(self._filter)

    # --- keys and mouse -----------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._go(self._place + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self._go(self._place + by * max(self.size.height - 2, 1))

    def action_end(self, by: int) -> None:
        """Go to the first row or the last."""
        self._go(0 if by < 0 else self.shown - 1)

    def action_side(self, by: int) -> None:
        """Show columns that had no room; without it the last ones are shown."""
        hidden = self._hidden()
        self._side = min(max(self._side - by, 0), self._side + hidden[0])
        self.refresh()

    def action_select(self) -> None:
        """Open the text under the cursor."""
        row = self.cursor_row
        if row is not None:
            self.post_message(self.RowSelected(self, row))

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        keys = [column.key for column in self.data.columns]
        if keys:
            now = keys.index(self._sort[0]) if self._sort and self._sort[0] in keys else -1
            self._sort = None
            self.sort_by(keys[(now + 1) % len(keys)])

    def action_sort_turn(self) -> None:
        """Turn the order round."""
        if self._sort is not None:
            self.sort_by(self._sort[0])

    def action_worst(self) -> None:
        """Go to the text that drifts most."""
        self.jump_to_worst()

    def action_copy(self) -> None:
        """Copy the row, every cell whole."""
        row = self.cursor_row
        if row is not None:
            cells = [_whole(column, row) for column in self.data.columns]
            self.post_message(self.CopyRequested(row, "\t".join(cells)))

    def on_click(self, event: events.Click) -> None:
        """Sort by a header that is clicked; go to a row, and open the one that is gone to."""
        if event.y == 0:
            for column, x, width in self._layout():
                if x <= event.x < x + width:
                    self.sort_by(column.key)
            return
        place = event.y - 1 + self.scroll_offset.y
        if place < self.shown:
            if place == self._place and self.has_focus:
                self.action_select()
            self._go(place)

    def on_resize(self, event: events.Resize) -> None:
        """Follow the width."""
        self.virtual_size = Size(event.size.width, self.shown + 1)

    def _go(self, place: int) -> None:
        if not self.shown:
            return
        self._place = min(max(place, 0), self.shown - 1)
        self._reveal()
        self.refresh()
        self.post_message(self.RowHighlighted(self, int(self._order[self._place])))

    def _reveal(self) -> None:
        # One line of the window is the header's, which stands still.
        height = max(self.size.height - 1, 1)
        top = self.scroll_offset.y
        if self._place < top:
            self.scroll_to(y=self._place, animate=False, force=True, immediate=True)
        elif self._place >= top + height:
            self.scroll_to(y=self._place - height + 1, animate=False, force=True, immediate=True)

    # --- drawing ------------------------------------------------------------------------------

    def draw_line(self, y: int) -> Strip:
        """Return the header, or one row."""
        width = self.size.width
        base = self.rich_style
        if not self.data.count or not self.shown:
            return self._nothing(y, width, base)
        if y == 0:
            return self._header(width, base)
        place = y - 1 + self.scroll_offset.y
        if place >= self.shown:
            return Strip.blank(width, base)
        return self._row(place, width, base)

    def _nothing(self, y: int, width: int, base: Style) -> Strip:
        said = self.empty
        if self.data.count:
            said = f"nothing holds “{printable(self._filter, 40)}”: Backspace widens, Esc clears"
        if y != max(self.size.height // 2 - 1, 0):
            return Strip.blank(width, base)
        text = printable(said, max(width, 1)).center(width)
        return Strip([Segment(text, base + self._style("missing"))]).adjust_cell_length(width, base)

    def _header(self, width: int, base: Style) -> Strip:
        segments: list[Segment] = []
        used = 0
        hidden, faint = self._hidden(), self._style("header")
        still, moving = self._split()
        window = moving[slice(*self._window(still, moving))]
        first = window[0] if window else None
        for column, x, room in self._layout():
            sorted_ = self._sort is not None and self._sort[0] == column.key
            mark = ""
            if sorted_ and self._sort is not None:
                mark = "▾" if self._sort[1] else "▴"
            title = printable(column.title, max(room - len(mark), 1)) + mark
            title = title.ljust(room) if column.kind == "text" else title.rjust(room)
            style = self._style("header-sorted" if sorted_ else "header")
            gap = " " * (x - used)
            if hidden[0] and column is first:
                gap = gap[:-1] + "‹"
            segments += [Segment(gap, base + faint), Segment(title, base + style)]
            used = x + room
        if hidden[1]:
            segments.append(Segment("›", base + faint))
        return Strip(segments).adjust_cell_length(width, base)

    def _row(self, place: int, width: int, base: Style) -> Strip:
        self.formatted += 1
        row = int(self._order[place])
        cursor = place == self._place
        line = base + self._style("cursor") if cursor else base
        # Colours that are turned round cell by cell would tear the row into blocks.
        bare = cursor and self.app.native_ansi_color
        segments: list[Segment] = []
        used = 0
        for column, x, room in self._layout():
            segments.append(Segment(" " * (x - used), line))
            cells = self._cell(column, row, room, line)
            segments += [Segment(cell.text, line) for cell in cells] if bare else cells
            used = x + room
        return Strip(segments).adjust_cell_length(width, line)

    def _cell(self, column: Column, row: int, room: int, line: Style) -> list[Segment]:
        if column.kind == "text":
            held = str(column.values[row])
            text = printable(held[: room * _SLICE + 64], None)
            if cell_len(text) > room:
                text = set_cell_size(text, max(room - 1, 0)).rstrip(" ") + "…"
            text = set_cell_size(text, room)
            style = line + self._style("id" if column.key == "id" else "text")
            return self._matched(text, style)
        if column.kind == "integer":
            number = int(column.values[row])
            name = "number" if number > 0 else "missing"
            text = str(number) if number > 0 else _MISSING
            return [Segment(text.rjust(room), line + self._style(name))]
        value = float(column.values[row])
        if column.identical is not None and column.identical[row]:
            text = "identical" if room >= 9 else "="
            return [Segment(text.rjust(room), line + self._style("identical"))]
        if np.isnan(value):
            return [Segment(_MISSING.rjust(room), line + self._style("missing"))]
        over = column.limit is not None and value > column.limit
        text = f"{'!' if over else ''}{value:.1e}" if value else "0"
        return [Segment(text.rjust(room), line + self._style("over-limit" if over else "number"))]

    def _matched(self, text: str, style: Style) -> list[Segment]:
        place = text.casefold().find(self._filter.casefold()) if self._filter else -1
        # Folding may change a text's length, and with it the place that was found.
        if place < 0 or len(text.casefold()) != len(text):
            return [Segment(text, style)]
        end = place + len(self._filter)
        return [
            Segment(text[:place], style),
            Segment(text[place:end], style + self._style("match")),
            Segment(text[end:], style),
        ]

    def _layout(self) -> list[tuple[Column, int, int]]:
        """Return each shown column with its place and its width."""
        still, moving = self._split()
        width = self._room
        shown = [*still, *moving[slice(*self._window(still, moving))]]
        gaps = 2 * max(len(shown) - 1, 0)
        rigid = sum(column.width for column in shown if column.width)
        free = max(width - rigid - gaps, _LEAST_TEXT)
        places, x = [], 0
        for column in shown:
            room = column.width or free
            if x >= width:
                break
            room = min(room, width - x)
            places.append((column, x, room))
            x += room + 2
        return places

    def _split(self) -> tuple[list[Column], list[Column]]:
        """Return the columns that stay, up to the text, and those that may have to go."""
        columns = list(self.data.columns)
        place = next((n for n, one in enumerate(columns) if not one.width), 0)
        return columns[: place + 1], columns[place + 1 :]

    def _window(self, still: list[Column], moving: list[Column]) -> tuple[int, int]:
        """Return the first and the end of the moving columns that there is room for.

        They are counted from the right, where the figures stand that matter most: the largest
        batch sizes and the precision error.
        """
        width = self._room
        text = min(max(width // 4, _LEAST_TEXT), _MOST_OF_TEXT)
        room = width - sum((column.width or text) + 2 for column in still) + 2
        end = len(moving) - min(self._side, max(len(moving) - 1, 0))
        first = end
        while first and room >= moving[first - 1].width + 2:
            first -= 1
            room -= moving[first].width + 2
        return first, end

    def _hidden(self) -> tuple[int, int]:
        """Return how many columns have no room at the left, and at the right."""
        still, moving = self._split()
        first, end = self._window(still, moving)
        return first, len(moving) - end

    @property
    def _room(self) -> int:
        # One for the mark of what is hidden: nor may a bar at the right touch the figures.
        return self.scrollable_content_region.width - 1

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"table--{name}", partial=True)


class FilterLine(Input):
    """One line that filters the table below while it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear", show=False, id="filter.clear"),
        Binding("down,enter", "leave", "to the table", show=False, id="filter.leave"),
    ]
    DEFAULT_CSS = """
    FilterLine { height: 1; border: none; padding: 0; background: $surface; display: none; }
    FilterLine:focus { background: $boost; }
    """

    class Left(Message):
        """The table is to have the keys again."""

    def action_clear(self) -> None:
        """Show all rows again."""
        self.value = ""
        self.post_message(self.Left())

    def action_leave(self) -> None:
        """Go to the table; the filter stays."""
        self.post_message(self.Left())


class TablePane(Vertical):
    """A table and its filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", show=False, id="pane.filter"),
    ]

    class Counted(Message):
        """The filter leaves so many rows."""

        def __init__(self, shown: int, count: int) -> None:
            super().__init__()
            self.shown, self.count = shown, count

    def compose(self) -> ComposeResult:
        """Put the filter above the table."""
        yield FilterLine(placeholder="filter: id or text", compact=True)
        yield TextTable()

    @property
    def table(self) -> TextTable:
        """The table."""
        return self.query_one(TextTable)

    def action_filter(self) -> None:
        """Go to the filter."""
        line = self.query_one(FilterLine)
        line.display = True
        line.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.table.filter_text = event.value
        self.post_message(self.Counted(self.table.shown, self.table.data.count))

    @on(FilterLine.Left)
    def _left(self, event: FilterLine.Left) -> None:
        event.stop()
        line = self.query_one(FilterLine)
        self.table.focus()
        line.display = bool(line.value)


def _moves(column: Column) -> bool:
    """Say whether any row differs."""
    values = np.asarray(column.values)
    if column.identical is not None:
        values = values[~column.identical]
    return bool(np.isfinite(values).any())


def _whole(column: Column, row: int) -> str:
    """Return a cell's full value on one line."""
    value = column.values[row]
    if column.kind == "text":
        return printable(str(value))
    if column.identical is not None and column.identical[row]:
        return "identical"
    if column.kind == "distance":
        return "" if np.isnan(value) else repr(float(value))
    return str(int(value))

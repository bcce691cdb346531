"""A table that formats only the rows that are seen, so that 100,000 of them scroll like ten."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from embedtui.common.printable import printable
from embedtui.tui.widgets.partial_repaint import ChangedLines
from embedtui.tui.widgets.table_columns import FittedColumns, fit_columns
from embedtui.tui.widgets.table_data import Rows, TableData
from embedtui.tui.widgets.table_model import TableModel
from embedtui.tui.widgets.table_paint import TablePainter


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
    FOOTER: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "open"),
        ("s", "sort"),
        ("w", "worst"),
        ("y", "copy row"),
    )
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
        self._model = TableModel()
        self._skipped = 0
        """How many of the last columns are passed over, so that others have room."""

    # --- what is shown ------------------------------------------------------------------------

    @property
    def data(self) -> TableData:
        """The figures, those of rows that the filter leaves out among them."""
        return self._model.data

    @property
    def shown(self) -> int:
        """How many rows the filter leaves."""
        return self._model.shown

    @property
    def rows(self) -> Rows:
        """The rows in the order in which they are shown."""
        return self._model.order

    @property
    def cursor_row(self) -> int | None:
        """The row under the cursor, by its number in the data."""
        return self._model.cursor_row

    @property
    def sorted_by(self) -> tuple[str, bool] | None:
        """Key of the column that is sorted by, and whether the largest come first."""
        return self._model.sort

    @property
    def filter_text(self) -> str:
        """What the shown rows hold."""
        return self._model.filter_text

    @filter_text.setter
    def filter_text(self, wanted: str) -> None:
        if wanted != self._model.filter_text:
            before = self._model.place
            self._model.filter_by(wanted)
            self._show_order(moved=self._model.place != before)

    def set_data(self, data: TableData) -> None:
        """Show other figures; sort, filter and the text under the cursor stay."""
        if data is not self._model.data:
            before = self._model.place
            self._model.set_data(data)
            self._show_order(moved=self._model.place != before)

    def sort_by(self, key: str, descending: bool | None = None) -> None:
        """Sort by a column; without an order, the largest first, and turned if it is so already."""
        column = self._model.data.column(key)
        if column is not None:
            self._model.sort_by(column, descending)
            self._show_order(moved=True)

    def jump_to_worst(self) -> None:
        """Put the cursor on the text with the largest distance of the sorted or last column."""
        worst = self._model.find_worst()
        if worst is None:
            self.notify("no text has a distance", timeout=3)
        elif worst == self._model.place:
            self.notify("this is the text with the largest distance", timeout=3)
        else:
            self._move_to(worst)

    def _show_order(self, *, moved: bool) -> None:
        self.virtual_size = Size(self.size.width, self._model.shown + 1)
        if moved:
            self._reveal()
        self.refresh_changed()

    # --- keys and mouse -----------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._move_to(self._model.place + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self._move_to(self._model.place + by * max(self.size.height - 2, 1))

    def action_end(self, by: int) -> None:
        """Go to the first row or the last."""
        self._move_to(0 if by < 0 else self._model.shown - 1)

    def action_side(self, by: int) -> None:
        """Show columns that had no room; without it the last ones are shown."""
        hidden = self._fit().hidden_left
        self._skipped = min(max(self._skipped - by, 0), self._skipped + hidden)
        self.refresh_changed()

    def action_select(self) -> None:
        """Open the text under the cursor."""
        row = self._model.cursor_row
        if row is not None:
            self.post_message(self.RowSelected(self, row))

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        keys = [column.key for column in self._model.data.columns]
        if keys:
            sort = self._model.sort
            now = keys.index(sort[0]) if sort is not None and sort[0] in keys else -1
            column = self._model.data.columns[(now + 1) % len(keys)]
            self.sort_by(column.key, column.kind != "text")

    def action_sort_turn(self) -> None:
        """Turn the order round."""
        if self._model.sort is not None:
            self.sort_by(self._model.sort[0])

    def action_worst(self) -> None:
        """Go to the text that drifts most."""
        self.jump_to_worst()

    def action_copy(self) -> None:
        """Copy the row, every cell whole."""
        copied = self._model.copy_row()
        if copied is not None:
            self.post_message(self.CopyRequested(*copied))

    def on_click(self, event: events.Click) -> None:
        """Sort by a header that is clicked; go to a row, and open the one that is gone to."""
        if event.y == 0:
            for column, x, width in self._fit().places:
                if x <= event.x < x + width:
                    self.sort_by(column.key)
            return
        place = event.y - 1 + self.scroll_offset.y
        if place < self._model.shown:
            if place == self._model.place and self.has_focus:
                self.action_select()
            self._move_to(place)

    def on_resize(self, event: events.Resize) -> None:
        """Follow the width."""
        self.virtual_size = Size(event.size.width, self._model.shown + 1)

    def _move_to(self, place: int) -> None:
        if self._model.shown:
            self._model.move_to(place)
            self._reveal()
            self.refresh_changed()

    def _reveal(self) -> None:
        # One line of the window is the header's, which stands still.
        height = max(self.size.height - 1, 1)
        top, place = self.scroll_offset.y, self._model.place
        if place < top:
            self.scroll_to(y=place, animate=False, force=True, immediate=True)
        elif place >= top + height:
            self.scroll_to(y=place - height + 1, animate=False, force=True, immediate=True)

    # --- drawing ------------------------------------------------------------------------------

    def draw_line(self, y: int) -> Strip:
        """Return the header, or one row."""
        width, base, model = self.size.width, self.rich_style, self._model
        if not model.shown:
            return self._draw_empty(y, width, base)
        painter = TablePainter(self._style, model.filter_text)
        if y == 0:
            segments = painter.paint_header(self._fit(), model.sort, base)
            return Strip(segments).adjust_cell_length(width, base)
        place = y - 1 + self.scroll_offset.y
        if place >= model.shown:
            return Strip.blank(width, base)
        at_cursor = place == model.place
        line = base + self._style("cursor") if at_cursor else base
        # Colours that are turned round cell by cell would tear the row into blocks.
        bare = at_cursor and self.app.native_ansi_color
        segments = painter.paint_row(self._fit(), int(model.order[place]), line, bare=bare)
        return Strip(segments).adjust_cell_length(width, line)

    def _draw_empty(self, y: int, width: int, base: Style) -> Strip:
        if y != max(self.size.height // 2 - 1, 0):
            return Strip.blank(width, base)
        text = self.empty
        if self._model.data.count:
            wanted = printable(self._model.filter_text, 40)
            text = f"no text matches “{wanted}”: Esc clears"
        text = printable(text, max(width, 1)).center(width)
        return Strip([Segment(text, base + self._style("missing"))]).adjust_cell_length(width, base)

    def _fit(self) -> FittedColumns:
        # One for the mark of what is hidden: nor may a bar at the right touch the figures.
        width = self.scrollable_content_region.width - 1
        return fit_columns(self._model.data.columns, width, self._skipped)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"table--{name}", partial=True)

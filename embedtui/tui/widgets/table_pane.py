"""A table of texts and the line that filters it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from embedtui.tui.widgets.text_table import TextTable


class FilterLine(Input):
    """One line that filters the table below while it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear", show=False, id="filter.clear"),
        Binding("down,enter", "leave", "to the table", show=False, id="filter.leave"),
    ]
    FOOTER: ClassVar[tuple[tuple[str, str], ...]] = (("enter", "keep"), ("escape", "clear"))
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
        Binding("escape", "clear", "clear the filter", show=False, id="pane.clear"),
    ]
    FOOTER: ClassVar[tuple[tuple[str, str], ...]] = (("slash", "filter"),)

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

    def action_clear(self) -> None:
        """Show all rows again; without a filter the key is the explorer's."""
        line = self.query_one(FilterLine)
        if not line.value:
            raise SkipAction
        line.value = ""
        line.display = False

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

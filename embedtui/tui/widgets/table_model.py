"""What a table shows: which rows, in which order, and which of them the cursor is on."""

from __future__ import annotations

import numpy as np

from embedtui.common.printable import printable
from embedtui.tui.widgets.table_data import Column, Rows, TableData, TextIndex, order_of


class TableModel:
    """Rows that are filtered and sorted, and a cursor that stays on its row."""

    def __init__(self) -> None:
        self.data = TableData((), (), 0)
        self.sort: tuple[str, bool] | None = None
        """Key of the column that is sorted by, and whether the largest come first."""
        self.filter_text = ""
        self.order: Rows = np.zeros(0, dtype=np.intp)
        """The rows that are shown, in their order, by their numbers in the data."""
        self.place = 0
        """Where in the order the cursor is."""
        self._index: TextIndex | None = None

    @property
    def shown(self) -> int:
        """How many rows the filter leaves."""
        return len(self.order)

    @property
    def cursor_row(self) -> int | None:
        """The row under the cursor, by its number in the data."""
        return int(self.order[self.place]) if self.shown else None

    def set_data(self, data: TableData) -> None:
        """Take other figures; sort, filter and the row under the cursor stay."""
        self.data = data
        if self.sort is not None and data.column(self.sort[0]) is None:
            self.sort = None
        self._arrange()

    def filter_by(self, text: str) -> None:
        """Show the rows whose id or text holds this."""
        self.filter_text = text
        self._arrange()

    def sort_by(self, column: Column, descending: bool | None) -> None:
        """Sort by a column; without an order, the largest first, and turned if it is so already."""
        if descending is None:
            again = self.sort is not None and self.sort[0] == column.key
            descending = not self.sort[1] if again and self.sort else column.kind != "text"
        self.sort = column.key, descending
        self._arrange(keep=False)

    def move_to(self, place: int) -> None:
        """Put the cursor on a place of the order, the nearest that there is."""
        self.place = min(max(place, 0), max(self.shown - 1, 0))

    def find_worst(self) -> int | None:
        """Return the place of the largest distance in the sorted column, or in the last."""
        column = self._choose_worst_column()
        if column is None or not self.shown:
            return None
        values = np.asarray(column.values, dtype=np.float64)[self.order]
        if column.identical is not None:
            values = np.where(column.identical[self.order], -1.0, values)
        return int(np.nanargmax(values)) if np.isfinite(values).any() else None

    def copy_row(self) -> tuple[int, str] | None:
        """Return the row under the cursor and all its cells whole, a tab between two."""
        row = self.cursor_row
        if row is None:
            return None
        return row, "\t".join(_copy_cell(column, row) for column in self.data.columns)

    def _choose_worst_column(self) -> Column | None:
        sorted_by = self.data.column(self.sort[0]) if self.sort else None
        if sorted_by is not None and sorted_by.kind == "distance":
            return sorted_by
        # Where nothing drifts, the figure that is left is the precision error.
        figures = [column for column in self.data.columns if column.kind == "distance"]
        figures.sort(key=lambda column: (_differs(column), column.key != "error"))
        return figures[-1] if figures else None

    def _arrange(self, *, keep: bool = True) -> None:
        """Filter and sort anew; with `keep` the cursor stays on its row."""
        before = self.cursor_row if keep else None
        count = self.data.count
        rows = self._find_matches() if self.filter_text else np.arange(count)
        column = self.data.column(self.sort[0]) if self.sort else None
        if column is not None and self.sort is not None:
            order = order_of(column, count, descending=self.sort[1])
            if self.filter_text:
                wanted = np.zeros(count, dtype=np.bool_)
                wanted[rows] = True
                order = order[wanted[order]]
            rows = order
        self.order = rows
        place = 0
        if before is not None:
            matches = np.flatnonzero(rows == before)
            place = int(matches[0]) if len(matches) else self.place
        self.move_to(place)

    def _find_matches(self) -> Rows:
        column = self.data.column("text")
        texts = column.values if column is not None else self.data.ids
        if self._index is None or not self._index.is_of(self.data.ids, texts):
            self._index = TextIndex(self.data.ids, texts)
        return self._index.find(self.filter_text)


def _differs(column: Column) -> bool:
    """Say whether any row differs."""
    values = np.asarray(column.values)
    if column.identical is not None:
        values = values[~column.identical]
    return bool(np.isfinite(values).any())


def _copy_cell(column: Column, row: int) -> str:
    """Return a cell's full value on one line."""
    value = column.values[row]
    if column.kind == "text":
        return printable(str(value))
    if column.identical is not None and column.identical[row]:
        return "identical"
    if column.kind == "distance":
        return "" if np.isnan(value) else repr(float(value))
    return str(int(value))

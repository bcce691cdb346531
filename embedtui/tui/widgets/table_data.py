"""Columns of a table and the order in which its rows are shown; NumPy does the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["text", "integer", "distance"]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Column:
    """One column; `values` holds one entry for each row."""

    key: str
    title: str
    values: Any
    """Texts, or an array of integers or of float64 distances, NaN where nothing was measured."""
    kind: Kind
    width: int
    """Terminal columns; 0 for the one column that takes the room that is left."""
    help: str = ""
    identical: npt.NDArray[np.bool_] | None = None
    """For distances: which are no distances because the vectors are equal bit for bit."""
    limit: float | None = None
    """For distances: what a value beyond is marked for."""


@dataclass(frozen=True, eq=False)
class TableData:
    """Rows of a table, column by column."""

    columns: tuple[Column, ...]
    ids: Sequence[str]
    count: int

    def column(self, key: str) -> Column | None:
        """Return the column of a key."""
        return next((one for one in self.columns if one.key == key), None)


def order_of(column: Column, count: int, *, descending: bool) -> Rows:
    """Return the rows sorted by a column; equal ones keep their order, NaN comes last either way.

    Equal bits are less than any distance: 0, and not a very small number.
    """
    if column.kind == "text":
        lowered = [str(value).casefold() for value in column.values]
        order = sorted(range(count), key=lowered.__getitem__, reverse=descending)
        return np.asarray(order, dtype=np.intp)
    values = np.asarray(column.values)
    if column.kind == "distance":
        keys = values.astype(np.float64)
        if column.identical is not None:
            keys = np.where(column.identical, -1.0, keys)
        keys = -keys if descending else keys
        return np.argsort(keys, kind="stable")  # NaN sorts last
    return np.argsort(-values if descending else values, kind="stable")


class TextIndex:
    """Finds rows whose id or text holds what is typed, whatever its case.

    All texts are folded once, when the first letter is typed, and searched one by one by Python's
    own substring search; a filter that has only grown is looked for in what the last one found.
    """

    def __init__(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        self._ids, self._texts = ids, texts
        self._folded: list[str] | None = None
        self._last: tuple[str, Rows] | None = None

    def is_of(self, ids: Sequence[str], texts: Sequence[str]) -> bool:
        """Say whether this is the index of just these objects."""
        return ids is self._ids and texts is self._texts

    def find(self, wanted: str) -> Rows:
        """Return the rows that match, in order; all of them for an empty filter."""
        wanted = wanted.casefold()
        count = len(self._ids)
        if not wanted:
            return np.arange(count)
        if self._folded is None:
            pairs = zip(self._ids, self._texts, strict=True)
            self._folded = [f"{one}\n{text}".casefold() for one, text in pairs]
        folded = self._folded
        if self._last is not None and wanted.startswith(self._last[0]):
            found = [row for row in self._last[1].tolist() if wanted in folded[row]]
        else:
            found = [row for row, text in enumerate(folded) if wanted in text]
        rows = np.asarray(found, dtype=np.intp)
        self._last = wanted, rows
        return rows

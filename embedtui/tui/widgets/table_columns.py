"""Which columns of a table have room, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedtui.tui.widgets.table_data import Column

LEAST_TEXT, MOST_OF_TEXT = 10, 30
"""Columns that the text is given before figures are left out: a quarter, within these."""
GAP = 2


@dataclass(frozen=True)
class FittedColumns:
    """The columns that are shown."""

    places: tuple[tuple[Column, int, int], ...]
    """Each with its place and its width."""
    first_moving: Column | None
    """The first of the figures that may have to go."""
    hidden_left: int
    """How many figures have no room at the left."""
    hidden_right: int


def fit_columns(columns: Sequence[Column], width: int, skipped: int) -> FittedColumns:
    """Return the columns that a width has room for, `skipped` of the last ones passed over.

    Those up to the text stay; of the others the last ones are shown, where the figures stand that
    matter most: the largest batch sizes and the precision error.
    """
    text = next((n for n, column in enumerate(columns) if not column.width), 0)
    still, moving = columns[: text + 1], columns[text + 1 :]
    first, end = _fit_moving(still, moving, width, skipped)
    shown = [*still, *moving[first:end]]
    rigid = sum(column.width for column in shown) + GAP * max(len(shown) - 1, 0)
    free = max(width - rigid, LEAST_TEXT)
    places, x = [], 0
    for column in shown:
        if x >= width:
            break
        room = min(column.width or free, width - x)
        places.append((column, x, room))
        x += room + GAP
    first_moving = moving[first] if first < end else None
    return FittedColumns(tuple(places), first_moving, first, len(moving) - end)


def _fit_moving(
    still: Sequence[Column], moving: Sequence[Column], width: int, skipped: int
) -> tuple[int, int]:
    """Return the first and the end of the moving columns that there is room for."""
    text = min(max(width // 4, LEAST_TEXT), MOST_OF_TEXT)
    room = width - sum((column.width or text) + GAP for column in still) + GAP
    end = len(moving) - min(skipped, max(len(moving) - 1, 0))
    first = end
    while first and room >= moving[first - 1].width + GAP:
        first -= 1
        room -= moving[first].width + GAP
    return first, end

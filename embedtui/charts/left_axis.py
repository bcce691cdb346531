"""The left edge that charts of distances share: decades upward, and the line of the tolerance."""

from __future__ import annotations

from embedtui.charts.axes import Decades, name
from embedtui.charts.picture import Sheet


def put_decades(
    sheet: Sheet, axis: Decades, left: int, *, unicode: bool, ticks: bool = False
) -> None:
    """Put a bar and the decades' labels before column `left`; `ticks` marks them on the bar."""
    for y in range(axis.cells):
        sheet.put(left - 1, y, "│" if unicode else "|", "axis")
    for decade, place in axis.ticks(2):
        y, text = axis.row(place), name(decade)
        sheet.put(left - 2 - len(text), y, text, "axis")
        if ticks:
            sheet.put(left - 1, y, "┤" if unicode else "+", "axis")


def put_tolerance(
    sheet: Sheet, axis: Decades, tolerance: float, left: int, across: int, *, unicode: bool
) -> int:
    """Draw the tolerance over `across` columns from `left` on; return its row."""
    y = axis.row(axis.place(tolerance))
    sheet.put(left, y, ("╌" if unicode else "-") * across, "tolerance")
    return y

"""The left edge that charts of distances share: decades upward, and the line of the tolerance."""

from __future__ import annotations

from embedtui.charts.axes import Decades
from embedtui.charts.glyphs import LIMIT_ACROSS
from embedtui.charts.picture import Canvas, label_of

EQUAL = "equal"
"""What the lane of equal bits is called."""


def fit_left_axis(axis: Decades, *, lane: bool) -> int:
    """Return the columns that the labels and the bar at their right take."""
    names = [name for name, _ in axis.ticks()] + [EQUAL] * lane
    return max(4, *(len(name) for name in names)) + 2


def put_decades(
    canvas: Canvas, axis: Decades, left: int, *, unicode: bool, ticks: bool = False
) -> None:
    """Put a bar and the decades' labels before column `left`; `ticks` marks them on the bar."""
    for y in range(axis.cells):
        canvas.put(left - 1, y, "│" if unicode else "|", "axis")
    for name, cell in axis.ticks():
        y = axis.cells - 1 - cell
        canvas.put(left - 2 - len(name), y, name, "axis")
        if ticks:
            canvas.put(left - 1, y, "┤" if unicode else "+", "axis")


def put_equal(canvas: Canvas, left: int, y: int, *, unicode: bool) -> None:
    """Name the lane of equal bits and go on with the bar."""
    canvas.put(left - 2 - len(EQUAL), y, EQUAL, "axis")
    canvas.put(left - 1, y, "│" if unicode else "|", "axis")


def put_tolerance(
    canvas: Canvas,
    axis: Decades,
    tolerance: float,
    left: int,
    across: int,
    label: str = "",
    *,
    unicode: bool,
) -> None:
    """Draw the tolerance over `across` columns from `left` on, named at its right end.

    It goes under what is measured: a mark that stands on it is to be seen. One that lies beyond the
    axis is named at the end that it lies beyond.
    """
    if not axis.holds(tolerance):
        arrow = (
            ("↑" if unicode else "^") if tolerance > 10.0**axis.high else "↓" if unicode else "v"
        )
        beyond = label_of(f"{arrow} limit {tolerance:.1e}", across, unicode=unicode)
        canvas.put(
            left + 1, 0 if tolerance > 10.0**axis.high else axis.cells - 1, beyond, "tolerance"
        )
        return
    y = axis.row(tolerance)
    canvas.put(left, y, LIMIT_ACROSS[not unicode] * across, "tolerance")
    shown = label_of(label or f"limit {tolerance:.1e}", across, unicode=unicode)
    canvas.put(left + across - len(shown), y, shown, "tolerance")

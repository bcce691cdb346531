"""The lower edge: a line, and labels that never touch."""

from __future__ import annotations

from collections.abc import Iterable

from embedtui.charts.axes import Decades
from embedtui.charts.picture import Canvas


def put_lower_line(canvas: Canvas, left: int, y: int, across: int, *, unicode: bool) -> None:
    """Put the corner before column `left` and the line from there on."""
    canvas.put(left - 1, y, "└" if unicode else "+", "axis")
    canvas.put(left, y, ("─" if unicode else "-") * across, "axis")


def put_labels(
    canvas: Canvas,
    labels: Iterable[tuple[int, str]],
    y: int,
    first: int,
    style: str,
) -> None:
    """Put each label in the middle below its column, none before column `first`.

    One that would touch the label before it is left out, as is one that its column would have to
    be guessed for: moved by more than half its width.
    """
    free = first
    for column, text in sorted(labels):
        wanted = column - (len(text) - 1) // 2
        x = min(max(wanted, free), canvas.width - len(text))
        if x >= free and x <= column < x + len(text):
            canvas.put(x, y, text, style)
            free = x + len(text) + 1


def put_named_labels(
    canvas: Canvas, name: str, labels: Iterable[tuple[int, str]], y: int, style: str
) -> None:
    """Put at the left what the labels count, and the labels below their columns."""
    canvas.put(0, y, name, "axis")
    put_labels(canvas, labels, y, len(name) + 1, style)


def put_ticks(canvas: Canvas, axis: Decades, left: int, y: int, *, unicode: bool) -> None:
    """Mark the labelled decades of an axis that begins at column `left` on its line."""
    for _, cell in axis.ticks():
        canvas.put(left + cell, y, "┴" if unicode else "+", "axis")


def put_decades_below(canvas: Canvas, axis: Decades, left: int, y: int, first: int) -> None:
    """Put the labels of an axis that begins at column `left`, none before column `first`."""
    put_labels(canvas, [(left + cell, name) for name, cell in axis.ticks()], y, first, "axis")

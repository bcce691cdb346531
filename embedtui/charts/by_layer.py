"""Error and drift over the places within a model, from its embeddings to its final norm."""

from __future__ import annotations

from collections.abc import Sequence

from embedtui.charts.axes import ROOM_UP, Decades
from embedtui.charts.left_axis import fit_left_axis, put_decades
from embedtui.charts.lines import Line, put_lines
from embedtui.charts.lower_axis import put_lower_line, put_named_labels
from embedtui.charts.picture import Canvas, Picture, message

_LEAST = (22, 6)


def drift_by_layer(
    lines: Sequence[Line],
    names: Sequence[str],
    *,
    width: int,
    height: int,
    unicode: bool = True,
    empty: str = "",
) -> Picture:
    """Draw a line for each measure; `names` are the places, empty where one is not to be named.

    A line's points go by the number of the place.
    """
    if not any(line.points for line in lines):
        return message(empty, width, height, unicode=unicode)
    if width < _LEAST[0] or height < _LEAST[1]:
        return message("too small", width, height, unicode=unicode)
    lane = any(value is None for line in lines for _, value in line.points)
    rows = height - 2 - (1 if lane else 0)
    values = [value for line in lines for _, value in line.points]
    axis = Decades.over(values, rows, ROOM_UP)
    left = fit_left_axis(axis, lane=lane)
    canvas = Canvas(width, height)
    across = width - left - 1
    step = across / len(names)
    places = {number: (number + 0.5) * step for number in range(len(names))}
    put_decades(canvas, axis, left, unicode=unicode, ticks=True)
    put_lines(canvas, lines, places, axis, left, across, lane=lane, unicode=unicode)
    put_lower_line(canvas, left, height - 2, across, unicode=unicode)
    named = [(left + int(places[number]), name) for number, name in enumerate(names) if name]
    put_named_labels(canvas, "layer", named, height - 1, "axis")
    return canvas.picture()

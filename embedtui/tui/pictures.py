"""Which chart is drawn from what: the step from a view to the charts' own data."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from embedtui import charts
from embedtui.charts import Picture
from embedtui.tui.view import Line, View


class Draw(Protocol):
    """Draws one chart of a view."""

    def __call__(self, view: View, width: int, height: int, *, unicode: bool) -> Picture:
        """Return a picture of just this size."""


def _histogram(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    return _ridges(view, view.lines, width, height, unicode=unicode)


def _by_batch_size(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    return charts.drift_by_batch_size(
        [
            charts.Line(
                line.label,
                line.ink,
                line.points,
                focused=line is view.focus,
                speeds=line.speeds,
            )
            for line in view.lines
            if line.points
        ],
        width=width,
        height=height,
        tolerance=view.wish.scenario.tolerance_in(view.wish.metric),
        tolerance_label=view.wish.scenario.short,
        unicode=unicode,
        empty=_waiting(view),
    )


def _pair(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    pair = view.pair
    return _ridges(view, () if pair is None else pair.lines, width, height, unicode=unicode)


def _scatter(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    pair = view.pair
    empty = np.zeros(0)
    one, other = ("", "") if pair is None else (line.label for line in pair.lines)
    return charts.scatter(
        empty if pair is None else pair.worst[0],
        empty if pair is None else pair.worst[1],
        width=width,
        height=height,
        x_label=one,
        y_label=other,
        tolerance=view.wish.scenario.tolerance_in(view.wish.metric),
        unicode=unicode,
        empty="two settings are needed" if pair is None else _waiting(view),
    )


def _ridges(
    view: View, lines: tuple[Line, ...], width: int, height: int, *, unicode: bool
) -> Picture:
    return charts.drift_histogram(
        [
            charts.Ridge(
                line.label,
                line.ink,
                line.histogram,
                noise=line.noise or None,
                precision=line.error or None,
                focused=line is view.focus,
            )
            for line in lines
            if line.points
        ],
        width=width,
        height=height,
        tolerance=view.wish.scenario.tolerance_in(view.wish.metric),
        tolerance_label=view.wish.scenario.short,
        unicode=unicode,
        empty=_waiting(view),
    )


def _waiting(view: View) -> str:
    if view.state != "idle":
        return view.stage
    return "nothing was measured" if view.problem else "press r to measure"


PICTURES: dict[str, Draw] = {
    "histogram": _histogram,
    "by-batch-size": _by_batch_size,
    "pair": _pair,
    "scatter": _scatter,
}
"""Every chart that a frame can hold, by the name of its widget."""

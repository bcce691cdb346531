"""Which chart is drawn from what: the step from a view to the charts' own data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from embedtui import charts
from embedtui.assess.pareto_front import Candidate, Step, pareto_front
from embedtui.assess.trends import Trend
from embedtui.charts import Picture
from embedtui.report.report_types_layers import SiteReport
from embedtui.tui.viewmodel.view_state import SettingRow, View


class ChartRenderer(Protocol):
    """Draws one chart of a view."""

    def __call__(self, view: View, width: int, height: int, *, unicode: bool) -> Picture:
        """Return a picture of just this size."""


def _histogram(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    lines = () if view.focus is None else (view.focus,)
    return _draw_histogram(view, lines, width, height, unicode=unicode)


def _by_batch_size(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    return charts.drift_by_batch_size(
        [
            charts.Line(
                line.label,
                line.style,
                line.points,
                focused=line is view.focus,
                speeds=line.speeds,
            )
            for line in view.charted
            if line.points
        ],
        width=width,
        height=height,
        tolerance=view.view_state.scenario.tolerance_in(view.view_state.metric),
        tolerance_label=view.view_state.scenario.short,
        unicode=unicode,
        empty=_waiting(view),
    )


def _pair(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    pair = view.pair
    return _draw_histogram(view, () if pair is None else pair.lines, width, height, unicode=unicode)


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
        tolerance=view.view_state.scenario.tolerance_in(view.view_state.metric),
        unicode=unicode,
        empty="two settings are needed" if pair is None else _waiting(view),
    )


def _by_position(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    return _by_count(view, width, height, "position", unicode=unicode)


def _by_tokens(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    return _by_count(view, width, height, "tokens", unicode=unicode)


def _correlation(trend: Trend | None, found: float | None) -> str:
    """Say how drift goes with a count, and how sure that is."""
    if trend is None or found is None:
        return ""
    ends = trend.interval(found)
    return f"rank correlation {found:+.2f} ({ends.low:+.2f} to {ends.high:+.2f})"


def _by_count(view: View, width: int, height: int, what: str, *, unicode: bool) -> Picture:
    trend = view.per_text.trend if view.per_text else None
    focus = view.focus
    nothing = np.zeros(0, dtype=np.int64)
    counts, drift, found = nothing, np.zeros(0), None
    if trend is not None:
        counts = trend.position if what == "position" else trend.tokens
        drift = trend.drift
        found = trend.by_position if what == "position" else trend.by_tokens
    return charts.drift_by_count(
        counts,
        drift,
        width=width,
        height=height,
        x_label="position in batch" if what == "position" else "tokens",
        style=focus.style if focus else "series-1",
        note=_correlation(trend, found),
        tolerance=view.view_state.scenario.tolerance_in(view.view_state.metric),
        unicode=unicode,
        empty=_waiting(view),
    )


def _front(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    places, steps = weighed(view)
    on_front = {places[step.place] for step in steps}
    return charts.front_chart(
        [
            charts.FrontPoint(
                line.label,
                line.style,
                line.speed[1],
                distance_of(line, view) or 0.0,
                on_front=place in on_front,
                focused=line is view.focus,
            )
            for place, line in ((place, view.charted[place]) for place in places)
            if line.speed
        ],
        width=width,
        height=height,
        tolerance=(
            view.view_state.scenario.tolerance_in(view.view_state.metric)
            if view.view_state.heat == "drift"
            else None
        ),
        unicode=unicode,
        empty=_waiting(view),
    )


def weighed(view: View) -> tuple[list[int], list[Step]]:
    """Return the lines that can be served and were measured, and the front among them."""
    places, candidates = [], []
    for place, line in enumerate(view.charted):
        distance = distance_of(line, view)
        if line.served and line.speed and distance is not None and not line.fault:
            places.append(place)
            model = line.key[0] if view.view_state.heat == "error" else ""
            noise = line.noise or 0.0
            candidates.append(Candidate(line.label, line.speed[1], distance, model, noise))
    return places, pareto_front(candidates)


def distance_of(line: SettingRow, view: View) -> float | None:
    """Return what the sweep weighs against speed."""
    return line.error if view.view_state.heat == "error" else line.drift


def _draw_histogram(
    view: View, lines: tuple[SettingRow, ...], width: int, height: int, *, unicode: bool
) -> Picture:
    return charts.drift_histogram(
        [
            charts.HistogramSeries(
                line.label,
                line.style,
                line.histogram,
                noise=line.noise or None,
                precision=line.error or None,
                focused=line is view.focus,
                expected=line.texts_count if line.status == "running" else 0,
                extent=line.extent,
            )
            for line in lines
            if line.points
        ],
        width=width,
        height=height,
        tolerance=view.view_state.scenario.tolerance_in(view.view_state.metric),
        tolerance_label=view.view_state.scenario.short,
        unicode=unicode,
        empty=_waiting(view),
    )


def _waiting(view: View) -> str:
    if view.state != "idle" or view.problem or view.recorded:
        return view.stage or "nothing was measured"
    return "press r to measure"


def _by_layer(view: View, width: int, height: int, *, unicode: bool) -> Picture:
    found = view.layers
    known: list[SiteReport] = found["sites"] if found and "sites" in found else []
    places = [one for one in known if one["part"] != "pooling"]
    lines = [
        charts.Line(
            "error",
            "measure-error",
            _points(one["error"] and one["error"]["p50"] for one in places),
            focused=True,
        ),
        charts.Line("adds", "measure-adds", _points(one["contribution"] for one in places)),
        charts.Line(
            "drift",
            "measure-drift",
            _points(one["drift"] and one["drift"]["max"] for one in places),
        ),
    ]
    names = {"embeddings": "emb", "attention": "", "norm": "norm"}
    label = view.focus.label if view.focus else ""
    reason = found["reason"] if found else ""
    return charts.drift_by_layer(
        lines,
        [names.get(one["part"], str(one["layer"])) for one in places],
        width=width,
        height=height,
        unicode=unicode,
        empty=reason
        or (f"layers of {label} were not measured" if view.recorded and label else "")
        or (f"layers of {label} not measured; press l" if label and view.state == "idle" else "")
        or _waiting(view),
    )


def _points(values: Iterable[float | None]) -> tuple[tuple[int, float | None], ...]:
    """Return the points of a measure, by place; None where states are equal bit for bit."""
    return tuple(
        (number, value or None) for number, value in enumerate(values) if value is not None
    )


PICTURES: dict[str, ChartRenderer] = {
    "histogram": _histogram,
    "by-batch-size": _by_batch_size,
    "by-position": _by_position,
    "by-tokens": _by_tokens,
    "pair": _pair,
    "scatter": _scatter,
    "front": _front,
    "by-layer": _by_layer,
}
"""Every chart that a frame can hold, by the name of its widget."""

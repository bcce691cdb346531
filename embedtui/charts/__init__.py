"""Charts as text in roles: drawn anywhere, coloured by whoever shows them.

Each is imported when it is asked for: a screen needs its glyphs long before NumPy and figures.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedtui.charts.by_batch_size import drift_by_batch_size
    from embedtui.charts.by_count import drift_by_count
    from embedtui.charts.by_dimension import heat_strip
    from embedtui.charts.by_layer import drift_by_layer
    from embedtui.charts.by_time import Series, over_time
    from embedtui.charts.glyphs import ink_of, mark_of
    from embedtui.charts.heat import HEAT, heat_of
    from embedtui.charts.histogram import HistogramSeries, drift_histogram
    from embedtui.charts.lines import Line
    from embedtui.charts.pairs import scatter
    from embedtui.charts.picture import Picture, Span, label_of
    from embedtui.charts.plotter import preload
    from embedtui.charts.speed_against_error import FrontPoint, front_chart

__all__ = [
    "HEAT",
    "FrontPoint",
    "HistogramSeries",
    "Line",
    "Picture",
    "Series",
    "Span",
    "drift_by_batch_size",
    "drift_by_count",
    "drift_by_layer",
    "drift_histogram",
    "front_chart",
    "heat_of",
    "heat_strip",
    "ink_of",
    "label_of",
    "mark_of",
    "over_time",
    "preload",
    "scatter",
]

_MODULES = {
    "FrontPoint": "speed_against_error",
    "HEAT": "heat",
    "HistogramSeries": "histogram",
    "Line": "lines",
    "Picture": "picture",
    "Series": "by_time",
    "Span": "picture",
    "drift_by_batch_size": "by_batch_size",
    "drift_by_count": "by_count",
    "drift_by_layer": "by_layer",
    "drift_histogram": "histogram",
    "front_chart": "speed_against_error",
    "heat_of": "heat",
    "heat_strip": "by_dimension",
    "ink_of": "glyphs",
    "label_of": "picture",
    "mark_of": "glyphs",
    "over_time": "by_time",
    "preload": "plotter",
    "scatter": "pairs",
}
"""Where each is; no module has the name of what it holds."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found

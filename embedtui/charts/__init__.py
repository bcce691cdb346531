"""Charts as text in roles: drawn anywhere, coloured by whoever shows them."""

from embedtui.charts.by_batch_size import drift_by_batch_size
from embedtui.charts.by_count import drift_by_count
from embedtui.charts.by_layer import drift_by_layer
from embedtui.charts.glyphs import ink_of, mark_of
from embedtui.charts.heat import HEAT, heat_of
from embedtui.charts.heat_strip import heat_strip
from embedtui.charts.histogram import HistogramSeries, drift_histogram
from embedtui.charts.lines import Line
from embedtui.charts.over_time import Series, over_time
from embedtui.charts.picture import Picture, Span, label_of
from embedtui.charts.plotter import preload
from embedtui.charts.scatter import scatter
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

"""Distances, what sums them up, and the faults that come before them; NumPy and nothing else."""

from embedtui.measure.correlation import rank_correlation
from embedtui.measure.distances import METRICS, Distances, compare, join, unit
from embedtui.measure.distribution import Distribution, summarize
from embedtui.measure.faults import Fault, broken_rows, collapsed_rows, misplaced_rows
from embedtui.measure.finite_values import finite, largest_finite
from embedtui.measure.neighbours import Neighbours, nearest, scores_of, tie_width

__all__ = [
    "METRICS",
    "Distances",
    "Distribution",
    "Fault",
    "Neighbours",
    "broken_rows",
    "collapsed_rows",
    "compare",
    "finite",
    "join",
    "largest_finite",
    "misplaced_rows",
    "nearest",
    "rank_correlation",
    "scores_of",
    "summarize",
    "tie_width",
    "unit",
]

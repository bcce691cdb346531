"""Distances, counts and speeds as the JSON objects hold them."""

from __future__ import annotations

from embedtui.measure import Distribution
from embedtui.measure.distribution import Figures
from embedtui.measure.intervals import Spread, texts_for_quantile
from embedtui.report.report_types_figures import (
    DistributionReport,
    FiguresReport,
    SpeedReport,
)

P99_WANTS = f"p99 wants {texts_for_quantile(0.99)} texts"


def distribution(summary: Distribution) -> DistributionReport:
    """Return a distribution by metric, with how many pairs it sums up."""
    return {
        "texts": summary.pairs,
        "identical": summary.identical,
        "cosine": _figures(summary.figures["cosine"]),
        "l2": _figures(summary.figures["l2"]),
        "max_abs": _figures(summary.figures["max_abs"]),
        "relative_l2": _figures(summary.figures["relative_l2"]),
        "bits": _figures(summary.figures["bits"]),
    }


def _figures(of_metric: Figures | None) -> FiguresReport | None:
    if of_metric is None:
        return None
    found: FiguresReport = {
        "max": of_metric["max"],
        "p99": of_metric["p99"],
        "p95": of_metric["p95"],
        "p50": of_metric["p50"],
        "mean": of_metric["mean"],
    }
    if "min" in of_metric:
        found["min"] = of_metric["min"]
    return found


def speed_report(found: Spread | None) -> SpeedReport | None:
    """Return a speed with its spread."""
    if found is None:
        return None
    return {
        "median": found.median,
        "low": found.low,
        "high": found.high,
        "passes": found.passes,
    }

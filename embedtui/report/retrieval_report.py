"""The part of the report that speaks of retrieval (docs/report.md explains it)."""

from __future__ import annotations

from embedtui.assess import retrieval
from embedtui.assess.ranking_quality import Quality
from embedtui.assess.retrieval import TOP, Retrieval
from embedtui.measure.forecast import Forecast
from embedtui.report.report_types_retrieval import (
    ForecastReport,
    ListsReport,
    MeasureReport,
    QualityReport,
    RetrievalReport,
)
from embedtui.results.results import Results, SettingResults


def section(results: Results, setting: SettingResults) -> RetrievalReport | None:
    """Return what a setting does to lists of neighbours; None where nothing can be compared."""
    by_size = {size: retrieval.worst_of_orders(results, setting, size) for size in setting.batched}
    batches = {size: one for size, one in by_size.items() if one is not None}
    error = retrieval.precision_retrieval(results, setting)
    any_ = next((one for _, one in batches.values()), error)
    if any_ is None:
        return None
    worst = retrieval.worst_of_batches(results, setting)
    return {
        "k": TOP,
        "queries": len(any_.sides.queries),
        "documents": any_.documents,
        "labelled": any_.sides.labelled,
        "batches": [
            {
                "batch_size": size,
                "draw": str(draw),
                "orders": len(setting.drifts(size)),
                **compared(one),
            }
            for size, (draw, one) in batches.items()
        ],
        "worst_batch_size": worst[0] if worst else None,
        "forecast": _forecast(worst[1].forecast) if worst else None,
        "random_weights": any_.random_weights,
        "precision_error": compared(error) if error else None,
    }


def compared(one: Retrieval) -> ListsReport:
    """Return how far two sets of lists agree, how many changes there were, and what it came to."""
    top1, order = one.top1_changed, one.order_changed
    margins = one.margins
    return {
        "queries": one.queries,
        "top1_changed": list(top1),
        "order_changed": list(order),
        "overlap": list(one.mean("overlap")),
        "jaccard": list(one.mean("jaccard")),
        "rbo": list(one.mean("rbo")),
        "tau": list(one.mean("tau")),
        "margins": {
            "pairs": margins.pairs,
            "could_change": int(margins.could.sum()),
            "expected": one.expected_pairs,
            "changed": int(margins.did.sum()),
            "least_gap": margins.least_gap,
            "least_tolerance": margins.least_tolerance,
        },
        "quality": _quality(one.quality_before, one.quality_after),
    }


def _quality(before: Quality | None, after: Quality | None) -> QualityReport | None:
    if before is None or after is None:
        return None
    return {
        "ndcg_at_10": _measure(before, after, "nDCG@10"),
        "recall_at_10": _measure(before, after, "R@10"),
        "mrr_at_10": _measure(before, after, "RR@10"),
    }


def _measure(before: Quality, after: Quality, name: str) -> MeasureReport:
    return {
        "before": list(before.mean(name)),
        "after": list(after.mean(name)),
        "queries_changed": changed_queries(before, after, name),
    }


def changed_queries(before: Quality, after: Quality, measure: str) -> int:
    """Return how many queries have another figure, in whatever order ties are broken."""
    one, two = before.figures[measure], after.figures[measure]
    apart = (one[:, 1] < two[:, 0]) | (two[:, 1] < one[:, 0])
    return int(apart.sum())


def _forecast(found: Forecast | None) -> ForecastReport | None:
    if found is None:
        return None
    return {
        "documents": found.documents,
        "order_changed": list(found.order),
        "top1_changed": list(found.top1),
        "power": list(found.power),
    }

"""The part of the report that speaks of retrieval (docs/report.md explains it)."""

from __future__ import annotations

from embedtui.assess import mixed_search, retrieval
from embedtui.assess.ranking_quality import Quality
from embedtui.assess.retrieval import TOP, Retrieval
from embedtui.measure.forecast import Forecast
from embedtui.measure.intervals import share_interval
from embedtui.measure.margins import THRESHOLDS
from embedtui.plan.plan import PassKey
from embedtui.report.report_types_retrieval import (
    BatchListsReport,
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
    mixed = mixed_search.worst_mixed_batches(results, setting)
    return {
        "k": TOP,
        "queries": any_.queries,
        "documents": any_.documents,
        "labelled": any_.sides.labelled,
        "batches": [_worst(setting, size, *one) for size, one in batches.items()],
        "worst_batch_size": worst[0] if worst else None,
        "mixed": [
            _worst(setting, size, *one)
            for size in setting.batched
            if (one := mixed_search.worst_mixed(results, setting, size)) is not None
        ],
        "worst_mixed_batch_size": mixed[0] if mixed else None,
        "forecast": _forecast(worst[1].forecast) if worst else None,
        "random_weights": any_.random_weights,
        "precision_error": compared(error) if error else None,
    }


def _worst(
    setting: SettingResults, size: int, order: PassKey, found: Retrieval
) -> BatchListsReport:
    """Return the worst order of a batch size."""
    return {
        "batch_size": size,
        "worst_pass": str(order),
        "orders": len(setting.drifts(size)),
        **compared(found),
    }


def compared(one: Retrieval) -> ListsReport:
    """Return how far two sets of lists agree, how many changes there were, and what it came to."""
    top1, order = one.top1_changed, one.order_changed
    margins = one.margins
    return {
        "queries": one.queries,
        "top1_changed": list(top1),
        "order_changed": list(order),
        "top1_interval": _share(top1, one.queries),
        "order_interval": _share(order, one.queries),
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
            "median_gap": margins.median_gap,
            "median_change": margins.median_change,
            "least_tolerance": margins.least_tolerance,
        },
        "crossed": {
            str(limit): count for limit, count in zip(THRESHOLDS, margins.crossed, strict=True)
        },
        "scored": margins.scored,
        "quality": _quality(one),
    }


def _share(changed: tuple[int, int], queries: int) -> list[float]:
    """Return both ends of the interval of a share; ties widen it."""
    certain, possible = (share_interval(count, queries) for count in changed)
    return [certain.low, possible.high]


def _quality(one: Retrieval) -> QualityReport | None:
    if one.quality_before is None or one.quality_after is None:
        return None
    return {
        "ndcg_at_10": _measure(one, one.quality_before, one.quality_after, "nDCG@10"),
        "recall_at_10": _measure(one, one.quality_before, one.quality_after, "R@10"),
        "mrr_at_10": _measure(one, one.quality_before, one.quality_after, "RR@10"),
    }


def _measure(one: Retrieval, before: Quality, after: Quality, name: str) -> MeasureReport:
    found = one.differences[name]
    return {
        "before": list(before.mean(name)),
        "after": list(after.mean(name)),
        "difference": [found.least, found.most],
        "interval": [found.interval.low, found.interval.high],
        "queries_changed": found.changed,
    }


def _forecast(found: Forecast | None) -> ForecastReport | None:
    if found is None:
        return None
    return {
        "documents": found.documents,
        "order_changed": list(found.order),
        "top1_changed": list(found.top1),
        "power": list(found.power),
    }

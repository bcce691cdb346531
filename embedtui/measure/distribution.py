"""Many distances in five figures: a tail is what breaks retrieval, a mean alone hides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np

from embedtui.measure.distances import METRICS, Distances, Floats
from embedtui.measure.intervals import texts_for_quantile


class Figures(TypedDict):
    """One metric over many pairs; `min` for `bits` alone, where the drift is."""

    max: float
    p99: float | None
    p95: float | None
    p50: float
    mean: float
    min: NotRequired[float]


@dataclass(frozen=True)
class Distribution:
    """The distances of many pairs, summed up; `None` where there was no usable pair."""

    pairs: int
    """Pairs with a distance; those with a fault are left out."""
    identical: int
    """How many of them are equal bit for bit."""
    figures: dict[str, Figures | None]

    @property
    def all_identical(self) -> bool:
        """Whether there was something to compare and all of it was equal bit for bit."""
        return self.pairs > 0 and self.identical == self.pairs

    def __getitem__(self, metric: str) -> Figures:
        figures = self.figures[metric]
        if figures is None:
            raise KeyError(f"there is no {metric}: no pair could be compared")
        return figures


def summarize(distances: Distances, texts: int | None = None) -> Distribution:
    """Sum up distances; quantiles interpolate linearly between order statistics.

    That is NumPy's default and type 7 of Hyndman and Fan, Sample Quantiles in Statistical
    Packages, The American Statistician 50 (1996). The outer ones are None where the sample has not
    the texts to bound them. `texts` says how many there are, where each stands in several pairs.
    """
    usable = np.isfinite(distances.l2)
    kept = distances.rows(usable)
    return Distribution(
        pairs=int(usable.sum()),
        identical=int(kept.identical.sum()),
        figures={metric: _figures(metric, getattr(kept, metric), texts) for metric in METRICS},
    )


def _figures(metric: str, values: Floats, texts: int | None) -> Figures | None:
    if not len(values):
        return None
    count = len(values) if texts is None else min(texts, len(values))
    p99, p95, p50 = map(float, np.quantile(values, [0.99, 0.95, 0.5]))
    figures: Figures = {
        "max": float(values.max()),
        "p99": p99 if count >= texts_for_quantile(0.99) else None,
        "p95": p95 if count >= texts_for_quantile(0.95) else None,
        "p50": p50,
        "mean": float(values.mean()),
    }
    if metric == "bits":
        figures["min"] = float(values.min())
    return figures

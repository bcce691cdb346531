"""Many distances in five figures: a tail is what breaks retrieval, a mean alone hides it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.measure.distances import METRICS, Distances, Floats

QUANTILES = {"p99": 0.99, "p95": 0.95, "p50": 0.50}


@dataclass(frozen=True)
class Distribution:
    """The distances of many pairs, summed up; `None` where there was no usable pair."""

    pairs: int
    """Pairs with a distance; those with a fault are left out."""
    identical: int
    """How many of them are equal bit for bit."""
    figures: dict[str, dict[str, float] | None]
    """For each metric max, p99, p95, p50 and mean; for `bits` also min, where the drift is."""

    @property
    def all_identical(self) -> bool:
        """Whether there was something to compare and all of it was equal bit for bit."""
        return self.pairs > 0 and self.identical == self.pairs

    def __getitem__(self, metric: str) -> dict[str, float]:
        figures = self.figures[metric]
        if figures is None:
            raise KeyError(f"there is no {metric}: no pair could be compared")
        return figures


def summarize(distances: Distances) -> Distribution:
    """Sum up distances; quantiles interpolate linearly between order statistics.

    That is NumPy's default and type 7 of Hyndman and Fan, Sample Quantiles in Statistical
    Packages, The American Statistician 50 (1996).
    """
    usable = np.isfinite(distances.l2)
    kept = distances.rows(usable)
    return Distribution(
        pairs=int(usable.sum()),
        identical=int(kept.identical.sum()),
        figures={metric: _figures(metric, getattr(kept, metric)) for metric in METRICS},
    )


def _figures(metric: str, values: Floats) -> dict[str, float] | None:
    if not len(values):
        return None
    figures = {"max": float(values.max())}
    quantiles = np.quantile(values, list(QUANTILES.values()))
    figures |= dict(zip(QUANTILES, map(float, quantiles), strict=True))
    figures["mean"] = float(values.mean())
    if metric == "bits":
        figures["min"] = float(values.min())
    return figures

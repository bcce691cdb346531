"""Whether one thing grows with another, whatever the shape of the growth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_LEAST = 8
"""Pairs below which a correlation says nothing."""


def rank_correlation(one: npt.ArrayLike, other: npt.ArrayLike) -> float | None:
    """Return Spearman's coefficient, -1 to 1; None for too few pairs or where one never changes.

    Ranks, since drift is spread over many decades; equal values share the mean of their ranks
    (Kendall and Gibbons, Rank Correlation Methods, 1990, section 3.8).
    """
    x, y = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    usable = np.isfinite(x) & np.isfinite(y)
    if usable.sum() < _LEAST:
        return None
    ranks = _ranks(x[usable]), _ranks(y[usable])
    if np.ptp(ranks[0]) == 0 or np.ptp(ranks[1]) == 0:
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray(((ends - counts + 1 + ends) / 2)[inverse], dtype=np.float64)

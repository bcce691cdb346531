"""Whether one thing grows with another, whatever the shape of the growth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_DRAWS = 1_000
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


def rank_correlation_interval(
    one: npt.ArrayLike, other: npt.ArrayLike, texts: npt.ArrayLike
) -> tuple[float, float] | None:
    """Return where Spearman's coefficient lies for all such texts, with 95 % confidence.

    `texts` tells which pairs are of one text: they depend on each other, so that whole texts are
    drawn anew, and the ends are percentiles of 1,000 seeded draws (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13): approximate, and too narrow for few texts.
    None where there is no coefficient.
    """
    if rank_correlation(one, other) is None:
        return None
    x, y = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    _, inverse = np.unique(np.asarray(texts), return_inverse=True)
    rows = [np.flatnonzero(inverse == text) for text in range(int(inverse.max()) + 1)]
    draw = np.random.default_rng(0)
    found = []
    for _ in range(_DRAWS):
        drawn = np.concatenate([rows[text] for text in draw.integers(len(rows), size=len(rows))])
        value = rank_correlation(x[drawn], y[drawn])
        if value is not None:
            found.append(value)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray(((ends - counts + 1 + ends) / 2)[inverse], dtype=np.float64)

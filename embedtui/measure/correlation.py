"""Whether one thing grows with another, whatever the shape of the growth."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from embedtui.measure.intervals import Interval

Floats = npt.NDArray[np.float64]

_DRAWS = 1_000
_LEAST = 8
"""Pairs below which a correlation says nothing."""
_NORMAL = 1.959964
"""97.5 % of a normal variable are below this many standard deviations."""


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


def correlation_interval(value: float, count: int) -> Interval:
    """Return the 95 % interval of a rank correlation that was seen over so many texts, at once.

    For screens and for many texts, where drawing anew takes seconds. By Fisher's transformation
    with the variance 1.06 / (n - 3) of Fieller, Hartley and Pearson (Tests for Rank Correlation
    Coefficients I, Biometrika 44, 1957), made for normal variables and near enough for others up to
    0.8; all of -1 to 1 below eight texts.
    """
    if count < _LEAST:
        return Interval(-1.0, 1.0)
    middle = math.atanh(max(-1 + 1e-12, min(1 - 1e-12, value)))
    reach = _NORMAL * math.sqrt(1.06 / (count - 3))
    return Interval(math.tanh(middle - reach), math.tanh(middle + reach))


def _ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray(((ends - counts + 1 + ends) / 2)[inverse], dtype=np.float64)

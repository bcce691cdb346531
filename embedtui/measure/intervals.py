"""What a sample says of the rest, with its uncertainty: shares, quantiles, means, speeds.

A maximum grows with the sample, a share of a few texts is known to a few per cent, and a quantile
is not known beyond what the sample holds. Each interval here says for which chance it holds the
figure of all such texts: `CONFIDENCE` of the samples, at least. What is sampled are texts or
queries that are drawn independently of each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Floats

CONFIDENCE = 0.95

_DRAWS = 4_000
"""Draws of weights for the interval of a mean."""
_FEW = 8
"""Values other than 0 below which the largest that was seen bounds no others."""
_ABOUT_EQUAL = 1.25
"""Speeds within this factor are not told apart: the next run of one machine may turn them round."""
SHORT, _ABOUT_EQUAL_SHORT = 1.0, 2.5
"""Seconds below which a timing is a short one, and the factor for those."""


@dataclass(frozen=True)
class Interval:
    """Both ends; infinite where the sample does not bound the figure."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Spread:
    """Several timings of one thing: their median, the least and the largest."""

    median: float
    low: float
    high: float
    passes: int
    seconds: float = math.inf
    """How long all of them took."""


@cache
def share_interval(count: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of a share of which `count` of `trials` were seen, two-sided.

    Clopper and Pearson, The Use of Confidence or Fiducial Limits Illustrated in the Case of the
    Binomial, Biometrika 26 (1934): the low end is the share of which so many or more, the high end
    that of which so many or fewer are seen with a chance of (1 - confidence) / 2.

    Raises:
        ValueError: if the count is not between 0 and the trials.
    """
    tail = (1 - confidence) / 2
    return Interval(_least_share(count, trials, tail), _largest_share(count, trials, tail))


@cache
def largest_share(count: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Return the largest share that is compatible with `count` of `trials`, one-sided.

    0 of 64 allows 4.6 %. Raises `ValueError` as `share_interval` does.
    """
    return _largest_share(count, trials, 1 - confidence)


@cache
def least_share(count: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Return the least share that is compatible with `count` of `trials`, one-sided.

    Raises `ValueError` as `share_interval` does.
    """
    return _least_share(count, trials, 1 - confidence)


def largest_share_beyond(
    values: npt.ArrayLike, limit: float, confidence: float = CONFIDENCE
) -> float:
    """Return the largest share of all texts that may lie beyond a limit, given a sample's values.

    A NaN lies beyond every limit: nothing says that it does not.
    """
    found = np.asarray(values, dtype=np.float64)
    within = int((found <= limit).sum())
    return largest_share(len(found) - within, len(found), confidence)


def texts_for_quantile(quantile: float, confidence: float = CONFIDENCE) -> int:
    """Return how many texts it takes for the largest of them to bound a quantile.

    The largest of n is below the quantile with a chance of quantileⁿ: 299 for 99 %, 59 for 95 %.
    """
    return math.ceil(math.log1p(-confidence) / math.log(quantile) - 1e-9)


def quantile_interval(
    values: npt.ArrayLike, quantile: float, confidence: float = CONFIDENCE
) -> Interval:
    """Return a two-sided interval for a quantile of all texts, whatever the distribution.

    Its ends are order statistics: below the r-th of n lies the quantile unless r or more of them
    are below it, which is binomial (David and Nagaraja, Order Statistics, 3rd ed., 2003, section
    7.1). An end that the sample does not have is infinite. Ties make it no less certain.

    Raises:
        ValueError: if a value is not a number.
    """
    ordered, tail = _ordered(values), (1 - confidence) / 2
    return Interval(_order_below(ordered, quantile, tail), _order_above(ordered, quantile, tail))


def quantile_bound(
    values: npt.ArrayLike, quantile: float, confidence: float = CONFIDENCE
) -> float | None:
    """Return what a quantile of all texts is at most, one-sided; None for too few texts.

    Raises:
        ValueError: if a value is not a number.
    """
    bound = _order_above(_ordered(values), quantile, 1 - confidence)
    return bound if math.isfinite(bound) else None


def mean_interval(
    low: npt.ArrayLike, high: npt.ArrayLike, bound: float = 1.0, confidence: float = CONFIDENCE
) -> Interval:
    """Return the interval of a mean of paired differences, each in [-bound, bound].

    Both arrays hold one figure per query: the least and the largest that its difference may be,
    which differ where ties may be broken either way. Weights of the values are drawn from Dirichlet
    (1, …, 1) with one more value at the bound: the test of Gaffke (Three test statistics for a
    nonparametric one-sided hypothesis on the mean of a nonnegative variable, Mathematical Methods
    of Statistics 14, 2005; Learned-Miller and Thomas, arXiv:1905.06208), which is Clopper's and
    Pearson's where values are 0 and 1. Where eight values or more are not 0 the bound is the
    largest of them: no other query is taken to change by more.

    Raises:
        ValueError: if there is no value, or one is not a number.
    """
    ends = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    if not len(ends[0]) or not all(np.isfinite(end).all() for end in ends):
        raise ValueError("a mean wants finite values")
    tail = (1 - confidence) / 2
    lower = -float(np.quantile(_drawn_means(-ends[0], bound), 1 - tail))
    return Interval(lower, float(np.quantile(_drawn_means(ends[1], bound), 1 - tail)))


def spread(values: Sequence[float], seconds: float = math.inf) -> Spread | None:
    """Return the median of several timings and the range that they span; None without any."""
    if not values:
        return None
    return Spread(float(np.median(values)), min(values), max(values), len(values), seconds)


def about_equal(one: Spread, other: Spread) -> bool:
    """Say whether two speeds are not told apart.

    That is where their ranges overlap, or the medians lie within a factor of 1.25: passes of one
    run share what another run would not, so that their own range is the least that is to be
    expected. Of timings that took less than a second in all the factor is 2.5: on an H100 two
    settings with the same kernels differed by 2.1 in passes of 0.1 s.
    """
    slower, faster = sorted((one, other), key=lambda found: found.median)
    short = min(one.seconds, other.seconds) < SHORT
    factor = _ABOUT_EQUAL_SHORT if short else _ABOUT_EQUAL
    return slower.high >= faster.low or faster.median <= factor * slower.median


def _largest_share(count: int, trials: int, tail: float) -> float:
    _check(count, trials)
    return 1.0 if count == trials else _beta_quantile(1 - tail, count + 1, trials - count)


def _least_share(count: int, trials: int, tail: float) -> float:
    _check(count, trials)
    return 0.0 if not count else _beta_quantile(tail, count, trials - count + 1)


def _check(count: int, trials: int) -> None:
    if not 0 <= count <= trials or not trials:
        raise ValueError(f"{count} of {trials} is no count")


def _beta_quantile(wanted: float, a: float, b: float) -> float:
    """Return where the beta distribution reaches a probability, by halving."""
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if _beta_share(middle, a, b) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), 0 < x < 1.

    By its continued fraction, DLMF 8.17.22, evaluated from the front (Lentz's method, Press et al.,
    Numerical Recipes, 3rd ed., section 5.2); I_x(a, b) = 1 - I_{1-x}(b, a) where that converges
    sooner.
    """
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_share(1 - x, b, a)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    tiny = 1e-300
    upper, lower = 1.0, 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    value = lower
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            lower = 1 / _away(1 + term * lower, tiny)
            upper = _away(1 + term / upper, tiny)
            value *= lower * upper
        if abs(lower * upper - 1) < 1e-15:
            break
    return math.exp(front) * value / a


def _away(value: float, least: float) -> float:
    return value if abs(value) > least else least


def _ordered(values: npt.ArrayLike) -> Floats:
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if np.isnan(ordered).any():
        raise ValueError("a quantile wants numbers")
    return ordered


def _order_above(ordered: Floats, quantile: float, tail: float) -> float:
    """Return the least order statistic that is below the quantile in at most `tail` of samples."""
    count = len(ordered)
    # The r-th is below the quantile if r or more are; the chance falls with r.
    low, high = 1, count + 1
    while low < high:
        rank = (low + high) // 2
        if _at_least(rank, count, quantile) <= tail:
            high = rank
        else:
            low = rank + 1
    return float(ordered[low - 1]) if low <= count else math.inf


def _order_below(ordered: Floats, quantile: float, tail: float) -> float:
    """Return the largest order statistic that is above the quantile in at most `tail`."""
    return -_order_above(-ordered[::-1], 1 - quantile, tail)


def _at_least(successes: int, trials: int, probability: float) -> float:
    """Return the chance of so many successes or more; 0 for more than there are trials."""
    if successes > trials:
        return 0.0
    return _beta_share(probability, successes, trials - successes + 1)


def _drawn_means(values: Floats, bound: float) -> Floats:
    """Return means under drawn weights, one more value being at the bound."""
    if int(np.count_nonzero(values)) >= _FEW:
        bound = float(np.abs(values).max())
    distinct, counts = np.unique(values, return_counts=True)
    draw = np.random.default_rng(0)
    total, weighed = draw.standard_gamma(1.0, _DRAWS), np.zeros(_DRAWS)
    weighed += bound * total
    for value, count in zip(distinct, counts, strict=True):
        weights = draw.standard_gamma(float(count), _DRAWS)
        total += weights
        weighed += value * weights
    return np.asarray(weighed / total, dtype=np.float64)

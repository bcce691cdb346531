"""How many queries the same drift would change in a larger corpus of such texts, with intervals.

In units of what drift changes it by, the gap behind rank r of n documents is E / r, with E about
the same at every rank: normalised spacings of the largest of a sample are exchangeable (Rényi, On
the theory of order statistics, 1953) while the density of scores falls by a constant rate. Where it
does not, E goes as the κ-th power of r / n, and κ is read off the lists: the slope of the mean of
log E over log r. Queries that lie closer to others shift a query's mean and not the slope.

So a query's spacings, each at every rank, make its lists in a corpus of N documents, E times
(r' / N · n / r)^κ. Moves of documents are taken to be independent and normal, with the spread that
was measured; then two integrals say how likely an order and a first document are kept.

docs/method.md says how often the intervals held the real share, and where nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Floats
from embedtui.measure.margins import Margins

LARGEST = 20_000
"""Documents of the largest corpus for which it was measured how often the intervals are right."""
LEAST = 200
"""Documents and queries below which nothing is said: too few gaps."""

_DRAWS = 200
"""Resamples of the queries."""
_ASKED = 1_000
"""Queries that are looked at, drawn where there are more."""
_WIDER = 1.3
"""Intervals are wider than those of resampled queries: these share documents, so that each tells
less than a new one would. Measured; see docs/method.md."""
_FIRST_FROM = 4
"""Ranks whose spacings are taken for the first one's."""
_SPREAD = 0.1
"""How far κ is followed on either side, at the least."""
_POINTS = np.linspace(-6.0, 6.0, 61)
_WEIGHTS = np.exp(-(_POINTS**2) / 2)
_WEIGHTS /= _WEIGHTS.sum()
_STEP = float(_POINTS[1] - _POINTS[0])

Share = tuple[float, float, float]
"""An estimate and the ends of its 90 % interval."""


@dataclass(frozen=True)
class Forecast:
    """What to expect of a larger corpus; shares are of queries."""

    documents: int
    order: Share
    """Some order among the first k."""
    top1: Share
    """The first document."""
    power: Share
    """κ: spacings in units of what drift changes them by go as this power of rank / documents."""


def forecast(one: Margins, documents: int, larger: int = LARGEST) -> Forecast | None:
    """Say what the same drift would change among `larger` documents; None where that is not known.

    That is below `LEAST` documents or queries, beyond `LARGEST`, and for a corpus that is no
    larger. The interval comes from resampled queries (Efron and Tibshirani, An Introduction to the
    Bootstrap, 1993, chapter 13); it cannot hold that the larger corpus is made of other texts.
    """
    spacings, sigma = _spacings(one)
    if min(documents, len(spacings)) < LEAST or not documents < larger <= LARGEST or not sigma:
        return None
    draw = np.random.default_rng(0)
    if len(spacings) > _ASKED:
        spacings = spacings[draw.choice(len(spacings), _ASKED, replace=False)]
    count = len(spacings)
    weights = draw.multinomial(count, np.full(count, 1 / count), _DRAWS).astype(np.float64)
    power = float(_powers(spacings, np.ones((1, count)))[0])
    powers = _powers(spacings, weights)
    reach = max(_SPREAD, float(np.abs(powers - power).max()))
    nearer = float(np.log(documents / larger))
    table = np.stack(
        [_changed(spacings / sigma, at, nearer) for at in power + reach * np.array([-1, 0, 1])]
    )
    order, top1 = (_share(table[:, side], weights, (powers - power) / reach) for side in (0, 1))
    return Forecast(larger, order, top1, _interval(power, powers, -np.inf, np.inf))


def _spacings(one: Margins) -> tuple[Floats, float]:
    """Return r times the gap behind rank r, q x k, and one document's move, both in their scale."""
    with np.errstate(invalid="ignore", divide="ignore"):
        relative, steps = one.gap / one.scale, np.abs(one.change) / one.scale
    relative = np.where(np.isfinite(relative) & (relative > 0), relative, np.nan)
    kept = relative[np.isfinite(relative).any(axis=1)]
    steps = steps[np.isfinite(steps)]
    if not len(steps) or kept.shape[1] < 2:
        return kept[:0], 0.0
    # √(π/2) times the mean of |x| is the spread of a normal x; the gap moves by two documents'.
    sigma = float(steps.mean()) * np.sqrt(np.pi / 2) / np.sqrt(2)
    return kept * np.arange(1.0, kept.shape[1] + 1), sigma


def _powers(spacings: Floats, weights: Floats) -> Floats:
    """Return κ for each row of weights of the queries."""
    logs = np.log(spacings)
    known = np.isfinite(logs)
    sums, counts = weights @ np.where(known, logs, 0.0), weights @ known
    ranks = np.log(np.arange(1.0, logs.shape[1] + 1))
    there = counts > 0
    means = np.where(there, sums / np.maximum(counts, 1), 0.0)
    total = there.sum(axis=1, keepdims=True)
    middle = (ranks * there).sum(axis=1, keepdims=True) / total
    aside = (ranks - middle) * there
    return np.asarray((aside * means).sum(axis=1) / np.maximum((aside**2).sum(axis=1), 1e-12))


def _changed(spacings: Floats, power: float, nearer: float) -> Floats:
    """Return for each query how likely an order, and the first document, changes: 2 x q.

    `spacings` are in units of one document's move, `nearer` is the logarithm of n / N. Each query
    has its spacings at every rank once; those of the last are not taken for the first document,
    which is often a near copy of the query and farther from the rest.
    """
    count, k = spacings.shape
    ranks = np.arange(1.0, k + 1)
    order, top1 = np.zeros(count), np.zeros(count)
    for turn in range(k):
        source = (np.arange(k) + turn) % k
        grown = np.exp(power * (np.log(ranks / ranks[source]) + nearer))
        gaps = spacings[:, source] * grown / ranks
        gaps = np.where(np.isfinite(gaps), gaps, np.inf)
        order += (1 - _kept(gaps)) / k
        if turn < _FIRST_FROM:
            top1 += (1 - _first(gaps)) / min(k, _FIRST_FROM)
    return np.stack([order, top1])


def _kept(gaps: Floats) -> Floats:
    """Return how likely each is in its place still, the whole order, by integrating from the end.

    h(z) is how likely all behind a document keep their order, it having moved by z.
    """
    behind = np.ones((len(gaps), len(_POINTS)))
    for gap in gaps.T[::-1]:
        each = behind * _WEIGHTS
        below = np.cumsum(each, axis=1) - each / 2
        below = np.concatenate([below, each.sum(axis=1, keepdims=True)], axis=1)
        at = (_POINTS - _POINTS[0] + gap[:, None]) / _STEP
        at = np.minimum(at, below.shape[1] - 1)
        low = np.minimum(at.astype(np.intp), below.shape[1] - 2)
        lower = np.take_along_axis(below, low, axis=1)
        upper = np.take_along_axis(below, low + 1, axis=1)
        behind = lower + (upper - lower) * (at - low)
    return np.asarray((behind * _WEIGHTS).sum(axis=1))


def _first(gaps: Floats) -> Floats:
    """Return how likely none of those behind the first document passes it."""
    before = np.cumsum(np.minimum(gaps, 1e6), axis=1)
    below = np.concatenate([np.cumsum(_WEIGHTS) - _WEIGHTS / 2, [1.0]])
    at = np.append(_POINTS, _POINTS[-1] + _STEP)
    stays = np.interp(before[:, :, None] + _POINTS, at, below).prod(axis=1)
    return np.asarray((stays * _WEIGHTS).sum(axis=1))


def _share(table: Floats, weights: Floats, at: Floats) -> Share:
    """Return the share of queries and its interval: 3 x q at κ less, as found and more.

    `at` is where each resample's κ lies between these, -1 to 1.
    """
    by_power = table @ weights.T / weights.sum(axis=1)
    low, middle, high = by_power
    drawn = middle + at * (high - low) / 2 + at**2 * ((high + low) / 2 - middle)
    return _interval(float(table[1].mean()), drawn, 0.0, 1.0)


def _interval(value: float, drawn: npt.NDArray[np.float64], least: float, most: float) -> Share:
    low, high = value + _WIDER * (np.quantile(drawn, [0.05, 0.95]) - value)
    return value, float(max(low, least)), float(min(high, most))

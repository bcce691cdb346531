"""What drift goes along with: a text's place in its batch, and its length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.measure import rank_correlation
from embedtui.measure.correlation import correlation_interval
from embedtui.measure.intervals import Interval
from embedtui.plan.scenarios import Metric
from embedtui.results.results import SettingResults

_FITS = 0.97
"""Least share of texts that a threshold must explain."""
_LEAST = 8
"""So many texts on either side, or it could be chance; one in several orders is one text."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trend:
    """The drift of every text in every order at one batch size, beside its place and its length."""

    batch_size: int
    rows: Counts
    """The text's row in the pack, of those alike the first; in several orders it comes as often."""
    position: Counts
    """Place within the batch, from 0."""
    tokens: Counts
    drift: Floats
    """0 for equal bits; of the same length as the three above."""

    @property
    def by_position(self) -> float | None:
        """Spearman's rank correlation of drift with the place in the batch."""
        return rank_correlation(self.position, self.drift)

    @property
    def by_tokens(self) -> float | None:
        """Spearman's rank correlation of drift with the number of tokens."""
        return rank_correlation(self.tokens, self.drift)

    def interval(self, correlation: float) -> Interval:
        """Return what a correlation may be over all such texts; one in several orders is one."""
        return correlation_interval(correlation, len(np.unique(self.rows)))


def trend_of(
    setting: SettingResults, metric: Metric = "l2", size: int | None = None
) -> Trend | None:
    """Return the trend at the largest batch size, or at `size`; None where nothing is there."""
    if not setting.batched or setting.prepared is None:
        return None
    size = size or setting.batched[-1]
    tokens = np.asarray(setting.prepared.tokens, dtype=np.int64)
    parts = []
    for pass_key, rows, distances in setting.drifts(size):
        values = np.where(distances.identical, 0.0, getattr(distances, metric))
        keep = np.isfinite(values)
        place = setting.pass_of(size, pass_key).position[rows]
        kept = rows[keep].astype(np.int64)
        parts.append((kept, place[keep].astype(np.int64), tokens[kept], values[keep]))
    if not parts:
        return None
    texts, places, lengths, drifts = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Trend(size, setting.firsts[texts].astype(np.int64), places, lengths, drifts)


@dataclass(frozen=True)
class Threshold:
    """A number of tokens in a step from which on vectors are others."""

    tokens: int
    explained: int
    """Texts, once for every pass, of which it says rightly whether they change."""
    texts: int


def token_threshold(setting: SettingResults) -> Threshold | None:
    """Return the power of two that tells which texts change by the tokens of their step.

    A text changes if it is shorter and its step is not: libraries choose kernels by the number of
    rows. None where no such number explains nearly all of them, or too few texts are on a side.
    """
    if setting.prepared is None:
        return None
    tokens = np.asarray(setting.prepared.tokens, dtype=np.int64)
    parts = []
    for size in setting.batched:
        for pass_key, rows, distances in setting.drifts(size):
            step = setting.pass_of(size, pass_key).step_tokens[rows]
            whole = step > 0
            parts.append((rows[whole], step[whole], ~distances.identical[whole]))
    if not parts:
        return None
    texts, step, changed = (np.concatenate(part) for part in zip(*parts, strict=True))
    own = tokens[texts]
    best: Threshold | None = None
    for bound in 1 << np.arange(4, 17):
        crosses = (own < bound) & (step >= bound)
        explained = int((crosses == changed).sum())
        sides = (setting.different(texts[side]) for side in (crosses, ~crosses))
        enough = min(sides) >= _LEAST
        if enough and explained >= _FITS * len(own) and (not best or explained > best.explained):
            best = Threshold(int(bound), explained, len(own))
    return best

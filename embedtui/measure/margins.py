"""Gaps between neighbouring scores against drift: which orders it cannot turn, and how many it may.

For unit vectors a document that moves by δ changes its score by δ sin θ + δ²/2 at most, θ being its
angle to the query: d' - d is -δ²/2 along d, since d·d' = 1 - δ²/2, and at most δ across it, and the
query is cos θ along d and sin θ across it. A query that moves changes the gap of two documents only
as far as those differ. With D = ‖d₁ - d₂‖ and the moves δq, δ₁ and δ₂,

    q'·(d₁' - d₂') - q·(d₁ - d₂) = (q' - q)·(d₁' - d₂') + q·(d₁' - d₁) - q·(d₂' - d₂)

is therefore at most δq (D + δ₁ + δ₂) + δ₁ sin θ₁ + δ₂ sin θ₂ + (δ₁² + δ₂²)/2, in either direction.
A pair with a larger gap keeps its order whatever the directions of the moves. Where nothing moves
by more than δ the bound is δ (D + sin θ₁ + sin θ₂) + 3δ², and so the largest δ that a gap bears.

The bound is what must not happen; what is to be expected is far less, because moves in many
dimensions seldom point where they would do harm. That is estimated from the changes of gaps that
were measured, each in units of √(δq²D² + δ₁² sin² θ₁ + δ₂² sin² θ₂).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Bools, Floats, Vectors, unit
from embedtui.measure.neighbours import Neighbours

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Cosines that searches commonly ask of a document at least."""
_GATHERED = 2**21
"""Elements of documents that are gathered at a time."""


@dataclass(frozen=True, eq=False)
class Margins:
    """Pairs of documents that stand one after the other: ranks r and r + 1 of q queries, q x k.

    NaN, or no, where a list has ended or the two tie: there is no order to keep.
    """

    gap: Floats
    """Score of the one less score of the next."""
    change: Floats
    """What the gap became less what it was."""
    bound: Floats
    """The most that the measured drift of the three vectors can change it."""
    scale: Floats
    """What it changes by as a rule, but for one factor that all share."""
    tolerance: Floats
    """L2 that all three vectors may move by without the order being in danger."""
    tie: float
    scored: int
    """Pairs of a query and one of its first k documents."""
    crossed: tuple[int, ...]
    """How many of them have their score on the other side of each of `THRESHOLDS`."""

    @property
    def pairs(self) -> int:
        """How many pairs have an order."""
        return int(np.isfinite(self.gap).sum())

    @property
    def could(self) -> Bools:
        """Pairs whose order the measured drift could turn, were it to point the worst way."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.gap <= self.bound + self.tie, dtype=np.bool_)

    @property
    def did(self) -> Bools:
        """Pairs whose order is the other way round, and no tie."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.gap + self.change < -self.tie, dtype=np.bool_)

    @property
    def least_tolerance(self) -> float | None:
        """Drift, L2 of every vector, below which every order is kept; None without any order."""
        found = self.tolerance[np.isfinite(self.tolerance)]
        return float(found.min()) if len(found) else None

    @property
    def least_gap(self) -> float | None:
        """The smallest gap of two scores that are not tied."""
        found = self.gap[np.isfinite(self.gap)]
        return float(found.min()) if len(found) else None

    @property
    def median_gap(self) -> float | None:
        """The median gap of two scores that are not tied."""
        return _median(self.gap)

    @property
    def median_change(self) -> float | None:
        """The median change of such a gap, without its sign."""
        return _median(np.abs(self.change))


def margins(
    before: tuple[Vectors, Vectors],
    after: tuple[Vectors, Vectors],
    lists: Neighbours,
    k: int,
) -> Margins:
    """Measure the pairs at ranks 1 and 2 up to k and k + 1, before and after.

    `before` and `after` are queries and documents; `lists` is what `nearest` found before.

    Raises:
        ValueError: if the lists do not reach one beyond k.
    """
    if lists.k <= k:
        raise ValueError(f"lists of {lists.k} do not reach beyond rank {k}")
    documents = lists.documents[:, : k + 1]
    depth = documents.shape[1]
    rows = max(1, _GATHERED // max(1, depth * before[0].shape[1]))
    parts = [
        _margins(before, after, slice(start, start + rows), documents[start : start + rows])
        for start in range(0, max(1, len(documents)), rows)
    ]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    scores, scores_after = (found.pop(name)[:, :k] for name in ("score", "score_after"))
    with np.errstate(invalid="ignore"):
        crossed = [int(((scores >= t) != (scores_after >= t)).sum()) for t in THRESHOLDS]
    blank = np.full((len(documents), max(0, k + 1 - depth)), np.nan)
    found = {name: np.concatenate([values, blank], axis=1) for name, values in found.items()}
    with np.errstate(invalid="ignore"):
        tied = ~(found["gap"] > lists.tie)
    for values in found.values():
        values[tied] = np.nan
    scored = int(np.isfinite(scores).sum())
    return Margins(**found, tie=lists.tie, scored=scored, crossed=tuple(crossed))


def expected(one: Margins) -> Floats:
    """Return for each pair how likely it changes places, q x k; 0 where there is no order.

    By the measured changes of all pairs in units of their scale, in both directions: how many of
    them would have closed this gap. It takes them to be independent of the gap's size.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return closing_likelihood(one.gap / one.scale, _steps(one))


def shares(likely: Floats) -> tuple[float, float]:
    """Return the shares of queries to be expected to change some order, and the first rank."""
    if not len(likely):
        return 0.0, 0.0
    return float(np.mean(1 - np.prod(1 - likely, axis=1))), float(np.mean(likely[:, 0]))


def _margins(
    before: tuple[Vectors, Vectors],
    after: tuple[Vectors, Vectors],
    rows: slice,
    listed: npt.NDArray[np.int32],
) -> dict[str, Floats]:
    wanted = np.maximum(listed, 0)
    shape = (*wanted.shape, before[0].shape[1])
    asked, moved_query = unit(before[0][rows]), unit(after[0][rows])
    found, moved = (
        unit(side[1][wanted.reshape(-1)]).reshape(shape) if wanted.size else np.zeros(shape)
        for side in (before, after)
    )
    length = np.linalg.norm(found - asked[:, None], axis=2)
    # From the chord: near 1 a cosine has lost the digits of the angle.
    sine = length * np.sqrt(np.maximum(0.0, 1 - length**2 / 4))
    drift = np.linalg.norm(moved - found, axis=2)
    of_query = np.linalg.norm(moved_query - asked, axis=1)[:, None]
    apart = np.linalg.norm(found[:, :-1] - found[:, 1:], axis=2)
    scores = np.einsum("qw,qdw->qd", asked, found)
    scores_after = np.einsum("qw,qdw->qd", moved_query, moved)
    gap = scores[:, :-1] - scores[:, 1:]
    one, two = drift[:, :-1], drift[:, 1:]
    first, second = sine[:, :-1], sine[:, 1:]
    reach = apart + first + second
    with np.errstate(invalid="ignore", divide="ignore"):
        made = {
            "gap": gap,
            "change": scores_after[:, :-1] - scores_after[:, 1:] - gap,
            "bound": of_query * (apart + one + two)
            + one * first
            + two * second
            + (one**2 + two**2) / 2,
            "scale": np.sqrt((of_query * apart) ** 2 + (one * first) ** 2 + (two * second) ** 2),
            "tolerance": 2 * gap / (reach + np.sqrt(reach**2 + 12 * gap)),
        }
    ended = listed[:, 1:] < 0
    for values in made.values():
        values[ended] = np.nan
    there = np.isfinite(scores) & np.isfinite(scores_after) & (listed >= 0)
    made["score"] = np.where(there, scores, np.nan)
    made["score_after"] = np.where(there, scores_after, np.nan)
    return made


def _median(values: Floats) -> float | None:
    found = values[np.isfinite(values)]
    return float(np.median(found)) if len(found) else None


def _steps(one: Margins) -> Floats:
    """Return the measured changes in units of their scale, without their sign, ascending."""
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = np.abs(one.change) / one.scale
    return np.sort(steps[np.isfinite(steps)])


def closing_likelihood(relative: Floats, steps: Floats) -> Floats:
    """Return how likely gaps are closed that are so many times as large as their scale."""
    if not len(steps):
        return np.zeros(relative.shape)
    known = np.isfinite(relative)
    beyond = len(steps) - np.searchsorted(steps, np.where(known, relative, np.inf))
    # Half of the changes widen the gap.
    return np.where(known, beyond / (2 * len(steps)), 0.0)

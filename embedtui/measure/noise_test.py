"""Whether batches move vectors, or only running again does: a test that works on repeats.

Each text has a pass alone, the same again, a pass in a batch, the same batch again, and perhaps
passes in other orders or batch sizes. If company moves nothing, the passes of one text are draws of
one noise: exchangeable, whatever that noise is, and texts are independent of each other. Three
tests rest on that. The least of their probabilities times three is the answer (Bonferroni), so that
drift is claimed wrongly in at most `LEVEL` of all runs.

**Pairs.** Of alone a, a' and batched b, b' three pairings can be made: aa'|bb', ab|a'b', ab'|a'b.
The one with the least sum of squared distances is aa'|bb' in a third of all texts without drift,
and in nearly all with it: the cross-match test with two against two, text by text (Rosenbaum, An
exact distribution-free test comparing two multivariate distributions based on adjacency, Journal of
the Royal Statistical Society B 67, 2005). Squares, since a difference in the size of the noise
alone adds as much to the first sum as to the other two. Where company cannot be repeated, b and b'
have nothing in common: what counts is that aa' is the least of the six distances, a sixth without
drift (of the three to one pass b, a third).

**One pass.** Of m passes through the largest batches each is the farthest from their mean in one of
m texts. A pass that is so in too many moves vectors by its order; times m, for the worst is looked
at.

**Size.** A difference may be in one text only. Of c differences between and w within, of a noise
with a tail like Pareto's with exponent 2, the largest between is r times the largest within with
probability c / (c + w r²) (maxima of such a noise are Fréchet's; de Haan and Ferreira, Extreme
Value Theory, 2006, section 1.1); a lighter tail makes it less. Where every repeat has equal bits,
there is no such r: a batch that gives twice the same other bits is drift, certain. Where only
passes differ that nobody repeated, the probability is that of all odd passes being among those:
the product over texts of C(m - f, j) / C(m, j), with j odd of m passes and f repeated ones. Short
of the level it stays `open`.

Texts with a tie for the least or the farthest say nothing and are left out, which is fair: a tie
does not depend on which pass is which. Limits: noise that strikes all texts of a step at once makes
texts depend on each other; a noise in batches of several times the size of that alone is told as
drift; fewer than six texts can be told only by the size or the bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Bools, Floats, Vectors

LEVEL = 0.01
"""Share of runs without drift in which drift may be claimed."""
_TESTS = 3
_BLOCK = 2**22
"""Elements that are widened to float64 at a time."""
_TIE = -1

Outcome = Literal["identical", "drift", "noise", "open"]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Passes:
    """The vectors of the same n texts by pass, each n x width."""

    alone: tuple[Vectors, ...]
    """The texts alone, at least twice."""
    batched: tuple[Vectors, ...]
    """The first batched pass, then its repeats."""
    orders: tuple[Vectors, ...] = ()
    """Batches of the same size in other orders."""
    sizes: tuple[Vectors, ...] = ()
    """Batches of other sizes."""
    company_repeats: bool = True
    """Whether repeats of a batch hold the same texts; a server's requests at once may not."""


@dataclass(frozen=True)
class Effect:
    """How many times as far batches are from texts alone as repeats are from each other.

    The median over texts of the root of the mean squares' ratio; 1 for noise alone, infinite where
    repeats are equal. Low and high hold the median of all such texts with 95 % confidence, by order
    statistics (Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2); of fewer than
    six texts they are the least and the largest.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class NoiseTest:
    """What the repeats say of a difference between texts alone and in batches."""

    outcome: Outcome
    """`open`: repeats have equal bits, and too little differs in passes that nobody repeated."""
    p: float
    """Probability of what was seen without drift, at most; 0 where drift is certain."""
    texts: int
    """Texts that could be judged."""
    untied: int
    """Texts of which one pairing is nearest."""
    nearest: int
    """In how many of them that is the pairing of the repeats."""
    passes: int
    company_repeats: bool
    effect: Effect | None
    """None where nothing differs."""


@dataclass(frozen=True)
class _ByText:
    """What is known of each text, apart from all others."""

    nearest: Indices
    """1 where the repeats are nearest, 0 where another pairing is, -1 for a tie."""
    outlier: Indices
    """Place of the farthest pass among the largest batches, -1 for a tie."""
    within: Floats
    """Mean square of the distances between repeats."""
    between: Floats
    """Mean square of those between texts alone and the largest batches."""
    farthest_within: Floats
    farthest_between: Floats
    odd: Indices
    """How many of the passes that nobody repeated differ from the text alone."""
    moved_again: Bools
    """Whether the repeated batches differ from the text alone."""


def noise_test(passes: Passes) -> NoiseTest:
    """Test whether batches move vectors further than running again does.

    Vectors that have a NaN, an infinity or zeros alone in any pass are left out.

    Raises:
        ValueError: if texts alone have no repeat, there is no batch, or shapes differ.
    """
    every = (*passes.alone, *passes.batched, *passes.orders, *passes.sizes)
    if len(passes.alone) < 2 or not passes.batched:
        raise ValueError("texts alone need a repeat, and there has to be a batch")
    if len({one.shape for one in every}) != 1 or every[0].ndim != 2:
        raise ValueError(f"passes differ in shape: {sorted({one.shape for one in every})}")
    count, width = every[0].shape
    rows = max(1, _BLOCK // max(1, width * len(every)))
    parts = [
        _by_text(passes, slice(start, start + rows)) for start in range(0, max(1, count), rows)
    ]
    names = _ByText.__dataclass_fields__
    texts = _ByText(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})
    return _judged(passes, texts)


def binomial_tail(successes: int, trials: int, probability: float) -> float:
    """Return the probability of at least so many successes."""
    if successes <= 0:
        return 1.0
    return min(1.0, float(_binomial(trials, probability)[successes:].sum()))


def _binomial(trials: int, probability: float) -> Floats:
    """Return the probability of each number of successes, 0 to all."""
    successes = np.arange(trials + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(successes[1:]))])
    logs = factorials[-1] - factorials - factorials[::-1]
    logs += successes * math.log(probability) + (trials - successes) * math.log1p(-probability)
    return np.asarray(np.exp(logs), dtype=np.float64)


def median_interval(values: Floats, confidence: float = 0.95) -> Effect:
    """Return the median and an interval for it that assumes no distribution."""
    ordered = np.sort(values)
    count = len(ordered)
    below = np.cumsum(_binomial(count, 0.5))
    low = max(0, int((below <= (1 - confidence) / 2).sum()) - 1)
    middle = ordered[[(count - 1) // 2, count // 2]]
    median = float(middle[0]) if middle[0] == middle[1] else float(middle.mean())
    return Effect(median, float(ordered[low]), float(ordered[count - 1 - low]))


def _by_text(passes: Passes, rows: slice) -> _ByText:
    groups = (passes.alone, passes.batched, passes.orders, passes.sizes)
    wide = np.stack([one[rows] for group in groups for one in group]).astype(np.float64)
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(wide, axis=2)
        usable = np.isfinite(lengths).all(axis=0) & (lengths > 0).all(axis=0)
    wide, lengths = wide[:, usable], lengths[:, usable]
    wide /= lengths.mean(axis=0)[None, :, None]
    ends = np.cumsum([len(group) for group in groups])
    alone, batched, orders, sizes = np.split(wide, ends[:-1])
    largest = np.concatenate([batched, orders])
    repeats = [_squares(one, alone[0]) for one in alone[1:]]
    if passes.company_repeats:
        repeats += [_squares(one, batched[0]) for one in batched[1:]]
        unrepeated = np.concatenate([orders, sizes])
    else:
        unrepeated = np.concatenate([largest, sizes])
    within = np.stack(repeats)
    to_first = np.stack([_squares(one, alone[0]) for one in (*largest, *sizes)])
    to_second = np.stack([_squares(one, alone[1]) for one in largest])
    odd = np.stack([_squares(one, alone[0]) > 0 for one in unrepeated]) if len(unrepeated) else None
    none = np.zeros(wide.shape[1], dtype=np.intp)
    return _ByText(
        _nearest(alone, batched, repeatable=passes.company_repeats),
        _outlier(largest),
        within.mean(axis=0),
        (to_first[: len(largest)].mean(axis=0) + to_second.mean(axis=0)) / 2,
        np.sqrt(within.max(axis=0)),
        np.sqrt(to_first.max(axis=0)),
        none if odd is None else odd.sum(axis=0).astype(np.intp),
        to_first[0] > 0 if passes.company_repeats and len(batched) > 1 else none.astype(np.bool_),
    )


def _squares(one: Floats, other: Floats) -> Floats:
    gap = one - other
    return np.asarray((gap * gap).sum(axis=1), dtype=np.float64)


def _nearest(alone: Floats, batched: Floats, *, repeatable: bool) -> Indices:
    """Return of each text whether its repeats are nearest; -1 for a tie."""
    a, again = alone[0], alone[1]
    own = _squares(a, again)
    if len(batched) == 1:
        others = [_squares(a, batched[0]), _squares(again, batched[0])]
    else:
        b, b_again = batched[0], batched[1]
        crossed = [(a, b), (again, b_again), (a, b_again), (again, b)]
        others = [_squares(*pair) for pair in crossed]
        if repeatable:
            own = own + _squares(b, b_again)
            others = [others[0] + others[1], others[2] + others[3]]
        else:
            others.append(_squares(b, b_again))
    sums = np.stack([own, *others])
    least = sums.min(axis=0)
    tied = (sums == least).sum(axis=0) > 1
    return np.where(tied, _TIE, own == least).astype(np.intp)


def _outlier(passes: Floats) -> Indices:
    """Return which pass is farthest from the mean of all; -1 for a tie or fewer than three."""
    if len(passes) < 3:
        return np.full(passes.shape[1], _TIE, dtype=np.intp)
    centre = passes.mean(axis=0)
    away = np.stack([_squares(one, centre) for one in passes])
    tied = (away == away.max(axis=0)).sum(axis=0) > 1
    return np.where(tied, _TIE, away.argmax(axis=0)).astype(np.intp)


def _judged(passes: Passes, texts: _ByText) -> NoiseTest:
    untied = texts.nearest != _TIE
    nearest = int((texts.nearest == 1).sum())
    same = not texts.farthest_within.any()
    outcome: Outcome
    if not texts.farthest_between.any():
        p, outcome = 1.0, "identical"
    elif same and texts.moved_again.any():
        p, outcome = 0.0, "drift"
    else:
        chances = (
            binomial_tail(nearest, int(untied.sum()), _share_of_repeats(passes)),
            _of_one_pass(passes, texts),
            _of_odd_passes(passes, texts) if same else _of_size(passes, texts),
        )
        p = min(1.0, _TESTS * min(chances))
        outcome = "drift" if p <= LEVEL else "open" if same else "noise"
    return NoiseTest(
        outcome,
        p,
        len(texts.nearest),
        int(untied.sum()),
        nearest,
        sum(map(len, (passes.alone, passes.batched, passes.orders, passes.sizes))),
        passes.company_repeats,
        _effect(texts),
    )


def _share_of_repeats(passes: Passes) -> float:
    """Return in what share of the texts the repeats are nearest without drift."""
    if len(passes.batched) == 1 or passes.company_repeats:
        return 1 / 3
    return 1 / 6


def _of_one_pass(passes: Passes, texts: _ByText) -> float:
    count = len(passes.batched) + len(passes.orders)
    known = texts.outlier[texts.outlier != _TIE]
    if not len(known):
        return 1.0
    most = int(np.bincount(known, minlength=count).max())
    return min(1.0, count * binomial_tail(most, len(known), 1 / count))


def _of_size(passes: Passes, texts: _ByText) -> float:
    ratio = float(texts.farthest_between.max() / texts.farthest_within.max())
    between = len(passes.batched) + len(passes.orders) + len(passes.sizes)
    within = len(passes.alone) - 1 + (passes.company_repeats and len(passes.batched) - 1)
    return between / (between + within * ratio**2)


def _of_odd_passes(passes: Passes, texts: _ByText) -> float:
    """Return how likely no repeated pass is odd, where each text has some that are."""
    repeated = len(passes.alone) + (len(passes.batched) if passes.company_repeats else 0)
    rest = len(passes.orders) + len(passes.sizes)
    rest += 0 if passes.company_repeats else len(passes.batched)
    odd = [int(count) for count in texts.odd if count]
    return math.prod(math.comb(rest, j) / math.comb(rest + repeated, j) for j in odd)


def _effect(texts: _ByText) -> Effect | None:
    differ = (texts.between > 0) | (texts.within > 0)
    if not differ.any():
        return None
    with np.errstate(divide="ignore"):
        ratios = np.sqrt(texts.between[differ] / texts.within[differ])
    return median_interval(np.asarray(ratios, dtype=np.float64))

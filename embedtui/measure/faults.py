"""Vectors that no distance can judge, or should: looked for before anything is measured."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Bools, Floats, Vectors, unit

SUSPECT_L2 = 0.05
"""Batch drift of today's pooling stays below this; only beyond it is a swap looked for.

The largest in the recordings is 0.038, a decoder's in bfloat16; two different texts are seldom
nearer than 0.3."""

COLLAPSED_L2 = 1e-3
"""Different texts nearer to each other than this have lost what told them apart."""

SKETCH_WIDTH = 64
"""Width of the projections that rule out most pairs before whole vectors are compared."""

BLOCK_ROWS = 256
"""Rows that are held against all others at a time: 20 MB of dot products with 10,000 texts."""


Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Fault:
    """One kind of fault and the rows that have it."""

    kind: str
    """nan, inf, zero, collapsed; swapped, copied or misplaced."""
    rows: tuple[int, ...]
    others: tuple[int, ...] = ()
    """For rows with another's vector, whose each of them holds instead of its own."""


def broken_rows(vectors: Vectors) -> list[Fault]:
    """Find rows with a NaN, an infinity, or nothing but zeros in them.

    A row with both a NaN and an infinity is reported as NaN alone.
    """
    nan = np.isnan(vectors).any(axis=1)
    inf = np.isinf(vectors).any(axis=1) & ~nan
    zero = (vectors == 0).all(axis=1)
    found = {"nan": nan, "inf": inf, "zero": zero}
    return [Fault(kind, _rows(np.flatnonzero(mask))) for kind, mask in found.items() if mask.any()]


def misplaced_rows(vectors: Vectors, reference: Vectors) -> Fault | None:
    """Find vectors that stand in another text's place.

    A row counts when it is far from its own vector in `reference` and at least ten times nearer to
    another one: that looks like huge drift but has another cause. Texts with equal reference
    vectors cannot be told apart; of several that a row could have come from, the first is named.
    The kind is `swapped` where every such vector stands in the place of just one other, so that
    sorting would mend it; `copied` where one stands for more texts than have it, as where all of a
    batch get the first one's; else `misplaced`.

    Raises:
        ValueError: if the shapes differ or are not n x width.
    """
    if vectors.shape != reference.shape or vectors.ndim != 2:
        raise ValueError(f"cannot look for vectors of {vectors.shape} in {reference.shape}")
    whole, moved = unit(reference), unit(vectors)
    own = np.linalg.norm(moved - whole, axis=1)
    suspects = np.flatnonzero(own > SUSPECT_L2)
    if not len(suspects):
        return None
    # All of 10,000 texts can be suspects, whose distances from all others take seconds to compute:
    # what is too far away in the sketch is too far away.
    known = np.nan_to_num(whole, nan=0.0)
    limits = (own[suspects] / 10) ** 2
    apart = _squared_distances(sketch(moved[suspects]), sketch(known))
    possible = np.concatenate([(d < limits[r, None]).any(axis=1) for r, d in apart])
    suspects = suspects[possible]
    own, moved = own[suspects], moved[suspects]
    nearest = np.zeros(len(suspects), dtype=np.intp)
    for rows, squares in _squared_distances(moved, known):
        # Rounding of order 1e-16 must not choose between equal vectors.
        least = squares.min(axis=1, keepdims=True)
        nearest[rows] = (squares < least + 1e-14).argmax(axis=1)
    away = np.linalg.norm(moved - whole[nearest], axis=1)
    found = away * 10 < own
    if not found.any():
        return None
    rows, others = suspects[found], nearest[found]
    still = np.flatnonzero(np.linalg.norm(unit(vectors) - whole, axis=1) <= SUSPECT_L2)
    return Fault(_manner(rows, others, still, known), _rows(rows), _rows(others))


def _manner(rows: Indices, others: Indices, still: Indices, reference: Floats) -> str:
    """Say how vectors stand in others' places; rows that are `still` hold their own."""
    involved = np.union1d(rows, others)
    points = reference[involved]
    alike = np.zeros(len(involved), dtype=np.intp)
    for block, squares in _squared_distances(points, points):
        alike[block] = (squares < COLLAPSED_L2**2).argmax(axis=1)

    def counts(members: Indices) -> Indices:
        places = np.searchsorted(involved, np.intersect1d(members, involved))
        return np.bincount(alike[places], minlength=len(involved))

    held = np.bincount(alike[np.searchsorted(involved, others)], minlength=len(involved))
    if (held == counts(rows)).all():
        return "swapped"
    return "copied" if (held + counts(still) > counts(involved)).any() else "misplaced"


def collapsed_rows(vectors: Vectors, texts: list[str]) -> Fault | None:
    """Find texts whose vectors are all but equal although the texts differ.

    A missing vocabulary ([UNK] for every word) or an overflow does that. Reported only when it
    strikes more than a fifth of the different texts: near-duplicates are legitimate neighbours.
    Of texts that differ only in case or white space the first is looked at, and fewer than three
    vectors that can be judged say nothing.

    Raises:
        ValueError: if there is not one vector for each text.
    """
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise ValueError(f"cannot judge vectors of {vectors.shape} by {len(texts)} texts")
    seen: dict[str, int] = {}
    for row, text in enumerate(texts):
        seen.setdefault(" ".join(text.casefold().split()), row)
    first = np.asarray(list(seen.values()), dtype=np.intp)
    points = unit(vectors[first])
    finite = np.isfinite(points).all(axis=1)
    first, points = first[finite], points[finite]
    if len(first) < 3:
        return None
    struck = _near_another(sketch(points))
    struck[struck] = _near_another(points[struck])
    if struck.sum() * 5 <= len(points):
        return None
    return Fault("collapsed", _rows(first[struck]))


def _near_another(points: Floats) -> Bools:
    limit = COLLAPSED_L2**2
    near = [(d < limit).sum(axis=1) > 1 for _, d in _squared_distances(points, points)]
    return np.concatenate(near) if near else np.zeros(0, dtype=np.bool_)


def _squared_distances(points: Floats, others: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield blocks of points and their squared distances from all others, right to 1e-15.

    ‖a - b‖² = ‖a‖² + ‖b‖² - 2 a·b loses what is smaller, but the smallest limit squared is 1e-6.
    """
    lengths, other_lengths = (points**2).sum(axis=1), (others**2).sum(axis=1)
    for start in range(0, len(points), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        squares = points[rows] @ others.T
        squares *= -2
        squares += lengths[rows, None]
        squares += other_lengths
        yield rows, squares


def sketch(points: Floats) -> Floats:
    """Project on a few directions, the same ones always; no distance grows by a projection."""
    width = points.shape[1]
    if width <= SKETCH_WIDTH:
        return points
    return np.asarray(points @ _directions(width), dtype=np.float64)


@functools.cache
def _directions(width: int) -> Floats:
    """Return the directions for vectors of this width, drawn once: width x SKETCH_WIDTH."""
    drawn = np.random.default_rng(0).standard_normal((width, SKETCH_WIDTH))
    directions = np.asarray(np.linalg.qr(drawn)[0], dtype=np.float64)
    directions.setflags(write=False)
    return directions


def _rows(index: npt.NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(int(row) for row in index)

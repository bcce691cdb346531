"""Vectors that no distance can judge, or should: looked for before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.measure.distances import Bools, Vectors, unit

SUSPECT_L2 = 0.05
"""Rounding in any dtype of today's pooling stays below this; only beyond it is a swap looked for.

bfloat16 on 24 layers moves a vector by 0.012; two different texts are seldom nearer than 0.3."""

COLLAPSED_L2 = 1e-3
"""Different texts nearer to each other than this have lost what told them apart."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault and the rows that have it."""

    kind: str
    """nan, inf, zero, swapped or collapsed."""
    rows: tuple[int, ...]
    others: tuple[int, ...] = ()
    """For swapped rows, whose vector each of them holds instead of its own."""


def broken_rows(vectors: Vectors) -> list[Fault]:
    """Find rows with a NaN, an infinity, or nothing but zeros in them."""
    nan = np.isnan(vectors).any(axis=1)
    inf = np.isinf(vectors).any(axis=1) & ~nan
    zero = ~vectors.any(axis=1)
    found = {"nan": nan, "inf": inf, "zero": zero}
    return [Fault(kind, _rows(mask)) for kind, mask in found.items() if mask.any()]


def swapped_rows(
    vectors: Vectors, reference: Vectors, rows: np.ndarray | None = None
) -> Fault | None:
    """Find vectors that stand in another text's place.

    A row counts as swapped when it is far from its own vector in `reference` (n x width) and at
    least ten times nearer to another one: results that came back in another order look like huge
    drift but have another cause. `rows` names the reference row of each vector where `vectors` is
    one batch of the whole set; texts with equal reference vectors are no swap.
    """
    own_rows = np.arange(len(vectors)) if rows is None else np.asarray(rows)
    whole, moved = unit(reference), unit(vectors)
    own = np.linalg.norm(moved - whole[own_rows], axis=1)
    with np.errstate(invalid="ignore"):
        suspects = np.flatnonzero(own > SUSPECT_L2)
    found: list[int] = []
    others: list[int] = []
    for row in suspects:
        away = np.linalg.norm(whole - moved[row], axis=1)
        away[np.isnan(away)] = np.inf
        nearest = int(away.argmin())
        if nearest != own_rows[row] and away[nearest] * 10 < own[row]:
            found.append(int(own_rows[row]))
            others.append(nearest)
    return Fault("swapped", tuple(found), tuple(others)) if found else None


def collapsed_rows(vectors: Vectors, texts: list[str]) -> Fault | None:
    """Find texts whose vectors are all but equal although the texts differ.

    A missing vocabulary ([UNK] for every word) or an overflow does that. Reported only when it
    strikes more than a fifth of the different texts: near-duplicates are legitimate neighbours.
    """
    seen: dict[str, int] = {}
    for row, text in enumerate(texts):
        seen.setdefault(" ".join(text.casefold().split()), row)
    first = np.asarray(list(seen.values()), dtype=np.intp)
    if len(first) < 3:
        return None
    points = unit(vectors[first])
    finite = np.isfinite(points).all(axis=1)
    first, points = first[finite], points[finite]
    struck = np.zeros(len(points), dtype=np.bool_)
    for start in range(0, len(points), 512):
        block = points[start : start + 512]
        # ‖a - b‖² = 2 - 2 a·b is precise enough here: the limit squared is 1e-6.
        near = block @ points.T > 1 - COLLAPSED_L2**2 / 2
        struck[start : start + 512] = near.sum(axis=1) > 1
    if struck.sum() * 5 <= max(len(points), 1):
        return None
    return Fault("collapsed", tuple(int(r) for r in first[struck]))


def _rows(mask: Bools) -> tuple[int, ...]:
    return tuple(int(row) for row in np.flatnonzero(mask))

"""Texts that come more than once: to a statistic they are one text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Bools, Floats, Vectors

Indices = npt.NDArray[np.intp]


def first_alike(contents: Indices, vectors: Vectors, there: Bools) -> Indices:
    """Return for each row the first one that is the same: in content, or bit for bit.

    `contents` numbers what the rows are made of. Vectors count that are `there` and are neither
    zero nor infinite: the same tokens give the same bits, as where two texts were cut to one.
    """
    _, index, inverse = np.unique(contents, return_index=True, return_inverse=True)
    firsts = np.asarray(index[inverse], dtype=np.intp)
    known = there & np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
    seen: dict[bytes, int] = {}
    for row in np.flatnonzero(known & (firsts == np.arange(len(firsts)))):
        firsts[row] = seen.setdefault(vectors[row].tobytes(), int(row))
    return np.asarray(firsts[firsts], dtype=np.intp)


def are_firsts(firsts: Indices) -> Bools:
    """Return which rows repeat no earlier one."""
    return np.asarray(firsts == np.arange(len(firsts)), dtype=np.bool_)


def largest_of_alike(values: Floats, firsts: Indices) -> Floats:
    """Return the largest value of all that are alike, at the first of them; NaN elsewhere."""
    folded = np.full(len(values), np.nan)
    np.fmax.at(folded, firsts, values)
    return folded

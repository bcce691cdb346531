"""Dimensions that are dead or turned round: all texts lose the same figure of their vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.measure.distances import Bools, Floats, Vectors, unit

_LEAST_ROWS = 8
"""Vectors that it takes to call a dimension constant."""
_LARGEST_SHARE = 0.5
"""Where more dimensions are struck, the vectors are others altogether."""
_LEAST_SPREAD = 0.05
"""A dimension that varies less than this share of the median one may vanish in rounding: two of
all-MiniLM-L6-v2's are 0 in float16."""
_TURNED = -0.9
"""Cosine of a dimension with that of the reference, over all texts; untouched ones are near 1."""


@dataclass(frozen=True, eq=False)
class StruckDimensions:
    """Dimensions, numbered from 0, that differ from the reference in one of three ways."""

    zero: tuple[int, ...]
    constant: tuple[int, ...]
    """The same figure, not 0, in every vector."""
    turned: tuple[int, ...]
    """With the sign of the reference turned round."""
    rest: Floats
    """The L2 of each vector from the reference over the other dimensions, scaled to length one."""


def struck_dimensions(vectors: Vectors, reference: Vectors) -> StruckDimensions | None:
    """Find dimensions that are zero, constant or sign-turned where the reference's are not.

    Both are n x width, finite and of the same texts. None where there is none, where more than half
    of all are struck, or where fewer than eight vectors can tell.
    """
    if len(vectors) < _LEAST_ROWS or vectors.shape != reference.shape or not vectors.shape[1]:
        return None
    spread = np.ptp(reference, axis=0)
    alive = spread > _LEAST_SPREAD * np.median(spread)
    still = (np.ptp(vectors, axis=0) == 0) & alive
    zero = still & (vectors[0] == 0)
    turned = (_cosines(vectors, reference) < _TURNED) & ~still & alive
    struck = still | turned
    if not struck.any() or struck.mean() > _LARGEST_SHARE:
        return None
    rest = np.linalg.norm(unit(vectors[:, ~struck]) - unit(reference[:, ~struck]), axis=1)
    if not np.isfinite(rest).all():
        return None
    return StruckDimensions(
        _numbers(zero), _numbers(still & ~zero), _numbers(turned), np.asarray(rest)
    )


def _cosines(vectors: Vectors, reference: Vectors) -> Vectors:
    """Return the cosine of each dimension over all rows; 0 where one has no length."""
    one, other = vectors.astype(np.float64), reference.astype(np.float64)
    size = np.linalg.norm(one, axis=0) * np.linalg.norm(other, axis=0)
    products = np.einsum("ij,ij->j", one, other)
    return np.asarray(np.divide(products, size, out=np.zeros_like(size), where=size > 0))


def _numbers(mask: Bools) -> tuple[int, ...]:
    return tuple(int(at) for at in np.flatnonzero(mask))

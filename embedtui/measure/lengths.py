"""Lengths of vectors as they came; distances are of vectors of length one and cannot show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedtui.measure.distances import Floats, Vectors

CHANGED = 1e-3
"""A relative change of length between two passes that no rounding of a vector of length one makes:
bfloat16 on the wire moves it by 1e-4, NumPy and the recorded engines by 1.4e-7."""


@dataclass(frozen=True)
class Lengths:
    """The range of Euclidean lengths, before anything was scaled."""

    least: float
    median: float
    largest: float

    @property
    def are_one(self) -> bool:
        """Whether every vector has length one, so that dot products are cosines."""
        return self.least > 1 - CHANGED and self.largest < 1 + CHANGED


def row_lengths(vectors: Vectors) -> Floats:
    """Return the Euclidean length of each row, in float64; NaN where the row is not finite."""
    found = np.linalg.norm(vectors.astype(np.float64), axis=1)
    return np.asarray(np.where(np.isfinite(found), found, np.nan), dtype=np.float64)


def summarize_lengths(vectors: Vectors) -> Lengths | None:
    """Return the range of the lengths; None where no row is finite and not 0."""
    found = row_lengths(vectors)
    found = found[found > 0]
    if not len(found):
        return None
    return Lengths(float(found.min()), float(np.median(found)), float(found.max()))

"""How far vectors are from the vectors they should equal, row by row.

Drift between precisions lives between 1e-15 and 1e-2, so everything here is computed in float64,
and the cosine distance by the chord: for unit vectors 1 - a·b = ½‖a - b‖² exactly, but the left
side is a difference of two numbers near one and is all rounding below 1e-16, while the right side
keeps its digits down to 1e-32 (the identity is elementary; the cancellation is treated in Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., section 1.7).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Vectors = npt.NDArray[np.floating]

FLOAT64_BITS = 53.0
"""Agreeing bits of two equal vectors: float64's significand, the precision measured in."""


@dataclass(frozen=True)
class Distances:
    """Distances of n pairs of vectors, each field an array of n.

    A pair with a NaN, an infinity or a zero vector in it has NaN in every distance: it is a fault
    to be reported (see `faults`), not a distance.
    """

    cosine: Floats
    """1 - cos, by the chord of the unit vectors."""
    l2: Floats
    """Euclidean distance of the unit vectors, 0 to 2."""
    max_abs: Floats
    """Largest difference in one dimension of the unit vectors."""
    relative_l2: Floats
    """‖a - b‖ / ‖b‖ of the vectors as they came, so that a change of length shows."""
    bits: Floats
    """-log2 of relative_l2: how many leading bits agree; 53 where the vectors are equal."""
    identical: Bools
    """Whether the two are equal bit for bit, as they came."""

    def __len__(self) -> int:
        return len(self.l2)

    def rows(self, index: npt.NDArray[np.intp] | Bools | slice) -> Distances:
        """Return the pairs that `index` picks."""
        return Distances(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


METRICS = ("cosine", "l2", "max_abs", "relative_l2", "bits")
"""The distances in the order in which they are reported; all but `bits` grow with the drift."""


def compare(vectors: Vectors, reference: Vectors) -> Distances:
    """Measure each row of `vectors` against the same row of `reference`.

    Both are arrays of n x width in the precision in which they came. Two rows are identical only
    if both arrays have one dtype and every byte is equal, so that 0.0 and -0.0 differ.

    Raises:
        ValueError: if the shapes differ or are not n x width.
    """
    if vectors.shape != reference.shape or vectors.ndim != 2:
        raise ValueError(f"cannot compare vectors of {vectors.shape} with {reference.shape}")
    a, b = vectors.astype(np.float64), reference.astype(np.float64)
    identical = _identical(vectors, reference)
    a_norm, b_norm = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    usable = np.isfinite(a_norm) & np.isfinite(b_norm) & (a_norm > 0) & (b_norm > 0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        chord = a / a_norm[:, None] - b / b_norm[:, None]
        l2 = np.linalg.norm(chord, axis=1)
        relative = np.linalg.norm(a - b, axis=1) / b_norm
        bits = np.clip(-np.log2(relative), None, FLOAT64_BITS)
    max_abs = np.abs(chord).max(axis=1, initial=0.0)
    out = [0.5 * l2 * l2, l2, max_abs, relative, bits]
    # Scaling to unit length rounds: of two identical rows it is the same rounding, hence zero.
    out = [np.where(usable, values, np.nan) for values in out]
    return Distances(*out, identical=identical)


def unit(vectors: Vectors) -> Floats:
    """Return the rows scaled to length one in float64; a zero row becomes NaN."""
    wide = vectors.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True), dtype=np.float64)


def _identical(a: Vectors, b: Vectors) -> Bools:
    if a.dtype != b.dtype:
        return np.zeros(len(a), dtype=np.bool_)
    size = a.dtype.itemsize
    one = np.ascontiguousarray(a).view(np.uint8).reshape(len(a), a.shape[1] * size)
    other = np.ascontiguousarray(b).view(np.uint8).reshape(len(b), b.shape[1] * size)
    return np.asarray((one == other).all(axis=1), dtype=np.bool_)

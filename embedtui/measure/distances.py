"""How far vectors are from the vectors they should equal, row by row.

Drift between precisions lives between 1e-15 and 1e-2, so everything here is computed in float64,
and the cosine distance by the chord: for unit vectors 1 - a·b = ½‖a - b‖² exactly, but the left
side is a difference of two numbers near one and is all rounding below 1e-16, while on the right
side the rounding of the unit vectors moves ‖a - b‖ by a few 1e-16 only, so that a cosine distance
of 1e-18 still has six good digits and rounding takes over below 1e-31 (the identity is elementary;
the cancellation is treated in Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
section 1.7).

A distance depends on its own two rows alone, to the bit, whatever else is measured with them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Exponents = npt.NDArray[np.int32]
Vectors = npt.NDArray[np.floating]

FLOAT64_BITS = 53.0
"""Agreeing bits of two equal vectors: float64's significand, the precision measured in."""

_BLOCK = 2**19
"""Elements that are widened to float64 at a time; a whole set of long vectors would not fit."""

_SAFE_EXPONENT = 400
"""Up to 2**400, and down to 2**-400, squares and their sums stay within float64's range."""


@dataclass(frozen=True)
class Distances:
    """Distances of n pairs of vectors, each field an array of n.

    A pair with a NaN, an infinity or a zero vector in it has NaN in every distance: it is a fault
    to be reported (see `faults`), not a distance. Every other pair has distances, however long or
    short its vectors are.
    """

    cosine: Floats
    """1 - cos, by the chord of the unit vectors."""
    l2: Floats
    """Euclidean distance of the unit vectors, 0 to 2."""
    max_abs: Floats
    """Largest difference in one dimension of the unit vectors."""
    relative_l2: Floats
    """‖a - b‖ / ‖b‖ of the vectors as they came, so that a change of length shows.

    Infinite only where it exceeds float64's range, which no float32 vectors reach."""
    bits: Floats
    """-log2 of relative_l2: how many leading bits agree; 53 where the vectors are equal, below
    zero where they are farther apart than the reference is long."""
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
        ValueError: if the shapes differ or are not n x width, or the rows are empty.
    """
    if vectors.shape != reference.shape or vectors.ndim != 2:
        raise ValueError(f"cannot compare vectors of {vectors.shape} with {reference.shape}")
    count, width = vectors.shape
    if count and not width:
        raise ValueError("cannot compare vectors without a width")
    rows = max(1, _BLOCK // max(1, width))
    return join(
        [
            _compare_block(vectors[start : start + rows], reference[start : start + rows])
            for start in range(0, max(1, count), rows)
        ]
    )


def join(parts: list[Distances]) -> Distances:
    """Put the pairs of several comparisons into one, in order."""
    return Distances(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Distances)}
    )


def unit(vectors: Vectors) -> Floats:
    """Return the rows scaled to length one in float64.

    A row with a NaN or an infinity in it, or nothing but zeros, becomes NaN.
    """
    wide = _wide(vectors)
    exponents = _exponents(wide)
    wide = _scaled(wide, np.where(_extreme(exponents), exponents, 0))
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True), dtype=np.float64)


def _compare_block(vectors: Vectors, reference: Vectors) -> Distances:
    # Scaling to unit length rounds: of two equal rows it is the same rounding, hence zero.
    chord = unit(vectors) - unit(reference)
    l2 = _norms(chord)
    relative = _relative(_wide(vectors), _wide(reference))
    with np.errstate(divide="ignore"):
        bits = np.clip(-np.log2(relative), None, FLOAT64_BITS)
    return Distances(
        cosine=0.5 * l2 * l2,
        l2=l2,
        max_abs=np.abs(chord).max(axis=1, initial=0.0),
        relative_l2=relative,
        bits=bits,
        identical=_identical(vectors, reference),
    )


def _relative(a: Floats, b: Floats) -> Floats:
    one, other = _exponents(a), _exponents(b)
    exponents = np.where(_extreme(one) | _extreme(other), other, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        gap = _scaled(a, exponents) - _scaled(b, exponents)
        return np.asarray(_norms(gap) / _norms(_scaled(b, exponents)), dtype=np.float64)


def _wide(vectors: Vectors) -> Floats:
    """Return a float64 copy, NaN throughout the rows that have no direction."""
    # Sums run in the order of memory: rows laid out alike, so that equal rows have equal lengths.
    wide = vectors.astype(np.float64, order="C")
    wide[~(np.isfinite(wide).all(axis=1) & wide.any(axis=1))] = np.nan
    return wide


def _norms(wide: Floats) -> Floats:
    """Return the rows' lengths, right also where squares alone would leave float64's range."""
    exponents = _exponents(wide)
    exponents = np.where(_extreme(exponents), exponents, 0)
    lengths = np.linalg.norm(_scaled(wide, exponents), axis=1)
    return np.asarray(np.ldexp(lengths, exponents), dtype=np.float64)


def _exponents(wide: Floats) -> Exponents:
    """Return the power of two of each row's largest element; zero if that is 0 or not finite."""
    top = np.abs(wide).max(axis=1, initial=0.0)
    return np.asarray(np.frexp(np.where(np.isfinite(top), top, 0.0))[1], dtype=np.int32)


def _extreme(exponents: Exponents) -> Bools:
    return np.asarray(np.abs(exponents) > _SAFE_EXPONENT, dtype=np.bool_)


def _scaled(wide: Floats, exponents: Exponents) -> Floats:
    """Divide each row by a power of two, which loses nothing where its digits count."""
    if not exponents.any():
        return wide
    return np.asarray(np.ldexp(wide, -exponents[:, None]), dtype=np.float64)


def _identical(a: Vectors, b: Vectors) -> Bools:
    if a.dtype != b.dtype:
        return np.zeros(len(a), dtype=np.bool_)
    size = a.dtype.itemsize
    one = np.ascontiguousarray(a).view(np.uint8).reshape(len(a), a.shape[1] * size)
    other = np.ascontiguousarray(b).view(np.uint8).reshape(len(b), b.shape[1] * size)
    return np.asarray((one == other).all(axis=1), dtype=np.bool_)

"""Vectors that are those of a reference turned round or mirrored as a whole.

Two sets of points have the same distances just where an orthogonal map takes one to the other
(Schoenberg, Remarks to Maurice Fréchet's article, Annals of Mathematics 36, 1935): signs turned,
dimensions in another order, a rotation. No other pooling, prompt or tokenizer keeps them.
"""

from __future__ import annotations

import numpy as np

from embedtui.measure.distances import Floats, Vectors, unit

_LEAST_ROWS = 8
"""Different vectors that it takes to tell: 28 distances."""
_MOST_ROWS = 256
"""So many are looked at, spread over all."""
_KEPT = 0.01
"""Share of how far vectors moved by which their distances may have changed, as root of the mean
square. Moves at random change them by about 1 / sqrt(width): 0.05 for 384 dimensions, 0.016 for
4096. Rounding of all-MiniLM-L6-v2 in bfloat16 changes them by 7e-4 in all."""


def are_turned(vectors: Vectors, reference: Vectors, rounding: float) -> bool:
    """Say whether the vectors are the reference's, turned as a whole.

    Both are n x width, finite, of the same texts, and the vectors are far from the reference.
    `rounding` is the L2 by which rounding moves a vector at most. False where fewer than eight
    different vectors can tell.
    """
    if vectors.shape != reference.shape:
        return False
    different = np.unique(unit(reference), axis=0, return_index=True)[1]
    if len(different) < _LEAST_ROWS:
        return False
    rows = np.sort(different)[:: -(-len(different) // _MOST_ROWS)]
    one, other = unit(vectors[rows]), unit(reference[rows])
    moved = float(np.median(np.linalg.norm(one - other, axis=1)))
    changed = np.abs(_distances(one) - _distances(other))
    spread = float(np.sqrt(np.mean(changed**2)))
    return bool(changed.max() <= rounding and spread <= _KEPT * moved)


def are_mirrored(vectors: Vectors, reference: Vectors, rounding: float) -> bool:
    """Say whether every vector is the reference's with all signs turned round."""
    return bool(np.linalg.norm(unit(vectors) + unit(reference), axis=1).max() <= rounding)


def _distances(points: Floats) -> Floats:
    """Return the distances of all pairs of vectors of length one."""
    above = np.triu_indices(len(points), 1)
    return np.asarray(np.sqrt(np.maximum(0.0, 2 - 2 * (points @ points.T)[above])))

"""How much of an error is the same for all texts: a bias per dimension, or a scale as well.

Systematic error does not average out over texts, but it moves them alike, so that much of it leaves
lists of neighbours alone; random error is what is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from embedtui.measure.distances import Vectors, unit

LEVEL = 0.01
"""Chance that any dimension at all is called biased where none is (Bonferroni over dimensions)."""
LEAST_TEXTS = 20
"""Below this a share of the error is mostly chance, and Student's quantile is not near normal."""


@dataclass(frozen=True)
class SystematicError:
    """Shares of the squared error, each corrected for what chance explains."""

    bias_share: float
    """What one constant for each dimension explains."""
    affine_share: float
    """What a constant and a factor for each dimension explain."""
    biased: int
    """Dimensions whose mean error is not 0, at `LEVEL` over all of them."""
    width: int
    texts: int


def systematic_error(vectors: Vectors, reference: Vectors) -> SystematicError | None:
    """Split the error of unit vectors into what all texts share and the rest.

    The error e of a dimension is fitted over texts by a constant, and by a + b * reference (least
    squares). A share is 1 - (rest / degrees of freedom) / (sum of e² / texts), so that pure noise
    has share 0 on average; below 0 it is given as 0. A dimension is biased where Student's t of its
    mean error passes the two-sided level LEVEL / width. None for fewer than `LEAST_TEXTS` texts
    with finite vectors, or an error of 0.
    """
    exact, error = unit(reference), unit(vectors) - unit(reference)
    finite = np.isfinite(error).all(axis=1)
    exact, error = exact[finite], error[finite]
    count, width = error.shape
    total = float((error**2).sum())
    if count < LEAST_TEXTS or not total:
        return None
    mean = error.mean(axis=0)
    centred = error - mean
    around = exact - exact.mean(axis=0)
    spread = (around**2).sum(axis=0)
    product = (around * centred).sum(axis=0)
    slope = np.divide(product, spread, out=np.zeros(width), where=spread > 0)
    after_bias = float((centred**2).sum())
    after_affine = float(((centred - slope * around) ** 2).sum())
    deviation = np.sqrt((centred**2).sum(axis=0) / (count - 1) / count)
    limit = student_quantile(1 - LEVEL / width / 2, count - 1)
    return SystematicError(
        _share(after_bias, total, count, 1),
        _share(after_affine, total, count, 2),
        int((np.abs(mean) > limit * deviation).sum()),
        width,
        count,
    )


def student_quantile(probability: float, degrees: int) -> float:
    """Return a quantile of Student's t, by its expansion in 1/degrees around the normal one.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5; within 0.03 % for 19 degrees
    and more down to tails of 1e-6.
    """
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / degrees**power for power, term in enumerate(terms, 1))


def _share(rest: float, total: float, count: int, fitted: int) -> float:
    return max(0.0, 1 - (rest / (count - fitted)) / (total / count))

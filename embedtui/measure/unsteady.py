"""Vectors of one text that no rounding could set so far apart: how several passes of it lie."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from embedtui.measure.distances import Bools, Vectors, unit

LARGEST_NOISE = {"float32": 2e-2, "float16": 2e-2, "bfloat16": 0.1}
"""L2 between repeats that no rounding explains, by the dtype in force.

The largest error in the recordings is 9.6e-3 for float32 that multiplies in TF32 and 5.1e-2 for a
decoder's bfloat16, and two draws of one rounding are at most twice that apart."""
LARGEST_NOISE_OF_ANY = max(LARGEST_NOISE.values())
"""Where the dtype is not known, as of many servers."""

_ZEROS = 8
"""Zeros in a row that no model gives by chance: at least so many, and an eighth of the width."""
_SAME = 8
"""Passes are of one group if they are nearer than the farthest two by this factor."""
_GROUPED = 0.75
"""Least share of the passes that groups of at least two hold, where replicas give them."""

Manner = Literal["random", "replicas", "intermittent"]


def manner_of(vectors: Vectors) -> Manner:
    """Say how the passes of one text lie, passes x width, of which some are far apart.

    `random`: each is as far from the others, as where features are dropped at random.
    `replicas`: most are in groups of at least two, of which there are several. `intermittent`: most
    are in one group, and odd ones beside it.
    """
    points = unit(vectors)
    points = points[np.isfinite(points).all(axis=1)]
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    near = apart * _SAME < apart.max(initial=0.0)
    left = np.ones(len(points), dtype=np.bool_)
    sizes = []
    while left.any():
        group = near[int(np.argmax(left))] & left
        sizes.append(int(group.sum()))
        left &= ~group
    groups = [size for size in sizes if size > 1]
    if len(groups) > 1 and sum(groups) >= _GROUPED * len(points):
        return "replicas"
    return "intermittent" if sum(groups) * 2 > len(points) else "random"


def partly_zero(vectors: Vectors) -> Bools:
    """Return which rows have a run of exact zeros in them, but not zeros alone."""
    width = vectors.shape[1]
    least = max(_ZEROS, width // 8)
    zero = vectors == 0
    counts = zero.sum(axis=1)
    found = np.zeros(len(vectors), dtype=np.bool_)
    for row in np.flatnonzero((counts >= least) & (counts < width)):
        found[row] = _longest_run(zero[row]) >= least
    return found


def _longest_run(zero: Bools) -> int:
    ends: npt.NDArray[np.intp] = np.flatnonzero(~np.concatenate([[False], zero, [False]]))
    return int(np.diff(ends).max()) - 1

"""Distances in bins on a log axis; equal bits are no bin but a class of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LOW, HIGH = -18, 1
"""Decades of the axis: below every distance that float64 can tell from zero, up to beyond 2."""
PER_DECADE = 48


@dataclass(frozen=True, eq=False)
class LogHistogram:
    """How many distances lie where."""

    counts: npt.NDArray[np.int64]
    """For each bin, `PER_DECADE` to a decade from `LOW` on, how many distances it holds."""
    identical: int
    """Pairs that are equal bit for bit."""
    total: int
    """All pairs, those with a NaN left out."""
    low: float | None
    """The least distance above zero of a pair that is not identical."""
    high: float | None

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """The log10 of each bin's middle."""
        return LOW + (np.arange(len(self.counts)) + 0.5) / PER_DECADE


def log_histogram(
    values: npt.NDArray[np.float64], identical: npt.NDArray[np.bool_]
) -> LogHistogram:
    """Count distances by the logarithm of their size.

    What lies beyond the axis is counted in its first or last bin, a distance of zero between
    vectors that are not identical in the first: 0.0 and -0.0 differ by a bit and by nothing else.
    """
    usable = np.isfinite(values)
    apart = values[usable & ~identical]
    bins = (HIGH - LOW) * PER_DECADE
    with np.errstate(divide="ignore"):
        places = np.floor((np.log10(apart) - LOW) * PER_DECADE)
    index = np.clip(places, 0, bins - 1).astype(np.intp)
    above = apart[apart > 0]
    return LogHistogram(
        counts=np.bincount(index, minlength=bins).astype(np.int64),
        identical=int((usable & identical).sum()),
        total=int(usable.sum()),
        low=float(above.min()) if len(above) else None,
        high=float(above.max()) if len(above) else None,
    )

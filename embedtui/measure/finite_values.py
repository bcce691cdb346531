"""Figures that mean something: what is NaN or infinite is no figure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt


def finite(value: float | None) -> float | None:
    """Return a figure; None for one that means nothing, which JSON and SQLite cannot hold."""
    return None if value is None or not math.isfinite(value) else float(value)


def largest_finite(values: npt.NDArray[np.floating[Any]]) -> float | None:
    """Return the largest of the values that mean something; None where none does."""
    kept = values[np.isfinite(values)]
    return float(kept.max()) if len(kept) else None

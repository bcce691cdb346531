"""Whether a setting's vectors are those of the model's own pipeline at all.

Decided here and nowhere else, for the run, which then looks for the variant that fits, and for
every sentence about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from embedtui.measure.rounding import most_rounding
from embedtui.results.reference_vectors import ReferenceVectors
from embedtui.results.results import Rows, SettingResults

_NARROW = 1e-5
"""Relative L2 of one kernel to float64 that float32 never shows (it is near 1e-7; TF32's 3e-4)."""


@dataclass(frozen=True)
class Mismatch:
    """Texts whose vectors no rounding takes that far from the model's own."""

    rows: Rows
    """The texts, in their order."""
    measured: int
    """How many texts were held against float64."""
    error: float | None
    """The largest L2 from float64; None where the vectors have another width."""
    bound: float
    """The largest L2 that rounding explains."""
    widths: tuple[int, int]
    """Figures of a vector, and of the model's own."""
    tokens: npt.NDArray[np.int64]
    """By text of the pack, as float64 counted them."""
    fitting: Rows
    """The texts whose vectors are the model's own."""

    @cached_property
    def longer_than(self) -> int | None:
        """Tokens that tell the wrong texts, all longer, from the right ones; None where none do."""
        if not len(self.fitting) or not len(self.rows):
            return None
        longest = int(self.tokens[self.fitting].max())
        return longest if int(self.tokens[self.rows].min()) > longest else None


def mismatch_of(setting: SettingResults, reference: ReferenceVectors) -> Mismatch | None:
    """Return where the unbatched vectors are not the model's own; None where nothing says so.

    What-ifs that change the vectors on purpose, quantised weights and the old pooling, have no
    bound and are not judged.
    """
    effective = setting.effective
    changed = setting.setting.quantization != "none" or effective.pooling_accumulation == "model"
    if changed or not reference.done.any() or not setting.unbatched.count:
        return None
    probes = (effective.probe_matmul, effective.probe_attention)
    tf32 = effective.device != "cpu" or any(value and value > _NARROW for value in probes)
    bound = most_rounding(effective.dtype, tf32=tf32)
    widths = setting.unbatched.vectors.shape[1], reference.vectors.shape[1]
    found = setting.precision_error(reference)
    if found is None:
        if widths[0] in {0, widths[1], setting.setting.dimensions}:
            return None
        both = np.flatnonzero(setting.unbatched.done & reference.done)
        none = both[:0]
        return Mismatch(both, len(both), None, bound, widths, reference.tokens, none)
    rows, distances = found
    wrong = distances.l2 > bound
    if not wrong.any():
        return None
    error = float(distances.l2[wrong].max())
    fitting = rows[distances.l2 <= bound]
    return Mismatch(rows[wrong], len(rows), error, bound, widths, reference.tokens, fitting)

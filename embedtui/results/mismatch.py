"""Whether a setting's vectors are those of the model's own pipeline at all.

Decided here and nowhere else, text by text: for the run, which then looks for the variant that
fits, and for every sentence, cause and fault about it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from embedtui.measure.rounding import most_rounding
from embedtui.results.reference_vectors import ReferenceVectors
from embedtui.results.results import Rows, SettingResults
from embedtui.results.usual_error import BEYOND, usual_error

TF32_FROM, TF32_TO = 5e-5, 2e-2
"""L2 from the reference that is beyond float32's own error and within what TF32's ten bits cost."""
WIRE_ERROR = {"bfloat16": 2.0**-8, "float16": 2.0**-11}
"""L2 by which rounding a vector of length one moves it at most: half a unit of each figure."""
_NARROW = 1e-5
"""Relative L2 of one kernel to float64 that float32 never shows (it is near 1e-7; TF32's 3e-4)."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TextErrors:
    """The precision error, L2, of each text that has one, and which ones no rounding explains."""

    rows: Rows
    l2: Floats
    bound: float
    """The largest L2 that rounding explains in this run; infinity where none is known."""

    @cached_property
    def wrong(self) -> Bools:
        """Which vectors are not the model's own."""
        return self.l2 > self.bound

    @property
    def mostly_wrong(self) -> bool:
        """Whether the errors of this setting say nothing of its dtype."""
        return bool(self.wrong.mean() > 0.5)

    @property
    def rounding(self) -> Floats:
        """The errors that are the dtype's."""
        return self.l2[~self.wrong]


@dataclass(frozen=True)
class Mismatch:
    """Texts whose vectors no rounding takes that far from the model's own."""

    rows: Rows
    """The texts, in their order."""
    measured: int
    """How many texts were held against float64."""
    error: float | None
    """The largest L2 from float64; None where the vectors have another width."""
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


def text_errors(setting: SettingResults, reference: ReferenceVectors) -> TextErrors | None:
    """Hold each text against what rounding explains; None where no text has an error.

    That is 4 times the error of the run's median text, or for a 16-bit dtype what is usual, where
    that is more; and never more than `most_rounding`, or than rounding on the way, where figures
    have the digits of a narrower dtype.
    What-ifs that change the vectors on purpose, quantised weights and the old pooling, have no
    bound and are not judged.
    """
    found = setting.precision_error(reference)
    if found is None:
        return None
    finite = np.isfinite(found[1].l2)
    rows, l2 = found[0][finite], found[1].l2[finite]
    if not len(rows):
        return None
    return TextErrors(rows, l2, _bound(setting, float(np.median(l2))))


def explained_by_rounding(setting: SettingResults, l2: Floats) -> Bools:
    """Say which of these distances from float64, one of each text, rounding explains."""
    return np.asarray(l2 <= _bound(setting, float(np.median(l2))), dtype=np.bool_)


def mismatch_of(setting: SettingResults, reference: ReferenceVectors) -> Mismatch | None:
    """Return where the unbatched vectors are not the model's own; None where nothing says so."""
    if is_what_if(setting) or not reference.done.any() or not setting.unbatched.count:
        return None
    widths = setting.unbatched.vectors.shape[1], reference.vectors.shape[1]
    if setting.precision_error(reference) is None:
        if widths[0] in {0, widths[1], setting.setting.dimensions}:
            return None
        both = np.flatnonzero(setting.unbatched.done & reference.done)
        return Mismatch(both, len(both), None, widths, reference.tokens, both[:0])
    errors = text_errors(setting, reference)
    if errors is None or not errors.wrong.any():
        return None
    return Mismatch(
        errors.rows[errors.wrong],
        len(errors.rows),
        float(errors.l2[errors.wrong].max()),
        widths,
        reference.tokens,
        errors.rows[~errors.wrong],
    )


def is_what_if(setting: SettingResults) -> bool:
    """Say whether a setting changes vectors on purpose, by its weights or its old pooling."""
    pooling = setting.effective.pooling_accumulation
    return setting.setting.quantization != "none" or pooling == "model"


def _bound(setting: SettingResults, median: float) -> float:
    if is_what_if(setting):
        return math.inf
    effective = setting.effective
    probes = (effective.probe_matmul, effective.probe_attention)
    tf32 = effective.device != "cpu" or any(value and value > _NARROW for value in probes)
    common = setting.in_common()
    wire = max((l2 for name, l2 in WIRE_ERROR.items() if name in common), default=0.0)
    most = max(most_rounding(effective.dtype, tf32=tf32), wire)
    narrow = effective.dtype in {"float16", "bfloat16"}
    return min(most, max(BEYOND * median, usual_error(setting) if narrow else TF32_FROM))

"""Texts whose vectors are farther from float64 than rounding takes any: their input was another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedtui.assess.usual_error import BEYOND, USUAL_ERROR, shape_class, usual_error
from embedtui.measure.systematic_error import SystematicError, systematic_error
from embedtui.results.results import Results, Rows, SettingResults

TF32_FROM, TF32_TO = 5e-5, 2e-2
"""L2 from the reference that is beyond float32's own error and within what TF32's ten bits cost."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TextErrors:
    """The precision error, L2, of each text that has one, and which ones no rounding explains."""

    rows: Rows
    l2: Floats
    wrong: Bools

    @property
    def mostly_wrong(self) -> bool:
        """Whether the errors of this setting say nothing of its dtype."""
        return bool(self.wrong.mean() > 0.5)

    @property
    def rounding(self) -> Floats:
        """The errors that are the dtype's."""
        return self.l2[~self.wrong]


def text_errors(results: Results, setting: SettingResults) -> TextErrors | None:
    """Hold each text against 4 times its dtype's error; None where no text has an error.

    The dtype's error is that of the run's median text, or where that is larger than usual for dtype
    and shape, what is usual. A what-if that adds to a dtype's error is not judged: quantised
    weights, and pooling in the model's dtype.
    """
    found = setting.precision_error(results.reference)
    if found is None:
        return None
    finite = np.isfinite(found[1].l2)
    rows, l2 = found[0][finite], found[1].l2[finite]
    if not len(rows):
        return None
    return TextErrors(rows, l2, l2 > _limit(setting, float(np.median(l2))))


def systematic_error_of(results: Results, setting: SettingResults) -> SystematicError | None:
    """Return the part of the unbatched vectors' error that all texts share.

    None where a text's input was another, which would pass for systematic error.
    """
    errors = text_errors(results, setting)
    if errors is None or errors.wrong.any():
        return None
    vectors = setting.unbatched.vectors
    reference = results.reference.vectors[:, : vectors.shape[1]]
    return systematic_error(vectors[errors.rows], reference[errors.rows])


def describe_systematic(found: SystematicError | None) -> str:
    """Say what share of the error all texts share; empty where no dimension is biased."""
    if found is None or not found.biased:
        return ""
    return (
        f", {found.affine_share:.0%} of it systematic (a bias in {found.biased} of "
        f"{found.width} dimensions)"
    )


def _limit(setting: SettingResults, median: float) -> float:
    what_if = setting.effective.pooling_accumulation == "model"
    if what_if or setting.setting.quantization != "none":
        return math.inf
    usual = usual_error(setting)
    dtype = setting.effective.dtype
    if dtype == "float32":
        ceiling = min(TF32_TO, BEYOND * USUAL_ERROR["tf32"][shape_class(setting)])
        return min(ceiling, max(BEYOND * median, TF32_FROM))
    floor = usual if dtype in USUAL_ERROR else TF32_FROM
    return min(BEYOND * usual, max(BEYOND * median, floor))

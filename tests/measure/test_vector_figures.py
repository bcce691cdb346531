"""Lengths, dead dimensions and systematic error, against vectors made to have them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.measure.dimensions import struck_dimensions
from embedtui.measure.lengths import summarize_lengths
from embedtui.measure.systematic_error import student_quantile, systematic_error


def vectors(count: int = 64, width: int = 48, seed: int = 1) -> npt.NDArray[np.float64]:
    found = np.random.default_rng(seed).standard_normal((count, width))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def test_lengths_leave_out_what_is_no_vector() -> None:
    made = vectors(5) * np.array([[1.0], [2.0], [3.0], [0.0], [np.nan]])
    found = summarize_lengths(made)
    assert found is not None
    assert (found.least, found.median, found.largest) == pytest.approx((1, 2, 3))
    assert not found.are_one
    assert summarize_lengths(made[3:]) is None


def test_struck_dimensions_are_told_apart() -> None:
    reference = vectors()
    changed = reference.copy()
    changed[:, 3], changed[:, 5] = 0.0, 0.25
    changed[:, 9] *= -1
    found = struck_dimensions(changed, reference)
    assert found is not None
    assert (found.zero, found.constant, found.turned) == ((3,), (5,), (9,))
    assert found.rest.max() < 1e-12


def test_dimensions_that_the_reference_lacks_too_are_not_struck() -> None:
    reference = vectors()
    reference[:, 3] *= 1e-6
    changed = reference.copy()
    changed[:, 3] = 0.0
    assert struck_dimensions(changed, reference) is None
    assert struck_dimensions(reference[:7], reference[:7] * 0) is None


def test_systematic_error_is_the_share_that_was_planted() -> None:
    reference = vectors(256)
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(reference.shape) * 1e-4
    bias = rng.standard_normal(reference.shape[1]) * 1e-4
    pure, mixed = (systematic_error(reference + e, reference) for e in (noise, noise + bias))
    assert pure is not None
    assert mixed is not None
    assert pure.affine_share < 0.01
    assert pure.biased == 0
    assert mixed.bias_share == pytest.approx(
        float(np.mean(bias**2) / np.mean((bias + noise) ** 2)), abs=0.05
    )
    assert mixed.biased > 30
    assert systematic_error(reference[:19] + noise[:19], reference[:19]) is None


def test_students_quantile_is_the_tables() -> None:
    # Pearson and Hartley, Biometrika Tables for Statisticians, volume 1, table 12.
    assert student_quantile(0.975, 20) == pytest.approx(2.086, abs=1e-3)
    assert student_quantile(0.9995, 30) == pytest.approx(3.646, abs=1e-3)

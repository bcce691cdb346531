"""Counts on a log axis: nothing is lost, and equal bits are no small number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from embedtui.measure.log_histogram import LOW, PER_DECADE, log_histogram

VALUES = hnp.arrays(
    np.float64,
    st.integers(0, 50),
    elements=st.one_of(st.floats(0, 2), st.just(np.nan), st.just(np.inf)),
)


@given(VALUES)
def test_every_finite_distance_is_counted_once(values: npt.NDArray[np.float64]) -> None:
    identical = values == 0
    found = log_histogram(values, identical)
    assert found.total == np.isfinite(values).sum()
    assert found.identical + found.counts.sum() == found.total


def test_a_distance_lies_in_the_bin_of_its_size() -> None:
    found = log_histogram(np.array([3e-7]), np.array([False]))
    place = int(np.flatnonzero(found.counts)[0])
    assert abs(found.centres[place] - np.log10(3e-7)) <= 0.5 / PER_DECADE
    assert (found.low, found.high) == (3e-7, 3e-7)


def test_zero_between_unequal_bits_is_counted_at_the_very_left() -> None:
    found = log_histogram(np.array([0.0, 0.0]), np.array([True, False]))
    assert found.identical == 1
    assert found.counts[0] == 1
    assert found.centres[0] > LOW
    assert found.low is None

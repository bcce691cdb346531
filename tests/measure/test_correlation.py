"""Rank correlation against SciPy's definition by hand."""

from __future__ import annotations

import numpy as np
import pytest

from embedtui.measure import rank_correlation
from embedtui.measure.correlation import correlation_interval, rank_correlation_interval
from embedtui.measure.intervals import Interval


def test_what_grows_in_any_shape_is_one() -> None:
    x = np.arange(20)
    assert rank_correlation(x, np.exp(x)) == pytest.approx(1.0)
    assert rank_correlation(x, -(x**3)) == pytest.approx(-1.0)


def test_ties_share_the_mean_of_their_ranks() -> None:
    x = [1, 2, 2, 4, 5, 6, 7, 8]
    y = [1, 3, 2, 4, 4, 6, 8, 7]
    # Ranks 1 2.5 2.5 4 5 6 7 8 and 1 3 2 4.5 4.5 6 8 7: Pearson's coefficient of those.
    ranks = np.array([[1, 2.5, 2.5, 4, 5, 6, 7, 8], [1, 3, 2, 4.5, 4.5, 6, 8, 7]])
    assert rank_correlation(x, y) == pytest.approx(np.corrcoef(ranks)[0, 1])


def test_too_few_pairs_or_nothing_that_changes_say_nothing() -> None:
    assert rank_correlation(range(7), range(7)) is None
    assert rank_correlation(range(20), [3.0] * 20) is None
    assert rank_correlation([np.nan] * 15 + [1, 2], range(17)) is None


def test_intervals_hold_the_coefficient_of_all_texts() -> None:
    """Normal pairs of correlation 0.5 have Spearman's coefficient 6/π asin(0.25), 0.48."""
    draw = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        x, noise = draw.standard_normal((2, 40))
        found = rank_correlation_interval(x, x + np.sqrt(3) * noise, range(40))
        assert found is not None
        held += found[0] <= 6 / np.pi * np.arcsin(0.25) <= found[1]
    assert held >= 88


def test_a_text_in_many_orders_tells_as_much_as_one() -> None:
    draw = np.random.default_rng(2)
    x, y = draw.standard_normal((2, 24))
    once = rank_correlation_interval(x, y, range(24))
    often = rank_correlation_interval(np.tile(x, 9), np.tile(y, 9), np.tile(range(24), 9))
    assert once is not None
    assert often is not None
    assert once == pytest.approx(often, abs=0.05)
    assert once[1] - once[0] > 0.5


def test_no_coefficient_has_no_interval() -> None:
    assert rank_correlation_interval(range(20), [3.0] * 20, range(20)) is None


@pytest.mark.parametrize("count", [12, 60])
@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_a_correlation_s_interval_holds_it_in_95_of_100_samples(count: int, rho: float) -> None:
    draw = np.random.default_rng(6)
    truth = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's of normal variables
    held = []
    for _ in range(600):
        one = draw.standard_normal(count)
        other = rho * one + np.sqrt(1 - rho**2) * draw.standard_normal(count)
        found = rank_correlation(one, other)
        assert found is not None
        held.append(truth in correlation_interval(found, count))
    assert np.mean(held) >= 0.93


def test_few_texts_bound_no_correlation() -> None:
    assert correlation_interval(0.9, 7) == Interval(-1.0, 1.0)
    assert correlation_interval(1.0, 40).high == pytest.approx(1.0)

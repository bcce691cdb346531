"""Rank correlation against SciPy's definition by hand."""

from __future__ import annotations

import numpy as np
import pytest

from embedtui.measure import rank_correlation


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

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui.measure.margins import (
    Margins,
    closing_likelihood,
    expected,
    margins,
    shares,
)
from embedtui.measure.neighbours import nearest
from embedtui.measure.ranking import agreement
from tests.measure.conftest import Points

few = settings(max_examples=60, deadline=None)
Floats = npt.NDArray[np.float64]


def unit(x: Floats) -> Floats:
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def moved(x: Floats, by: float, seed: int = 7) -> Floats:
    """Move unit vectors in random directions, so far that they are `by` from where they were."""
    away = np.random.default_rng(seed).standard_normal(x.shape)
    away = unit(away - (away * x).sum(axis=1, keepdims=True) * x)
    turn = 2 * np.arcsin(by / 2)
    return np.asarray(np.cos(turn) * x + np.sin(turn) * away)


def curved(count: int, dimensions: int, seed: int = 3, width: int = 128) -> Floats:
    """Return texts on a surface of so many dimensions, as embeddings lie."""
    rng = np.random.default_rng(seed)
    surface = np.random.default_rng(99).standard_normal((dimensions, width))
    return unit(np.tanh(rng.standard_normal((count, dimensions)) @ surface / np.sqrt(dimensions)))


def of(before: Floats, after: Floats, k: int = 10) -> Margins:
    return margins((before, before), (after, after), nearest(before, None, k + 1), k)


def flips(before: Floats, after: Floats, k: int = 10) -> tuple[int, float]:
    """Return by sorting how many neighbours changed places, and the share of changed lists."""
    score = [x @ x.T for x in (before, after)]
    turned, changed = 0, 0
    for row in range(len(before)):
        ranked = [[int(d) for d in np.argsort(-s[row]) if d != row] for s in score]
        first = ranked[0][: k + 1]
        turned += sum(score[1][row, one] < score[1][row, two] for one, two in pairwise(first))
        changed += ranked[0][:k] != ranked[1][:k]
    return turned, changed / len(before)


def test_gaps_changes_and_flips_are_those_of_sorting(points: Points) -> None:
    before = points(60, 16)
    after = moved(before, 0.05)
    found = of(before, after)
    turned, changed = flips(before, after)
    assert found.pairs == 600
    assert 0 < turned == found.did.sum() <= found.could.sum()
    lists = nearest(before, None, 11)
    same = agreement(lists, nearest(after, None, 11), 10)
    assert same.order_changed[:, 0].mean() == pytest.approx(changed)
    np.testing.assert_allclose(found.gap, -np.diff(lists.scores[:, :11]), atol=1e-14)
    scores = np.take_along_axis(after @ after.T, lists.documents[:, :11].astype(np.intp), axis=1)
    np.testing.assert_allclose(found.gap + found.change, -np.diff(scores), atol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_what_moves_by_less_than_the_tolerance_turns_nothing_and_this_is_predicted(
    points: Points, seed: int
) -> None:
    before = curved(300, 12, seed)
    least = of(before, before).least_tolerance
    assert least is not None
    for part in (0.25, 0.5, 0.99):
        after = moved(before, part * least, seed)
        found = of(before, after)
        assert found.could.sum() == found.did.sum() == 0
        assert flips(before, after)[0] == 0
        assert expected(found).sum() < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_what_moves_by_less_than_half_of_the_smallest_gap_turns_nothing(seed: int) -> None:
    # Texts as near to each other as those of a model usually are: the bound is the gap's half.
    before = unit(curved(1, 3) + 0.6 * curved(300, 12, seed))
    least = of(before, before).least_gap
    same = of(before, before)
    assert same.median_gap == np.median(same.gap[np.isfinite(same.gap)])
    assert same.median_change == 0
    assert least is not None
    after = moved(before, 0.49 * least, seed)
    found = of(before, after)
    assert found.could.sum() == found.did.sum() == flips(before, after)[0] == 0


def test_the_tolerance_is_no_smaller_than_it_has_to_be() -> None:
    # The query between two documents in one plane: each moves where it does most harm.
    def at(angle: float) -> list[float]:
        return [np.cos(angle), np.sin(angle), 0.0]

    before = np.array([at(0.0), at(0.30), at(-0.31)])
    found = margins((before[:1], before[1:]), (before[:1], before[1:]),
                    nearest(before[:1], before[1:], 2), 1)  # fmt: skip
    least = found.least_tolerance
    assert least is not None
    for part, turns in ((0.999, False), (1.02, True)):
        turn = 2 * np.arcsin(part * least / 2)
        after = np.array([at(-turn), at(0.30 + turn), at(-0.31 + turn)])
        pair = margins((before[:1], before[1:]), (after[:1], after[1:]),
                       nearest(before[:1], before[1:], 2), 1)  # fmt: skip
        assert bool(pair.did[0, 0]) is turns
        assert bool(pair.could[0, 0]) is turns


@few
@given(st.data())
def test_no_move_changes_a_gap_by_more_than_the_bound(data: st.DataObject) -> None:
    width = data.draw(st.integers(2, 5))
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    count = data.draw(st.integers(4, 9))
    before = unit(draw.standard_normal((count, width)))
    size = data.draw(st.sampled_from([1e-9, 1e-4, 1e-2, 0.3, 1.0]))
    after = unit(before + size * draw.standard_normal((count, width)))
    found = of(before, after, 3)
    kept = np.isfinite(found.gap)
    assert (np.abs(found.change[kept]) <= found.bound[kept] + found.tie).all()
    assert not (found.did & ~found.could).any()


@pytest.mark.parametrize("dimensions", [6, 15, 40])
@pytest.mark.parametrize("by", [3e-3, 1e-2, 3e-2])
def test_the_predicted_count_is_within_a_fifth_of_the_real_one(dimensions: int, by: float) -> None:
    before = curved(1000, dimensions)
    after = moved(before, by)
    found = of(before, after)
    turned, changed = flips(before, after)
    assert turned > 40
    likely = expected(found)
    assert likely.sum() == pytest.approx(turned, rel=0.2)
    assert shares(likely)[0] == pytest.approx(changed, rel=0.2)


def test_the_prediction_is_not_read_off_the_flips_themselves() -> None:
    # Changes measured on one half of the texts predict the flips of the other half.
    before = curved(1200, 12)
    after = moved(before, 1e-2)
    found = of(before, after)
    steps = np.sort((np.abs(found.change) / found.scale)[:600].ravel())
    predicted = closing_likelihood((found.gap / found.scale)[600:], steps).sum()
    assert predicted == pytest.approx(found.did[600:].sum(), rel=0.2)


def test_ties_have_no_order_to_keep(points: Points) -> None:
    before = points(12, 8)
    before[5] = before[6]
    after = before.copy()
    after[6] = moved(before, 1e-3)[6]
    found = of(before, after, 4)
    at = np.argwhere(nearest(before, None, 5).documents[:, :4] == 5)
    assert len(at)
    for row, place in at:
        if row != 6:
            assert np.isnan(found.gap[row, place])
            assert not found.could[row, place]
    assert found.pairs < 48


def test_broken_vectors_have_no_margins(points: Points) -> None:
    before = points(5, 8)
    before[2, 0] = np.nan
    after = before.copy()
    after[1, 1] = np.inf
    found = of(before, after, 10)
    assert np.isnan(found.gap[2]).all()
    assert found.pairs == 4 * 2
    assert not found.did.any()
    assert np.isfinite(expected(found)).all()
    nothing = of(points(1), points(1), 3)
    assert (nothing.pairs, nothing.least_gap, nothing.least_tolerance) == (0, None, None)
    assert (nothing.median_gap, nothing.median_change) == (None, None)
    with pytest.raises(ValueError, match="do not reach"):
        margins((before, before), (after, after), nearest(before, None, 3), 3)


def test_equal_vectors_turn_nothing_and_are_expected_to_turn_nothing(points: Points) -> None:
    before: Any = points(50, 12)
    found = of(before, before)
    assert not found.change.any()
    assert not found.could.any()
    assert expected(found).sum() == 0


def test_scores_that_cross_a_threshold_are_counted() -> None:
    angles = np.array([0.0, np.arccos(0.71), np.arccos(0.62), np.arccos(0.3)])
    before = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    moved = angles.copy()
    moved[1] = np.arccos(0.69)
    after = np.stack([np.cos(moved), np.sin(moved)], axis=1)
    query, documents = before[:1], before[1:]
    found = margins((query, documents), (query, after[1:]), nearest(query, documents, 4), 3)
    assert (found.scored, found.crossed) == (3, (0, 0, 1, 0, 0))
    same = margins((query, documents), (query, documents), nearest(query, documents, 4), 3)
    assert same.crossed == (0, 0, 0, 0, 0)

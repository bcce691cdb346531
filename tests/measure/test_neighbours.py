from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui.measure import neighbours
from embedtui.measure.distances import Vectors, unit
from embedtui.measure.neighbours import Neighbours, nearest, scores_of, tie_width
from tests.measure.conftest import Points

few = settings(max_examples=60, deadline=None)


def by_force(queries: Vectors, documents: Vectors | None, k: int) -> list[list[int]]:
    """Return the lists of every query with all that tie with the last, by sorting everything."""
    one = unit(queries)
    other = one if documents is None else unit(documents)
    scores = np.array([[float(np.dot(q, d)) for d in other] for q in one]).reshape(
        len(one), len(other)
    )
    if documents is None:
        np.fill_diagonal(scores, np.nan)
    lists = []
    for row in scores:
        usable = [int(d) for d in np.flatnonzero(np.isfinite(row))]
        order = sorted(usable, key=lambda d: (-row[d], d))
        last = order[min(k, len(order)) - 1] if order else -1
        lists.append([d for d in order if row[d] >= row[last] - tie_width(one.shape[1])])
    return lists


def lists_of(found: Neighbours) -> list[list[int]]:
    return [[int(d) for d in row if d >= 0] for row in found.documents]


@pytest.fixture(params=[2048, 7])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search in one block and in many, keep the unit vectors and make them anew."""
    monkeypatch.setattr(neighbours, "_BLOCK", request.param)
    if request.param == 7:
        monkeypatch.setattr(neighbours, "_HELD", 0)
        monkeypatch.setattr(neighbours, "_SCORED", 50)
        monkeypatch.setattr(neighbours, "_PENDING", 20)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("spread", [1.0, 1e-2])
def test_the_lists_are_those_of_sorting_everything(
    points: Points, dtype: Any, spread: float
) -> None:
    base = points(1, 24, seed=5)
    texts = (base + spread * points(60, 24)).astype(dtype)
    asked = (base + spread * points(17, 24, seed=3)).astype(dtype)
    assert lists_of(nearest(texts, None, 5)) == by_force(texts, None, 5)
    assert lists_of(nearest(asked, texts, 5)) == by_force(asked, texts, 5)


@pytest.mark.usefixtures("_blocks")
def test_scores_nearer_to_each_other_than_float32_can_tell_are_still_in_order(
    points: Points,
) -> None:
    # All within 1e-9 of each other: float32 sees them as equal, float64 does not.
    query = points(1, 32)
    texts = query + 1e-5 * points(90, 32, seed=4)
    found = nearest(query, texts, 10)
    assert lists_of(found) == by_force(query, texts, 10)
    assert np.ptp(found.scores[0, :10]) < 1e-9


@pytest.mark.usefixtures("_blocks")
def test_rows_without_a_direction_are_in_no_list_and_have_none(points: Points) -> None:
    texts = points(40, 16).astype(np.float32)
    texts[3, 2], texts[11, 0], texts[12] = np.nan, np.inf, 0.0
    found = nearest(texts, None, 6)
    assert lists_of(found) == by_force(texts, None, 6)
    assert found.counts[[3, 11, 12]].tolist() == [0, 0, 0]
    assert not np.isin(found.documents, [3, 11, 12]).any()
    assert np.isnan(found.scores[[3, 11, 12]]).all()
    assert (found.counts == 6).sum() == 37


def test_more_neighbours_than_there_are_texts(points: Points) -> None:
    found = nearest(points(4), None, 10)
    assert found.documents.shape == (4, 3)
    assert found.counts.tolist() == [3, 3, 3, 3]
    assert lists_of(nearest(points(2), points(3, seed=2), 10)) == by_force(
        points(2), points(3, seed=2), 10
    )
    assert nearest(points(1), None, 2).counts.tolist() == [0]
    assert nearest(points(0), None, 2).documents.shape[0] == 0
    assert nearest(points(3), points(0), 2).counts.tolist() == [0, 0, 0]


@pytest.mark.usefixtures("_blocks")
def test_texts_with_equal_vectors_tie_and_all_of_a_tie_are_listed(points: Points) -> None:
    texts = points(30, 16)
    texts[[4, 9, 17, 25]] = texts[4] * np.array([[1.0], [2.0], [0.5], [3.0]])
    found = nearest(points(1, 16, seed=8), texts, 30)
    at = found.documents[0].tolist().index(4)
    assert found.documents[0, at : at + 4].tolist() == [4, 9, 17, 25]
    assert len(set(found.buckets[0, at : at + 4].tolist())) == 1
    assert found.buckets[0, 0] == 0
    # The second of four that tie: the other two come with it.
    cut = nearest(texts[4:5], texts, 2)
    assert cut.documents[0].tolist() == [4, 9, 17, 25]
    assert not cut.cut.any()


def test_a_tie_is_what_rounding_explains_and_nothing_wider(points: Points) -> None:
    width = 1024
    query, away = points(2, width)
    away -= query * (away @ query)

    def at(cosine: float) -> Any:
        return cosine * query + np.sqrt(1 - cosine**2) * away / np.linalg.norm(away)

    assert 1e-13 < tie_width(width) < 1e-12
    near, far = 0.9 - tie_width(width) / 4, 0.9 - 4 * tie_width(width)
    found = nearest(query[None], np.array([at(0.9), at(near), at(far)]), 3)
    assert found.buckets[0].tolist() == [0, 0, 1]


def test_the_tie_width_covers_what_rounding_does(points: Points) -> None:
    from mpmath import mp, mpf

    mp.dps = 60
    query, document = points(2, 300).astype(np.float32)
    computed = scores_of(query[None], document[None], np.array([[0]]))[0, 0]
    q, d = [[mpf(float(x)) for x in v] for v in (query, document)]
    exact = sum(a * b for a, b in zip(q, d, strict=True)) / mp.sqrt(
        sum(a * a for a in q) * sum(b * b for b in d)
    )
    assert abs(exact - computed) < tie_width(300) / 2


def test_a_score_does_not_depend_on_what_else_is_asked(points: Points) -> None:
    texts = points(50, 33).astype(np.float32)
    whole = nearest(texts, None, 7)
    alone = nearest(texts[8:9], np.delete(texts, 8, axis=0), 7)
    assert alone.scores[0].tobytes() == whole.scores[8].tobytes()
    again = scores_of(texts, texts, whole.documents)
    assert again.tobytes() == whole.scores.tobytes()
    blank = scores_of(texts[:1], texts, np.array([[-1, 3]]))
    assert np.isnan(blank[0, 0])
    assert blank[0, 1] == scores_of(texts[:1], texts, np.array([[3]]))[0, 0]


@pytest.mark.usefixtures("_blocks")
def test_hundreds_of_equal_texts_are_cut_and_it_is_said(points: Points) -> None:
    texts = np.repeat(points(1, 8), 400, axis=0)
    found = nearest(texts, None, 3)
    assert found.cut.all()
    assert found.documents.shape == (400, 3 + neighbours._MOST_TIED)
    assert (found.buckets == 0).all()
    apart = nearest(points(200, 8), None, 3)
    assert not apart.cut.any()


@pytest.mark.usefixtures("_blocks")
def test_progress_is_told_and_the_search_can_be_ended(points: Points) -> None:
    heard: list[float] = []
    nearest(points(40), None, 3, tell=heard.append)
    assert heard[-1] == 1.0
    assert heard == sorted(heard)

    def stop(_share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        nearest(points(40), None, 3, tell=stop)


@pytest.mark.parametrize(
    ("queries", "documents", "k"), [((3, 4), (3, 5), 1), ((3, 4), None, 0), ((3,), None, 1)]
)
def test_what_cannot_be_searched(queries: Any, documents: Any, k: int) -> None:
    with pytest.raises(ValueError, match="cannot"):
        nearest(np.ones(queries), None if documents is None else np.ones(documents), k)


@few
@given(st.data())
def test_any_vectors_have_the_lists_of_sorting_everything(data: st.DataObject) -> None:
    # Whole numbers have many ties that are exact, and some rows of nothing but zeros.
    width, count = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 12))
    rows = st.lists(st.integers(-3, 3), min_size=width, max_size=width)
    texts = np.array(data.draw(st.lists(rows, min_size=count, max_size=count)), dtype=np.float32)
    k = data.draw(st.integers(1, 6))
    found = nearest(texts, None, k)
    want = by_force(texts, None, k)
    assert [sorted(one) for one in lists_of(found)] == [sorted(one) for one in want]
    for row, listed in enumerate(lists_of(found)):
        scores = found.scores[row, : len(listed)]
        assert (np.diff(scores) <= 0).all()
        assert len(listed) <= k or scores[-1] >= scores[k - 1] - found.tie

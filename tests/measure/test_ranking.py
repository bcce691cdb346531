from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui.measure.neighbours import Neighbours, nearest
from embedtui.measure.ranking import PERSISTENCE, Agreement, agreement
from tests.measure.conftest import Points

few = settings(max_examples=80, deadline=None)
FIGURES = ("overlap", "jaccard", "rbo", "tau")


def lists(*rows: list[float], k: int) -> Neighbours:
    """Return the lists that the scores of all documents give, one row of scores for each query."""
    scores = np.array(rows, dtype=np.float64)
    order = np.argsort(-scores, axis=1, kind="stable")
    scores = np.take_along_axis(scores, order, axis=1)
    return Neighbours(k, order.astype(np.int32), scores, np.zeros(len(rows), dtype=np.bool_), 1e-9)


def linear(scores: list[float]) -> list[list[int]]:
    """Return every order of documents that their scores allow."""
    tied = [[d for d, s in enumerate(scores) if s == one] for one in sorted(set(scores))[::-1]]
    return [
        [d for part in chosen for d in part] for chosen in product(*(permutations(t) for t in tied))
    ]


def rbo_ext(one: list[int], two: list[int], p: float) -> float:
    """Compute rank-biased overlap as equation 32 is written."""
    k = len(one)
    shared = [len(set(one[:d]) & set(two[:d])) for d in range(1, k + 1)]
    total = sum(x / d * p**d for d, x in enumerate(shared, 1))
    return shared[-1] / k * p**k + (1 - p) / p * total


def tau_of_top_k(one: list[int], two: list[int]) -> float:
    """Compute Kendall's τ of top k lists pair by pair, in Fagin's four cases."""
    union = sorted(set(one) | set(two))
    total = pairs = 0
    for n, x in enumerate(union):
        for y in union[n + 1 :]:
            pairs += 1
            ahead = []
            for listed in (one, two):
                if x in listed and y in listed:
                    ahead.append(1 if listed.index(x) < listed.index(y) else -1)
                elif x in listed or y in listed:
                    ahead.append(1 if x in listed else -1)
                else:
                    ahead.append(0)
            total += ahead[0] * ahead[1]
    return total / pairs if pairs else float(one == two)


def figures_of(one: list[int], two: list[int], k: int) -> dict[str, float]:
    one, two = one[:k], two[:k]
    shared = len(set(one) & set(two))
    return {
        "overlap": shared / len(one),
        "jaccard": shared / len(set(one) | set(two)),
        "rbo": rbo_ext(one, two, PERSISTENCE),
        "tau": tau_of_top_k(one, two),
        "top1_changed": one[0] != two[0],
        "order_changed": one != two,
    }


@few
@given(st.data())
def test_the_range_is_that_of_all_orders_of_the_ties(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 5))
    scores = st.lists(st.integers(0, 3).map(float), min_size=count, max_size=count)
    one, two = data.draw(scores), data.draw(scores)
    k = data.draw(st.integers(1, count + 1))
    found = agreement(lists(one, k=k), lists(two, k=k), k)
    every = [figures_of(a, b, k) for a in linear(one) for b in linear(two)]
    for name in FIGURES:
        values = [one[name] for one in every]
        low, high = getattr(found, name)[0]
        if name == "tau":
            assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
        else:
            assert [low, high] == pytest.approx([min(values), max(values)]), name
    for name in ("top1_changed", "order_changed"):
        values = [one[name] for one in every]
        assert getattr(found, name)[0].tolist() == [all(values), any(values)], name
    assert found.usable.all()


def test_the_range_of_tau_is_ascending_where_more_in_common_agrees_less() -> None:
    # [3, 2] and [2, 3] share both documents and have τ = -1; [3, 0] and [2, 1] share none.
    found = agreement(lists([0, 0, 0, 1], k=2), lists([0, 0, 1, 0], k=2), 2)
    assert found.tau[0].tolist() == pytest.approx([-1, -2 / 3])
    assert found.overlap[0].tolist() == [0, 1]


def test_figures_equal_those_of_scipy_and_of_sets(points: Points) -> None:
    from scipy.stats import kendalltau

    texts = points(40, 12)
    moved = texts + 0.05 * points(40, 12, seed=9)
    k = 8
    before, after = nearest(texts, None, k), nearest(moved, None, k)
    found = agreement(before, after, k)
    same_documents = 0
    for row in range(40):
        one, two = before.documents[row, :k].tolist(), after.documents[row, :k].tolist()
        want = figures_of(one, two, k)
        for name in FIGURES:
            assert getattr(found, name)[row] == pytest.approx([want[name]] * 2), name
        if set(one) == set(two):
            same_documents += 1
            ranks = [[listed.index(d) for d in sorted(one)] for listed in (one, two)]
            assert found.tau[row, 0] == pytest.approx(kendalltau(*ranks).statistic)
        assert found.order_changed[row].tolist() == [one != two] * 2
        assert found.before[row].tolist() == one
        assert found.after[row].tolist() == two
    assert 0 < same_documents < 40
    assert 0 < found.top1_changed[:, 0].sum() < found.order_changed[:, 0].sum()


def test_a_tie_that_is_broken_otherwise_is_no_flip() -> None:
    before = lists([0.9, 0.8, 0.8, 0.1], k=3)
    after = lists([0.9, 0.7, 0.8, 0.1], k=3)
    found = agreement(before, after, 3)
    assert found.order_changed[0].tolist() == [False, True]
    assert found.tau[0].tolist() == pytest.approx([1 / 3, 1.0])
    assert found.before[0].tolist() == found.after[0].tolist() == [0, 2, 1]
    # At the end of the list a tie decides what is on it.
    edge = agreement(lists([0.9, 0.8, 0.8], k=2), lists([0.9, 0.7, 0.8], k=2), 2)
    assert edge.overlap[0].tolist() == [0.5, 1.0]
    # Ties of one list against strict orders of the other that contradict it.
    real = agreement(lists([0.9, 0.8, 0.1], k=3), lists([0.8, 0.9, 0.9], k=3), 3)
    assert real.order_changed[0].tolist() == [True, True]


def test_nothing_is_certain_of_a_query_with_more_ties_than_are_listed(points: Points) -> None:
    texts = np.repeat(points(1, 8), 300, axis=0)
    moved = texts + 1e-3 * points(300, 8, seed=3)
    found = agreement(nearest(texts, None, 5), nearest(moved, None, 5), 5)
    assert not found.order_changed[:, 0].any()
    assert found.order_changed[:, 1].all()
    assert found.tau[0].tolist() == [-1, 1]
    assert found.overlap[0].tolist() == [0, 1]


def test_lists_of_broken_vectors_and_of_few_documents(points: Points) -> None:
    texts = points(6, 8)
    texts[2] = np.nan
    found = agreement(nearest(texts, None, 10), nearest(texts, None, 10), 10)
    assert found.usable.tolist() == [True, True, False, True, True, True]
    assert found.rbo[found.usable].min() == pytest.approx(1.0)
    assert (found.before[found.usable] >= 0).sum(axis=1).tolist() == [4] * 5
    empty = agreement(nearest(points(1), None, 1), nearest(points(1), None, 1), 1)
    assert empty.usable.tolist() == [False]


def test_many_queries_are_compared_in_blocks(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedtui.measure import ranking

    before = nearest(points(30, 6), None, 4)
    after = nearest(points(30, 6) + 0.2 * points(30, 6, seed=7), None, 4)
    whole = agreement(before, after, 4)
    monkeypatch.setattr(ranking, "_BLOCK", 200)
    parts = agreement(before, after, 4)
    for name in Agreement.__dataclass_fields__:
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name


def test_what_cannot_be_compared(points: Points) -> None:
    with pytest.raises(ValueError, match="cannot be held against"):
        agreement(nearest(points(3), None, 1), nearest(points(4), None, 1), 1)
    with pytest.raises(ValueError, match="say nothing"):
        agreement(nearest(points(3), None, 1), nearest(points(3), None, 1), 2)

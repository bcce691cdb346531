from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui.measure import METRICS, Distances, Distribution, compare, join, summarize

from .conftest import Points

lengths = st.floats(0, 2, allow_subnormal=False)


def from_l2(values: list[float]) -> Distances:
    """Make distances that differ in every metric, so that a mix-up shows."""
    l2 = np.asarray(values, dtype=np.float64)
    return Distances(
        cosine=0.5 * l2 * l2,
        l2=l2,
        max_abs=l2 / 4,
        relative_l2=l2 * 3,
        bits=53 - 3 * l2,
        identical=l2 == 0,
    )


def quantile(values: list[float], q: Fraction) -> float:
    """Interpolate between order statistics in exact arithmetic: Hyndman and Fan's type 7."""
    ordered = sorted(map(Fraction, values))
    place = (len(ordered) - 1) * q
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


@settings(max_examples=80, deadline=None)
@given(st.lists(lengths, min_size=1, max_size=130))
def test_figures_against_exact_arithmetic(values: list[float]) -> None:
    distances = from_l2(values)
    found = summarize(distances)
    assert found.pairs == len(values)
    assert found.identical == values.count(0.0)
    for metric in METRICS:
        figures, every = found[metric], getattr(distances, metric).tolist()
        near = {"rel": 1e-12, "abs": 1e-14 * max(every)}
        assert figures["max"] == max(every)
        assert figures["p99"] is None
        tail = quantile(every, Fraction(95, 100))
        assert figures["p95"] == (pytest.approx(tail, **near) if len(values) >= 59 else None)
        assert figures["p50"] == pytest.approx(quantile(every, Fraction(1, 2)), **near)
        assert figures["mean"] == pytest.approx(float(sum(map(Fraction, every)) / len(every)))
        assert figures["max"] >= figures["p50"] >= min(every)
        assert list(figures)[:5] == ["max", "p99", "p95", "p50", "mean"]
        assert figures.get("min") == (min(every) if metric == "bits" else None)
        assert all(type(value) in {float, type(None)} for value in figures.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(lengths, st.just(math.nan)), max_size=30))
def test_pairs_without_a_distance_are_left_out(values: list[float]) -> None:
    kept = [value for value in values if not math.isnan(value)]
    assert summarize(from_l2(values)) == summarize(from_l2(kept))


def test_a_known_tail() -> None:
    found = summarize(from_l2([float(value) / 400 for value in range(401)]))
    assert found["l2"] == pytest.approx(
        {"max": 1.0, "p99": 0.99, "p95": 0.95, "p50": 0.5, "mean": 0.5}
    )
    assert found["bits"]["min"] == 50.0
    assert not found.all_identical


@pytest.mark.parametrize(("texts", "p95", "p99"), [(58, None, None), (59, 1, None), (299, 1, 1)])
def test_a_tail_is_told_where_the_sample_has_the_texts(
    texts: int, p95: float | None, p99: float | None
) -> None:
    found = summarize(from_l2([1.0] * texts))["l2"]
    assert (found["p95"], found["p99"]) == (p95, p99)
    # The same texts in several orders are not more texts.
    again = summarize(from_l2([1.0] * 6 * texts), texts)["l2"]
    assert (again["p95"], again["p99"]) == (p95, p99)


def test_two_pairs_in_a_hundred_show_in_the_tail_and_not_in_the_middle() -> None:
    found = summarize(from_l2([0.0] * 392 + [1.0] * 8))
    assert found["l2"]["max"] == 1.0
    assert found["l2"]["p99"] == 1.0
    assert found["l2"]["p95"] == found["l2"]["p50"] == 0.0
    assert (found.pairs, found.identical, found.all_identical) == (400, 392, False)


@pytest.mark.parametrize("values", [[], [math.nan], [math.nan] * 3])
def test_nothing_to_sum_up(values: list[float]) -> None:
    found = summarize(from_l2(values))
    assert found == Distribution(0, 0, dict.fromkeys(METRICS))
    assert not found.all_identical
    for metric in METRICS:
        with pytest.raises(KeyError) as caught:
            found[metric]
        assert caught.value.args == (f"there is no {metric}: no pair could be compared",)


def test_a_metric_that_does_not_exist() -> None:
    with pytest.raises(KeyError, match="manhattan"):
        summarize(from_l2([0.1]))["manhattan"]


def test_real_comparisons_with_identical_and_broken_rows(points: Points) -> None:
    reference = points(10).astype(np.float32)
    vectors = reference.copy()
    vectors[7] += np.float32(1e-3)
    vectors[8], vectors[9] = np.nan, 0.0
    found = summarize(compare(vectors, reference))
    assert (found.pairs, found.identical, found.all_identical) == (8, 7, False)
    assert found["cosine"]["max"] == compare(vectors[7:8], reference[7:8]).cosine[0]
    assert found["cosine"]["p50"] == 0.0
    assert found["bits"]["max"] == 53.0
    assert found["bits"]["min"] < 12
    # A row that is NaN in both, byte for byte, is not one of the identical.
    reference[8] = vectors[8]
    assert summarize(compare(vectors, reference)) == found
    good = slice(0, 7)
    assert summarize(compare(vectors[good], reference[good])).all_identical


def test_summing_up_parts_put_together(points: Points) -> None:
    reference, vectors = points(12), points(12, seed=2)
    parts = [compare(vectors[i : i + 5], reference[i : i + 5]) for i in range(0, 12, 5)]
    assert summarize(join(parts)) == summarize(compare(vectors, reference))

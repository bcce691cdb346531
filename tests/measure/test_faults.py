from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui.measure import (
    Fault,
    broken_rows,
    collapsed_rows,
    compare,
    faults,
    misplaced_rows,
    unit,
)
from embedtui.measure.distances import Vectors

from .conftest import Points

Nudge = Callable[[Vectors, float], np.ndarray]

DTYPES = [np.float16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("bad", "kind"), [(np.nan, "nan"), (-np.nan, "nan"), (np.inf, "inf"), (-np.inf, "inf")]
)
def test_one_element_breaks_a_row(
    points: Points, dtype: type[np.floating], bad: float, kind: str
) -> None:
    vectors = points(6).astype(dtype)
    assert broken_rows(vectors) == []
    vectors[4, 95] = vectors[1, 0] = bad
    assert broken_rows(vectors) == [Fault(kind, (1, 4))]


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_row_of_zeros(points: Points, zero: float) -> None:
    vectors = points(6).astype(np.float32)
    vectors[2, :95] = zero
    assert broken_rows(vectors) == []
    vectors[2] = zero
    assert broken_rows(vectors) == [Fault("zero", (2,))]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_smallest_number_is_not_zero(dtype: type[np.floating]) -> None:
    smallest = np.nextafter(dtype(0), dtype(1))
    vectors = np.array([[0, smallest], [0, 0]], dtype=dtype)
    assert broken_rows(vectors) == [Fault("zero", (1,))]


def test_every_fault_is_named_once_for_each_row(points: Points) -> None:
    vectors = points(8).astype(np.float32)
    vectors[6, 3], vectors[6, 50] = np.inf, np.nan
    vectors[5, 3], vectors[5, 50] = np.nan, -np.inf
    vectors[0] = np.nan
    vectors[1, 1] = np.inf
    vectors[7] = 0
    want = [Fault("nan", (0, 5, 6)), Fault("inf", (1,)), Fault("zero", (7,))]
    assert broken_rows(vectors) == want


@pytest.mark.parametrize("shape", [(0, 8), (0, 0)])
def test_no_vectors_have_no_faults(shape: tuple[int, int]) -> None:
    nothing = np.zeros(shape, dtype=np.float32)
    assert broken_rows(nothing) == []
    assert misplaced_rows(nothing, nothing) is None
    assert collapsed_rows(nothing, []) is None


# Swapped rows


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.02])
def test_two_rows_in_each_others_place(
    points: Points, nudge: Nudge, dtype: type[np.floating], noise: float
) -> None:
    reference = points(20).astype(dtype)
    vectors = nudge(reference, noise).astype(dtype)
    assert misplaced_rows(vectors, reference) is None
    vectors[[3, 17]] = vectors[[17, 3]]
    assert misplaced_rows(vectors, reference) == Fault("swapped", (3, 17), (17, 3))


@pytest.mark.parametrize("width", [16, 96, 384])
@pytest.mark.parametrize("count", [2, 3, 300])
def test_a_rotation_of_all(points: Points, nudge: Nudge, count: int, width: int) -> None:
    reference = points(count, width)
    vectors = np.roll(nudge(reference, 0.03), 1, axis=0)
    before = tuple((row - 1) % count for row in range(count))
    assert misplaced_rows(vectors, reference) == Fault("swapped", tuple(range(count)), before)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(12)), st.integers(0, 2**32), st.sampled_from([0.0, 1e-7, 0.02]))
def test_any_permutation_is_read_back(order: list[int], seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    reference = rng.standard_normal((12, 80))
    moved = unit(reference) + noise * unit(rng.standard_normal((12, 80)))
    fault = misplaced_rows(moved[order] * 5, reference)
    misplaced = [row for row in range(12) if order[row] != row]
    if misplaced:
        assert fault is not None
        assert fault.rows == tuple(misplaced)
        assert fault.others == tuple(order[row] for row in misplaced)
    else:
        assert fault is None


@pytest.mark.parametrize("width", [96, 2048])
def test_the_sketch_rules_out_nothing_that_is_near_enough(
    points: Points, nudge: Nudge, width: int
) -> None:
    reference = points(60, width)
    # The noise takes up nearly all of the tenth that may be left of a distance of about 1.4.
    vectors = np.roll(nudge(reference, 0.12), 1, axis=0)
    found = compare(vectors, reference).l2
    assert found.min() > 1.2
    fault = misplaced_rows(vectors, reference)
    assert fault is not None
    assert len(fault.rows) == 60


@pytest.mark.parametrize("width", [32, 384])
def test_a_vector_between_two_texts_is_no_swap(points: Points, nudge: Nudge, width: int) -> None:
    reference = points(20, width)
    # About five times nearer to another text's vector, and in the sketch ten times.
    between = np.roll(nudge(reference, 0.3), 1, axis=0)
    assert misplaced_rows(between, reference) is None
    between[[18, 19]] = reference[[19, 18]]
    assert misplaced_rows(between, reference) == Fault("swapped", (18, 19), (19, 18))


def test_neighbours_are_told_apart(points: Points) -> None:
    reference = points(4)
    reference[1] = unit(reference[:1] + 0.1 * reference[3:])[0]
    reference[2] = unit(reference[:1] + 0.04 * reference[3:])[0]
    l2 = compare(reference[[0, 0]], reference[[1, 2]]).l2
    assert l2[0] > faults.SUSPECT_L2 > l2[1]
    assert misplaced_rows(reference[[1, 0, 2, 3]], reference) == Fault("swapped", (0, 1), (1, 0))
    # Nearer than this no swap is looked for, because rounding might reach as far.
    assert misplaced_rows(reference[[2, 1, 0, 3]], reference) is None


def test_texts_with_equal_vectors_are_no_swap(points: Points) -> None:
    reference = points(30, 384)
    reference[[5, 6]] = reference[4]
    assert misplaced_rows(reference[[0, 1, 2, 3, 6, 4, 5, *range(7, 30)]], reference) is None
    # A row that could have come from any of them is said to have come from the first.
    vectors = reference.copy()
    vectors[20] = reference[6]
    assert misplaced_rows(vectors, reference) == Fault("copied", (20,), (4,))
    vectors[6] = reference[20]
    assert misplaced_rows(vectors, reference) == Fault("swapped", (6, 20), (20, 4))


@pytest.mark.parametrize("width", [3, 7, 33, 96, 384])
@pytest.mark.parametrize("count", [17, 30, 301])
def test_rounding_does_not_choose_between_equal_vectors(
    points: Points, nudge: Nudge, count: int, width: int
) -> None:
    # A matrix product may round the first, the middle and the last column each in its own way.
    reference = points(count, width)
    reference[[count // 2, -1]] = reference[0]
    far = np.linalg.norm(reference - reference[0], axis=1) > 0.5
    vectors = nudge(np.where(far[:, None], reference[:1], reference), 0.02)
    fault = misplaced_rows(vectors, reference)
    assert fault is not None
    assert fault.rows == tuple(np.flatnonzero(far))
    assert set(fault.others) == {0}


def test_one_vector_for_a_whole_batch(points: Points) -> None:
    reference = points(8)
    vectors = np.repeat(reference[2:3], 8, axis=0)
    want = Fault("copied", (0, 1, 3, 4, 5, 6, 7), (2,) * 7)
    assert misplaced_rows(vectors, reference) == want


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_broken_rows_do_not_hide_a_swap(points: Points, bad: float) -> None:
    reference = points(10).astype(np.float32)
    vectors = reference.copy()
    vectors[[3, 7]] = vectors[[7, 3]]
    reference[0], reference[1, :], vectors[9], vectors[1, :] = bad, bad, bad, bad
    assert misplaced_rows(vectors, reference) == Fault("swapped", (3, 7), (7, 3))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_nothing_but_broken_rows(points: Points, bad: float) -> None:
    broken, whole = np.full((4, 96), bad), points(4)
    assert misplaced_rows(broken, whole) is None
    assert misplaced_rows(whole, broken) is None
    assert misplaced_rows(broken, broken) is None


def test_a_row_whose_own_reference_is_broken_is_not_judged(points: Points) -> None:
    reference = points(6)
    vectors = reference[[1, 0, 2, 3, 4, 5]]
    reference[0] = np.nan
    # Row 1 holds the vector of a row that nothing is known of: it is like no other.
    assert misplaced_rows(vectors, reference) is None


def test_one_row_and_one_dimension() -> None:
    assert misplaced_rows(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])) is None
    ones = np.array([[1.0], [-1.0]])
    assert misplaced_rows(ones[::-1], ones) == Fault("swapped", (0, 1), (1, 0))


@pytest.mark.parametrize("by", [0.01, 0.1, 0.8, 3.0])
@pytest.mark.parametrize("width", [32, 384])
def test_drift_however_large_is_not_a_swap(
    points: Points, nudge: Nudge, width: int, by: float
) -> None:
    reference = points(400, width)
    vectors = nudge(reference, by)
    suspects = compare(vectors, reference).l2 > faults.SUSPECT_L2
    assert suspects.all() == (by > 0.05)
    assert misplaced_rows(vectors, reference) is None


def test_drift_of_vectors_that_all_point_one_way_is_not_a_swap(
    points: Points, nudge: Nudge
) -> None:
    # Models of the e5 family: any two texts have a cosine of 0.7 and more.
    reference = unit(points(300, 384) * 0.5 + points(1, 384, seed=9))
    assert (compare(reference[1:], reference[:-1]).cosine < 0.3).all()
    assert misplaced_rows(nudge(reference, 0.4), reference) is None
    # A drift that all vectors share, as large as the vectors are apart.
    assert misplaced_rows(reference + points(1, 384, seed=5), reference) is None


def test_a_set_that_fell_together_is_not_a_swap(points: Points) -> None:
    reference = np.repeat(points(1), 50, axis=0)
    assert misplaced_rows(points(50, seed=3), reference) is None


def test_blocks_change_nothing(
    points: Points, nudge: Nudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = points(40)
    vectors = np.roll(nudge(reference, 0.02), 3, axis=0)
    fallen = points(40)
    fallen[::3] = fallen[0]
    texts = [str(row) for row in range(40)]
    want = misplaced_rows(vectors, reference), collapsed_rows(fallen, texts)
    assert None not in want
    for size in (1, 7, 40):
        monkeypatch.setattr(faults, "BLOCK_ROWS", size)
        assert (misplaced_rows(vectors, reference), collapsed_rows(fallen, texts)) == want


@pytest.mark.parametrize("noise", [0.0, 0.8])
def test_memory_stays_bounded_when_every_row_is_suspect(
    points: Points, nudge: Nudge, noise: float
) -> None:
    reference = points(2000, 80)
    vectors = np.roll(nudge(reference, noise), 1, axis=0)
    tracemalloc.start()
    try:
        fault = misplaced_rows(vectors, reference)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (fault is None) == (noise == 0.8)
    # All distances of 2,000 from 2,000 would be 32 MB; the vectors are 1.3 MB.
    assert peak < 20e6


@pytest.mark.parametrize(("one", "other"), [((3, 4), (4, 4)), ((3, 4), (3, 5)), ((4,), (4,))])
def test_shapes_in_which_no_swap_can_be_looked_for(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="cannot look for vectors"):
        misplaced_rows(np.ones(one), np.ones(other))


# Collapsed sets


def different(count: int) -> list[str]:
    return [f"text {row}" for row in range(count)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [3, 20, 600])
def test_all_vectors_equal(points: Points, dtype: type[np.floating], count: int) -> None:
    vectors = np.repeat(points(1), count, axis=0).astype(dtype)
    assert collapsed_rows(vectors, different(count)) == Fault("collapsed", tuple(range(count)))


def test_all_vectors_all_but_equal(points: Points, nudge: Nudge) -> None:
    fallen = np.repeat(points(1, 384), 40, axis=0)
    assert collapsed_rows(nudge(fallen, 5e-4), different(40)) == Fault(
        "collapsed", tuple(range(40))
    )
    assert collapsed_rows(nudge(fallen, 5e-3), different(40)) is None


def test_vectors_of_different_lengths_in_one_direction(points: Points) -> None:
    fallen = points(1) * np.linspace(0.1, 90, 10)[:, None]
    assert collapsed_rows(fallen, different(10)) == Fault("collapsed", tuple(range(10)))


@pytest.mark.parametrize("width", [32, 384])
def test_some_vectors_equal(points: Points, width: int) -> None:
    vectors = points(100, width).astype(np.float32)
    struck = tuple(range(1, 90, 3))
    assert len(struck) == 30
    vectors[list(struck)] = vectors[1]
    assert collapsed_rows(vectors, different(100)) == Fault("collapsed", struck)
    # In pairs, as an overflow of the token ids might do it.
    vectors = points(100, width).astype(np.float32)
    vectors[1:30:2] = vectors[0:30:2]
    assert collapsed_rows(vectors, different(100)) == Fault("collapsed", tuple(range(30)))


def test_more_than_a_fifth(points: Points) -> None:
    vectors = points(50)
    vectors[:10] = vectors[0]
    assert collapsed_rows(vectors, different(50)) is None
    vectors[10] = vectors[0]
    assert collapsed_rows(vectors, different(50)) == Fault("collapsed", tuple(range(11)))


@pytest.mark.parametrize("width", [8, 384])
def test_distinct_vectors(points: Points, width: int) -> None:
    assert collapsed_rows(points(300, width), different(300)) is None
    assert collapsed_rows(np.array([[1.0], [-1.0], [np.nan]]), different(3)) is None


def test_vectors_that_only_the_sketch_takes_for_equal(points: Points) -> None:
    directions = faults.sketch(np.eye(384))
    assert directions.shape == (384, faults.SKETCH_WIDTH)
    hidden = points(30, 384)
    hidden -= hidden @ directions @ directions.T
    vectors = points(1, 384, seed=4) + 0.005 * hidden
    vectors /= np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    sketch = faults.sketch(vectors)
    assert np.linalg.norm(sketch[1:] - sketch[0], axis=1).max() < faults.COLLAPSED_L2 / 2
    assert collapsed_rows(vectors, different(30)) is None


def test_vectors_near_each_other_are_not_equal(points: Points, nudge: Nudge) -> None:
    crowded = nudge(np.repeat(points(1, 384), 100, axis=0), 0.01)
    assert compare(crowded[1:], crowded[:-1]).l2.max() < 0.02
    assert collapsed_rows(crowded, different(100)) is None


@pytest.mark.parametrize(
    "variants",
    [
        ["the same", "the same", "the same", "the same"],
        ["the same", " The  Same\n", "THE\tSAME", "the\u00a0same"],
        ["straße", "STRASSE", "Strasse ", "strasse"],
    ],
)
def test_equal_texts_may_have_equal_vectors(points: Points, variants: list[str]) -> None:
    vectors = points(7)
    vectors[:4] = vectors[0]
    texts = [*variants, "one", "another", "a third"]
    assert collapsed_rows(vectors, texts) is None
    # The same vectors of different texts would be a fault.
    assert collapsed_rows(vectors, different(7)) == Fault("collapsed", (0, 1, 2, 3))


def test_rows_are_numbered_as_they_came(points: Points) -> None:
    vectors = points(9)
    vectors[[4, 5, 8]] = vectors[4]
    texts = ["a", "a", "A", "b", "c", "C ", "d", "d", "e"]
    # Of "c" and "C " the first is looked at.
    assert collapsed_rows(vectors, texts) == Fault("collapsed", (4, 8))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_texts_say_nothing(points: Points, count: int) -> None:
    assert collapsed_rows(np.repeat(points(1), count, axis=0), different(count)) is None
    many = np.repeat(points(1), 10, axis=0)
    assert collapsed_rows(many, [f"text {row % 2}" for row in range(10)]) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_broken_rows_are_not_collapsed_ones(points: Points, bad: float) -> None:
    vectors = points(10)
    vectors[:6] = bad
    assert collapsed_rows(vectors, different(10)) is None
    # Two that can be judged are too few, however many could not be.
    vectors[:8], vectors[9] = bad, vectors[8]
    assert collapsed_rows(vectors, different(10)) is None
    assert collapsed_rows(vectors[5:], different(5)) is None
    vectors[7] = vectors[9]
    assert collapsed_rows(vectors, different(10)) == Fault("collapsed", (7, 8, 9))
    assert collapsed_rows(np.full((5, 8), bad), different(5)) is None


@pytest.mark.parametrize(("shape", "count"), [((3, 4), 2), ((3, 4), 4), ((3,), 3), ((0, 4), 1)])
def test_not_one_vector_for_each_text(shape: tuple[int, ...], count: int) -> None:
    with pytest.raises(ValueError, match="cannot judge vectors"):
        collapsed_rows(np.ones(shape), different(count))

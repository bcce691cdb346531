from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from embedtui.measure import METRICS, Distances, compare, distances, join, unit
from embedtui.measure.distances import Vectors

from .conftest import Points

Nudge = Callable[[Vectors, float], np.ndarray]

PERTURBATIONS = [10.0**-exponent for exponent in range(14, 0, -1)]

# What rounding two vectors to unit length in float64 may move them against each other, and what a
# norm or a division may lose of its own value.
ROUNDING = 4e-16
RELATIVE = 1e-13


def exact(a: Vectors, b: Vectors) -> dict[str, mpmath.mpf]:
    """Return the distances of two rows from their definitions, with 50 digits."""
    with mpmath.workdps(50):
        one = [mpmath.mpf(float(x)) for x in a]
        other = [mpmath.mpf(float(x)) for x in b]
        one_length = mpmath.sqrt(sum(x * x for x in one))
        other_length = mpmath.sqrt(sum(x * x for x in other))
        dot = sum(x * y for x, y in zip(one, other, strict=True))
        unit_gaps = [x / one_length - y / other_length for x, y in zip(one, other, strict=True)]
        gap = mpmath.sqrt(sum((x - y) ** 2 for x, y in zip(one, other, strict=True)))
        relative = gap / other_length
        return {
            "cosine": 1 - dot / (one_length * other_length),
            "l2": mpmath.sqrt(sum(x * x for x in unit_gaps)),
            "max_abs": max(abs(x) for x in unit_gaps),
            "relative_l2": relative,
            "bits": min(-mpmath.log(relative, 2), mpmath.mpf(53)) if relative else mpmath.mpf(53),
        }


def assert_exact(vectors: Vectors, reference: Vectors) -> None:
    found = compare(vectors, reference)
    for row in range(len(vectors)):
        want = {
            metric: float(value) for metric, value in exact(vectors[row], reference[row]).items()
        }
        got = {metric: float(getattr(found, metric)[row]) for metric in METRICS}
        near = {
            "l2": ROUNDING + RELATIVE * want["l2"],
            "max_abs": ROUNDING + RELATIVE * want["max_abs"],
            "cosine": want["l2"] * ROUNDING + ROUNDING**2 + RELATIVE * want["cosine"],
            "relative_l2": RELATIVE * want["relative_l2"],
            "bits": 1e-12,
        }
        for metric in METRICS:
            assert abs(got[metric] - want[metric]) <= near[metric], (metric, got, want)


@pytest.mark.parametrize("perturbation", PERTURBATIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_distance_equals_its_definition_in_50_digits(
    points: Points, nudge: Nudge, dtype: type[np.floating], perturbation: float
) -> None:
    reference = points(4).astype(dtype)
    vectors = nudge(reference, perturbation).astype(dtype)
    assert_exact(vectors, reference)
    if dtype is np.float64:
        assert (compare(vectors, reference).l2 > 0).all()


@pytest.mark.parametrize("perturbation", [1e-8, 1e-4, 1e-1])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_vectors_are_measured_against_a_float64_reference(
    points: Points, nudge: Nudge, dtype: type[np.floating], perturbation: float
) -> None:
    reference = points(4)
    vectors = nudge(reference, perturbation).astype(dtype)
    assert_exact(vectors, reference)
    assert_exact(vectors.astype(np.float64), reference)


@pytest.mark.parametrize("length", [1e-3, 0.7, 1e3])
def test_vectors_that_are_not_of_length_one(points: Points, nudge: Nudge, length: float) -> None:
    reference = points(4) * 30
    assert_exact(nudge(reference, 1e-6) * length, reference)


def test_opposite_and_orthogonal_vectors() -> None:
    x, y = np.array([[3.0, 0.0]]), np.array([[0.0, 4.0]])
    assert_exact(-x, x)
    assert_exact(y, x)
    opposite, orthogonal = compare(-x, x), compare(y, x)
    assert (opposite.cosine[0], opposite.l2[0], opposite.bits[0]) == (2.0, 2.0, -1.0)
    assert orthogonal.cosine[0] == pytest.approx(1.0, rel=1e-15)


def naive(vectors: Vectors, reference: Vectors) -> np.ndarray:
    return np.asarray(1 - (unit(vectors) * unit(reference)).sum(axis=1))


def test_the_chord_holds_where_one_minus_the_dot_product_is_all_rounding(
    points: Points, nudge: Nudge
) -> None:
    reference = points(16, 384)
    near, far = nudge(reference, 1e-9), nudge(reference, 1e-2)
    want = np.array([float(exact(a, b)["cosine"]) for a, b in zip(near, reference, strict=True)])
    assert (want < 1e-18).all()
    assert compare(near, reference).cosine == pytest.approx(want, rel=1e-5)
    assert (np.abs(naive(near, reference) - want) > 0.9 * want).all()
    # The other way of computing it is no straw man: it is right where the drift is large.
    assert naive(far, reference) == pytest.approx(compare(far, reference).cosine, rel=1e-9)


def test_a_change_of_length_alone_shows_only_in_the_raw_vectors(points: Points) -> None:
    reference = points(3).astype(np.float32)
    found = compare(reference * 2, reference)
    assert not found.identical.any()
    assert not found.l2.any()
    assert not found.cosine.any()
    assert found.relative_l2 == pytest.approx([1.0] * 3, rel=1e-15)
    assert found.bits == pytest.approx([0.0] * 3, abs=1e-14)


@pytest.mark.parametrize("width", [1, 2, 100, 1000, 4096])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_identical_rows_have_distance_zero_whatever_their_layout_in_memory(
    points: Points, dtype: type[np.floating], width: int
) -> None:
    reference = (points(50, width) * np.linspace(0.3, 7, 50)[:, None]).astype(dtype)
    assert reference.all()
    layouts = [
        reference.copy(),
        np.asfortranarray(reference),
        np.repeat(reference, 2, axis=1)[:, ::2],
        reference[::-1].copy()[::-1],
    ]
    for vectors in layouts:
        for found in (compare(vectors, reference), compare(reference, vectors)):
            assert found.identical.all()
            for metric in METRICS:
                assert (getattr(found, metric) == (53 if metric == "bits" else 0)).all(), metric


def test_one_bit_is_not_identical(points: Points) -> None:
    reference = points(3, 2048).astype(np.float32)
    vectors = reference.copy()
    vectors[1, 2047] = np.nextafter(vectors[1, 2047], np.float32(2))
    found = compare(vectors, reference)
    assert found.identical.tolist() == [True, False, True]
    assert found.l2[1] > 0
    assert not found.l2[[0, 2]].any()


def test_zeros_of_either_sign_are_equal_and_not_identical() -> None:
    reference = np.array([[0.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    vectors = np.array([[-0.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    found = compare(vectors, reference)
    assert found.identical.tolist() == [False, True]
    assert found.l2.tolist() == [0.0, 0.0]
    assert found.bits.tolist() == [53.0, 53.0]


@pytest.mark.parametrize(
    ("one", "other"),
    [("<f4", "<f8"), ("<f8", "<f4"), ("<f2", "<f4"), ("<f4", ">f4"), ("<f8", ">f8")],
)
def test_rows_of_different_dtypes_are_never_identical(one: str, other: str) -> None:
    values = np.array([[0.5, -0.25], [1.0, 2.0]])
    found = compare(values.astype(one), values.astype(other))
    assert not found.identical.any()
    assert not found.l2.any()
    assert compare(values.astype(one), values.astype(one)).identical.all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0])
@pytest.mark.parametrize("side", ["vectors", "reference", "both"])
def test_a_faulty_row_has_no_distance_and_spoils_no_other(
    points: Points, nudge: Nudge, bad: float, side: str
) -> None:
    reference = points(5).astype(np.float32)
    vectors = nudge(reference, 1e-3).astype(np.float32)
    clean = compare(vectors, reference)
    for name, array in (("vectors", vectors), ("reference", reference)):
        if side in (name, "both"):
            array[2] = 0.0
            array[2, 7] = bad
    found = compare(vectors, reference)
    for metric in METRICS:
        values = getattr(found, metric)
        assert np.isnan(values).tolist() == [False, False, True, False, False], metric
        kept = [0, 1, 3, 4]
        assert values[kept].tobytes() == getattr(clean, metric)[kept].tobytes(), metric
    assert found.identical.tolist() == [False, False, side == "both", False, False]


@pytest.mark.parametrize("exponent", [-1060, -1000, -520, 500, 1000, 1018])
def test_lengths_whose_squares_leave_the_range_of_float64(
    points: Points, nudge: Nudge, exponent: int
) -> None:
    reference = points(4)
    vectors = nudge(reference, 1e-3)
    far_out, far_reference = np.ldexp(vectors, exponent), np.ldexp(reference, exponent)
    assert np.isfinite(far_out).all()
    assert far_out.any(axis=1).all()
    assert_exact(far_out, far_reference)
    found = compare(far_out, far_reference)
    if exponent > -1000:  # below, elements are subnormal and have lost digits of their own
        for metric in METRICS:
            assert (getattr(found, metric) == getattr(compare(vectors, reference), metric)).all()
    np.testing.assert_allclose((unit(far_out) ** 2).sum(axis=1), 1.0, rtol=1e-14)


def test_the_largest_vectors_there_are() -> None:
    top = np.finfo(np.float64).max
    reference = np.array([[top, top, top], [top, 0.0, 0.0], [5e-324, 0.0, 0.0]])
    vectors = np.array([[top, top, -top], [-top, 0.0, 0.0], [1e-323, 0.0, 0.0]])
    assert_exact(vectors, reference)
    # Where one side alone is out of the ordinary.
    assert_exact(reference[:1], np.array([[10.0, 20.0, 30.0]]))
    assert_exact(np.array([[1e-100, 2e-100, 0.0]]), np.array([[5e-324, 5e-324, 0.0]]))
    beyond = compare(reference[1:2], reference[2:3])
    assert (beyond.l2[0], beyond.relative_l2[0], beyond.bits[0]) == (0.0, np.inf, -np.inf)


def test_a_difference_whose_square_vanishes_is_still_there() -> None:
    found = compare(np.array([[1.0, 1e-200]]), np.array([[1.0, 3e-200]]))
    assert found.l2[0] == pytest.approx(2e-200, rel=1e-15)
    assert found.relative_l2[0] == pytest.approx(2e-200, rel=1e-15)
    assert found.bits[0] == 53.0


def test_vectors_of_one_dimension() -> None:
    found = compare(np.array([[2.0], [2.0], [-0.1]]), np.array([[2.0], [3.0], [0.1]]))
    assert found.l2.tolist() == [0.0, 0.0, 2.0]
    assert found.cosine.tolist() == [0.0, 0.0, 2.0]
    assert found.relative_l2 == pytest.approx([0.0, 1 / 3, 2.0])
    assert found.identical.tolist() == [True, False, False]


@pytest.mark.parametrize("shape", [(0, 8), (0, 1), (0, 0)])
def test_no_vectors_have_no_distances(shape: tuple[int, int]) -> None:
    nothing = np.zeros(shape, dtype=np.float32)
    found = compare(nothing, nothing)
    assert len(found) == 0
    assert all(len(getattr(found, name)) == 0 for name in (*METRICS, "identical"))
    assert found.identical.dtype == np.bool_
    assert unit(nothing).shape == shape


def test_vectors_without_width() -> None:
    with pytest.raises(ValueError, match="without a width"):
        compare(np.zeros((3, 0)), np.zeros((3, 0)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((3, 4), (4, 3)),
        ((3, 4), (3, 5)),
        ((3, 4), (2, 4)),
        ((4,), (4,)),
        ((), ()),
        ((2, 3, 4), (2, 3, 4)),
        ((1, 4), (4,)),
    ],
)
def test_shapes_that_cannot_be_compared(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot compare vectors"):
        compare(np.ones(one), np.ones(other))


def test_inputs_are_left_as_they_were(points: Points) -> None:
    reference, vectors = points(5), np.ldexp(points(5, seed=3), 900)
    before = reference.tobytes(), vectors.tobytes()
    compare(vectors, reference)
    unit(vectors)
    assert before == (reference.tobytes(), vectors.tobytes())


def test_unit_rows_and_rows_that_have_no_direction() -> None:
    rows = np.array([[3, 4], [0, 0], [np.nan, 1], [np.inf, 1], [-np.inf, np.nan], [-0.0, -2]])
    found = unit(rows.astype(np.float32))
    assert found.dtype == np.float64
    assert found[[0, 5]].tolist() == [[0.6, 0.8], [0.0, -1.0]]
    assert np.isnan(found[1:5]).all()


@pytest.mark.parametrize("block", [1, 96, 500, 2**30])
def test_blocks_change_no_bit(
    points: Points, nudge: Nudge, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    reference = points(23)
    vectors = nudge(reference, 1e-5)
    vectors[3], vectors[4], vectors[20] = np.nan, 0.0, np.ldexp(vectors[20], 800)
    whole = compare(vectors, reference)
    monkeypatch.setattr(distances, "_BLOCK", block)
    assert_same(compare(vectors, reference), whole)


def test_memory_does_not_grow_with_the_set(points: Points) -> None:
    reference = points(20_000, 128).astype(np.float32)
    vectors = reference + np.float32(1e-4)
    tracemalloc.start()
    try:
        compare(vectors, reference)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # One float64 copy of the whole set alone would be 20 MB.
    assert peak < 2 * 20_000 * 128 * 8


def assert_same(one: Distances, other: Distances) -> None:
    for name in (*METRICS, "identical"):
        assert getattr(one, name).dtype == getattr(other, name).dtype
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def test_rows_and_join_undo_each_other(points: Points, nudge: Nudge) -> None:
    reference = points(9).astype(np.float32)
    vectors = nudge(reference, 1e-6).astype(np.float32)
    vectors[4] = reference[4]
    whole = compare(vectors, reference)
    assert len(whole) == 9
    assert_same(join([whole.rows(slice(0, 4)), whole.rows(np.arange(4, 9))]), whole)
    assert_same(join([whole.rows(slice(0, 0)), whole]), whole)
    assert_same(whole.rows(whole.identical), compare(vectors[4:5], reference[4:5]))
    order = np.array([8, 0, 3])
    assert_same(whole.rows(order), compare(vectors[order], reference[order]))
    with pytest.raises(ValueError, match="at least one"):
        join([])

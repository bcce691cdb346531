"""What vectors have in common is the same whether they are looked at in parts or at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.measure import quantization_detection
from embedtui.measure.quantization_detection import Digits

Figures = npt.NDArray[np.float32]


def vectors(rows: int = 12, width: int = 16) -> Figures:
    drawn = np.random.default_rng(3).standard_normal((rows, width))
    made: Figures = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return made


def in_parts(figures: Figures, by: int) -> frozenset[str]:
    """Let the rows come in so many at a time, as batches do."""
    held = Digits(len(figures))
    there = np.zeros(len(figures), dtype=np.bool_)
    found = frozenset[str]()
    for start in range(0, len(figures), by):
        there[start : start + by] = True
        found = held.grown(there, figures)
    return found


def to_bfloat16(figures: Figures) -> Figures:
    return (figures.view(np.uint32) & 0xFFFF0000).view(np.float32)


@pytest.mark.parametrize(
    ("figures", "common"),
    [
        (vectors(), set()),
        (to_bfloat16(vectors()), {"bfloat16", "float16"}),
        (vectors().astype(np.float16).astype(np.float32), {"float16"}),
        (
            np.round(vectors().astype(np.float64), 5).astype(np.float32),
            {"5 decimals", "6 decimals"},
        ),
    ],
    ids=["as computed", "bfloat16", "float16", "five decimals"],
)
@pytest.mark.parametrize("by", [1, 5, 12])
def test_a_regularity_is_found_however_rows_come(
    figures: Figures, common: set[str], by: int
) -> None:
    assert in_parts(figures, by) == common


@pytest.mark.parametrize("row", [0, 6, 11])
def test_one_figure_that_is_as_computed_ends_it(row: int) -> None:
    figures = to_bfloat16(vectors())
    figures[row] = vectors()[row]
    assert in_parts(figures, 4) == frozenset()


def test_nothing_is_said_of_vectors_that_are_not_finite() -> None:
    figures = to_bfloat16(vectors())
    figures[7, 3] = np.nan
    assert in_parts(figures, 4) == frozenset()


def test_no_row_is_looked_at_twice_and_nothing_again_that_is_refuted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[int] = []

    def counted(figures: Figures) -> bool:
        looked.append(len(figures))
        return len(looked) < 3

    monkeypatch.setattr(quantization_detection, "_REGULARITIES", {"counted": counted})
    held, there = Digits(12), np.zeros(12, dtype=np.bool_)
    figures = vectors()
    for rows in (4, 4, 8, 9, 12):
        there[:rows] = True
        held.grown(there, figures)
    assert looked == [4, 4, 1]


@pytest.mark.parametrize(
    ("places", "digits_", "said"),
    [
        (7, None, "every figure ends after 7 decimals"),
        (8, None, "every figure ends after 8 decimals"),
        (None, 6, "every figure ends after 6 significant digits"),
        (None, 7, "every figure ends after 7 significant digits"),
    ],
)
def test_digits_that_a_server_prints(places: int | None, digits_: int | None, said: str) -> None:
    whole = vectors(40, 64)
    kept = f".{places}f" if places else f".{digits_}g"
    figures = np.array([[float(f"{x:{kept}}") for x in row] for row in whole], dtype=np.float32)
    assert not np.array_equal(figures, whole)
    assert quantization_detection.printed(in_parts(figures, 7)) == said
    assert quantization_detection.rounded(figures, whole) == f"JSON rounding: {said}"
    assert quantization_detection.rounded(whole, figures) == ""
    assert quantization_detection.printed(in_parts(whole, 7)) == ""


def test_what_is_no_rounding_is_not_called_one() -> None:
    whole = vectors(40, 64)
    assert quantization_detection.rounded(whole.astype(np.float16).astype(np.float32), whole) == (
        "float16 on the wire"
    )
    moved = np.nextafter(whole, np.float32(1))
    assert quantization_detection.rounded(moved, whole) == ""
    assert quantization_detection.rounded(whole[:, :8], whole) == ""


def test_few_figures_say_nothing_of_eight_decimals() -> None:
    large = np.array([[0.25, 0.5, 0.8125, 0.40625]], dtype=np.float32)
    assert not any("8" in name or "significant" in name for name in in_parts(large, 1))

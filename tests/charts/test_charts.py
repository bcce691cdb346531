"""Charts are read back from what they draw: a mark stands where its figure belongs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui import charts
from embedtui.charts import HistogramSeries, Line, Picture
from embedtui.charts.axes import Decades
from embedtui.charts.picture import Canvas, label_of
from embedtui.charts.plotter import Stroke, draw
from embedtui.measure.log_histogram import log_histogram

SIZES = st.tuples(st.integers(1, 130), st.integers(1, 45))
DRIFTS = st.lists(st.one_of(st.just(0.0), st.floats(1e-15, 1.0)), min_size=1, max_size=20)


def ridge(values: list[float], label: str = "float16", **more: Any) -> HistogramSeries:
    array = np.array(values)
    return HistogramSeries(label, "series-1", log_histogram(array, array == 0), **more)


def histogram(*ridges: HistogramSeries, width: int = 80, height: int = 20, **more: Any) -> Picture:
    return charts.drift_histogram(ridges, width=width, height=height, **{"tolerance": None, **more})


def column_of(picture: Picture, text: str) -> int:
    """Return where the label of a tick stands, by its middle."""
    line = next(line for line in picture.plain.split("\n") if text in line)
    return line.index(text) + len(text) // 2


def inked(picture: Picture, style: str) -> list[tuple[int, int, str]]:
    """Return column, row and character of every cell of an ink."""
    found = []
    for y, row in enumerate(picture.rows):
        x = 0
        for span in row:
            found += [(x + n, y, c) for n, c in enumerate(span.text) if span.style == style]
            x += len(span.text)
    return [(x, y, c) for x, y, c in found if c != " "]


@settings(max_examples=40, deadline=None)
@given(SIZES, DRIFTS, st.booleans())
def test_every_chart_fills_just_its_size(
    size: tuple[int, int], values: list[float], unicode: bool
) -> None:
    width, height = size
    array = np.array(values)
    points = tuple((2**n, value or None) for n, value in enumerate(values))
    pictures = [
        histogram(ridge(values), width=width, height=height, unicode=unicode, tolerance=1e-6),
        charts.drift_by_batch_size(
            [Line("a", "series-2", points, focused=True, speeds=((2, 10.0),))],
            width=width,
            height=height,
            tolerance=1e-6,
            tolerance_label="RAG",
            unicode=unicode,
        ),
        charts.scatter(
            array,
            array[::-1],
            width=width,
            height=height,
            x_label="α",
            y_label="b",
            unicode=unicode,
        ),
        charts.heat_strip(array, width=width, height=height, unicode=unicode),
    ]
    for picture in pictures:
        rows = picture.plain.split("\n")
        assert len(rows) == height
        assert {len(row) for row in rows} == {width}
        assert unicode or picture.plain.isascii()


@pytest.mark.parametrize("value", [3e-9, 4e-7, 2e-5, 3e-3])
def test_a_bar_stands_between_the_decades_of_its_distance(value: float) -> None:
    picture = histogram(ridge([value] * 5, noise=1e-10, precision=1e-1), width=120)
    bars = {x for x, _, character in inked(picture, "series-1") if character == "█"}
    below, above = int(np.floor(np.log10(value))), int(np.ceil(np.log10(value)))
    assert len(bars) == 1
    assert column_of(picture, f"1e{below}") <= bars.pop() <= column_of(picture, f"1e{above}")


def test_marks_stand_at_their_figures() -> None:
    picture = histogram(
        ridge([1e-5] * 4, noise=3e-9, precision=3e-3),
        width=120,
        tolerance=3e-7,
        tolerance_label="RAG",
    )
    for style, glyph, decade in (
        ("noise", "┊", -9),
        ("precision", "◇", -3),
        ("tolerance", "╏", -7),
    ):
        columns = {x for x, y, c in inked(picture, style) if c == glyph and y < 17}
        assert len(columns) == 1, style
        here = columns.pop()
        assert column_of(picture, f"1e{decade}") <= here <= column_of(picture, f"1e{decade + 1}")


def test_equal_bits_are_a_column_of_their_own_and_no_bar_on_the_axis() -> None:
    picture = histogram(ridge([0.0] * 3), height=12)
    columns = {x for x, _, c in inked(picture, "series-1") if c == "█"}
    axis = picture.plain.split("\n")[0].index("│")
    assert columns == {axis - 2, axis - 1}
    assert "= 3/3" in picture.plain


def test_the_share_of_equal_texts_is_the_height_of_their_column() -> None:
    picture = histogram(ridge([0.0] * 5 + [1e-5] * 5), height=23)
    axis = picture.plain.split("\n")[0].index("│")
    column = [c for x, _, c in inked(picture, "series-1") if x == axis - 1]
    rows = 23 - 3 - 1
    assert len(column) == pytest.approx(rows / 2, abs=1)


def test_more_settings_than_rows_keep_the_one_spoken_of() -> None:
    ridges = [ridge([1e-5], f"setting {n}", focused=n == 17) for n in range(20)]
    shown = histogram(*ridges, height=11).plain
    assert "setting 17" in shown
    assert "+12 more" in shown


def test_a_label_of_many_parts_keeps_its_end() -> None:
    assert label_of("bfloat16 · old pooling · avx512", 20).endswith("avx512")
    assert len(label_of("bfloat16 · old pooling · avx512", 20)) == 20
    assert label_of("multilingual-e5-large", 10) == "multiling…"
    assert label_of("multilingual-e5-large", 10, unicode=False) == "multiling~"


def test_labels_from_files_do_not_shift_what_follows() -> None:
    assert label_of("a\x1b[31m漢b\u0301", 40) == "a\ufffd[31m?b?"


def test_lines_rise_with_the_drift_and_equal_bits_have_a_lane() -> None:
    points = ((2, 1e-8), (8, 1e-6), (32, 1e-4), (64, None))
    picture = charts.drift_by_batch_size(
        [Line("float16", "series-3", points)], width=60, height=20, tolerance=None
    )
    marks = sorted((x, y) for x, y, c in inked(picture, "series-3") if c == "▲")
    assert len(marks) == 4
    heights = [y for _, y in marks]
    assert heights[0] > heights[1] > heights[2]
    assert "equal" in picture.plain.split("\n")[heights[3]]
    labels = picture.plain.split("\n")[-1]
    for (x, _), size in zip(marks, (2, 8, 32, 64), strict=True):
        assert re.search(rf"\b{size}\b", labels[x - 2 : x + 3])


def test_the_speed_of_the_setting_spoken_of_stands_below_its_batch_size() -> None:
    lines = [
        Line("a", "series-1", ((2, 1e-6), (4, 1e-6)), speeds=((2, 111.0), (4, 222.0))),
        Line("b", "series-2", ((2, 1e-6), (4, 1e-6)), focused=True, speeds=((1, 5.0), (4, 444.0))),
    ]
    picture = charts.drift_by_batch_size(lines, width=60, height=20)
    *_, sizes, speeds = picture.plain.split("\n")
    assert speeds.split() == ["texts/s", "444"]
    assert abs(sizes.index("4") - speeds.index("444") - 1) <= 1


def test_points_on_the_diagonal_of_a_scatter_drift_alike() -> None:
    values = np.array([1e-8, 1e-6, 1e-4])
    picture = charts.scatter(values, values, width=60, height=23, x_label="A", y_label="B")
    dots = sorted((x, y) for x, y, _ in inked(picture, "series-1"))
    assert len(dots) == 3
    (x1, y1), (x2, y2), (x3, y3) = dots
    assert abs((x2 - x1) - (x3 - x2)) <= 1
    assert abs((y1 - y2) - (y2 - y3)) <= 1
    assert y1 > y2 > y3


def test_the_darkest_cell_is_the_largest_difference_folded_or_not() -> None:
    values = np.full(1000, 1e-6)
    values[777] = -1e-3
    flat = charts.heat_strip(values[770:790], width=20, height=2)
    assert flat.plain[7] == "█"
    folded = charts.heat_strip(values, width=50, height=3)
    dark = [(x, y) for x, y, _ in inked(folded, "heat-5")]
    assert len(dark) == 1
    x, y = dark[0]
    assert (y * 50 + x) == pytest.approx(777 / 10, abs=1)
    assert "dimension 778 of 1000" in folded.plain


@given(st.lists(st.floats(1e-300, 1e9), min_size=1), st.integers(1, 200), st.sampled_from([2, 8]))
def test_whole_decades_hold_every_value(values: list[float], cells: int, room: int) -> None:
    axis = Decades.over(values, cells, room)
    assert axis.high - axis.low >= 3
    assert all(axis.low <= np.log10(value) <= axis.high for value in values)
    places = [axis.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= cells for place in places)


def test_a_canvas_gives_back_glyphs_in_their_inks_the_last_on_top() -> None:
    rows = draw(
        6, 3, [Stroke([0.5, 2.5], [0.5, 0.5], "one", "x"), Stroke([2.5], [0.5], "two", "o")]
    )
    assert rows[2][0] == ("x", "one")
    assert rows[2][2] == ("o", "two")
    assert rows[0][0] == (" ", "blank")


def test_a_sheet_drops_what_lies_outside() -> None:
    canvas = Canvas(4, 2)
    canvas.put(-2, 0, "abcdef", "ink")
    canvas.put(3, 1, "xyz", "ink")
    canvas.put(0, 5, "gone", "ink")
    assert canvas.picture().plain == "cdef\n   x"

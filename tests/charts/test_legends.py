"""What a legend names is drawn, what is drawn is named or counted, at every size and in ASCII."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui import charts
from embedtui.charts import FrontPoint, HistogramSeries, Line, Picture, glyphs, mark_of
from embedtui.charts.glyphs import style_of
from embedtui.measure.log_histogram import log_histogram
from tests.charts.test_charts import inked
from tests.charts.test_positions import width_of

SIZES = [(60, 15), (80, 24), (58, 9), (98, 20), (30, 6)]
VALUES = st.one_of(st.none(), st.floats(-14, -0.5).map(lambda log: 10.0**log))
ALL = st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=2, max_size=24)


def names(count: int) -> list[str]:
    return [f"setting {number}" for number in range(count)]


def drawn_lines(values: list[list[float | None]], size: tuple[int, int], unicode: bool) -> Picture:
    lines = [
        Line(name, style_of(n), tuple(zip((2, 8, 64), row, strict=True)), focused=n == 1)
        for n, (name, row) in enumerate(zip(names(len(values)), values, strict=True))
    ]
    return charts.drift_by_batch_size(lines, width=size[0], height=size[1], unicode=unicode)


@settings(max_examples=80, deadline=None)
@given(ALL, st.sampled_from(SIZES), st.booleans())
def test_lines_that_are_named_are_seen_and_the_others_are_counted(
    values: list[list[float | None]], size: tuple[int, int], unicode: bool
) -> None:
    picture = drawn_lines(values, size, unicode)
    named = re.findall(r"(\S) setting (\d+)", picture.plain)
    if size[0] < 48:
        assert not named
        return
    end = width_of(picture)
    for mark, number in named:
        style = style_of(int(number))
        assert mark == mark_of(style, unicode=unicode)
        assert [x for x, _, c in inked(picture, style) if c == mark and x < end], number
    more = re.search(r"\+(\d+) more", picture.plain)
    assert len(named) + (int(more[1]) if more else 0) == len(values)
    assert len({number for _, number in named}) == len(named)


def test_marks_of_one_place_stand_side_by_side() -> None:
    picture = drawn_lines([[1e-6] * 3 for _ in range(5)], (80, 24), True)
    at = picture.plain.split("\n")[next(y for _, y, _ in inked(picture, style_of(0)))]
    assert at.count("●▲○□■") == 3  # the one in hand last


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1, 9000), VALUES), min_size=1, max_size=24),
    st.sampled_from(SIZES),
    st.booleans(),
)
def test_points_that_are_named_are_seen_and_the_others_are_counted(
    points: list[tuple[float, float | None]], size: tuple[int, int], unicode: bool
) -> None:
    made = [
        FrontPoint(name, style_of(n), speed, value or 0.0, on_front=n % 3 == 0, focused=n == 0)
        for n, (name, (speed, value)) in enumerate(zip(names(len(points)), points, strict=True))
    ]
    picture = charts.front_chart(made, width=size[0], height=size[1], unicode=unicode)
    named = re.findall(r"setting (\d+)", picture.plain)
    more = re.search(r"\+(\d+) more", picture.plain)
    assert len(set(named)) == len(named)
    if more:
        assert len(named) + int(more[1]) == len(points)
    for number in named:
        mark = mark_of(style_of(int(number)), unicode=unicode)
        assert [c for _, _, c in inked(picture, style_of(int(number))) if c == mark]


MARKS = {
    "tolerance": (glyphs.LIMIT, "limit"),
    "precision": (glyphs.ERROR, "error"),
    "noise": (glyphs.NOISE, "noise"),
}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.floats(-12, -1), min_size=1, max_size=9), min_size=1, max_size=12),
    st.sampled_from(SIZES),
    st.booleans(),
    st.one_of(st.none(), st.floats(1e-9, 1e-2)),
    st.one_of(st.none(), st.floats(1e-9, 1e-2)),
    st.one_of(st.none(), st.floats(1e-9, 1e-2)),
)
def test_a_histogram_names_the_marks_that_are_seen_and_no_others(
    values: list[list[float]],
    size: tuple[int, int],
    unicode: bool,
    limit: float | None,
    noise: float | None,
    error: float | None,
) -> None:
    made = []
    for number, row in enumerate(values):
        array = 10.0 ** np.array(row)
        histogram = log_histogram(array, array == 0)
        made.append(HistogramSeries("a", style_of(number), histogram, noise, error))
    picture = charts.drift_histogram(
        made, width=size[0], height=size[1], tolerance=limit, tolerance_label="RAG", unicode=unicode
    )
    *rows, legend = picture.plain.split("\n")
    for ink, (glyph, word) in MARKS.items():
        last = len(rows)
        seen = [c for _, y, c in inked(picture, ink) if y < last and c == glyph[not unicode]]
        named = f"{glyph[not unicode]} " in legend and word in legend
        if size[0] >= 58:
            assert bool(seen) == named, (ink, picture.plain)
        elif named:
            assert seen
    more = re.search(r"\+(\d+) more", legend)
    shown = sum(1 for n in range(len(values)) if inked(picture, style_of(n)))
    assert shown + (int(more[1]) if more else 0) == len(values)


@pytest.mark.parametrize("unicode", [True, False])
def test_bars_grow_with_the_texts_that_are_there(unicode: bool) -> None:
    heights = []
    for there in (8, 16, 32, 64):
        array = np.full(there, 1e-5)
        one = HistogramSeries("a", style_of(0), log_histogram(array, array == 0), expected=64)
        picture = charts.drift_histogram(
            [one], width=60, height=20, tolerance=None, unicode=unicode
        )
        heights.append(len([c for x, _, c in inked(picture, style_of(0)) if x > 10]))
    assert heights == sorted(set(heights))
    assert heights[-1] == 16


def test_the_axis_stands_still_while_it_is_told_what_to_hold() -> None:
    def below(values: list[float]) -> str:
        array = np.array(values)
        one = HistogramSeries(
            "a", style_of(0), log_histogram(array, array == 0), extent=(1e-9, 1e-3)
        )
        picture = charts.drift_histogram([one], width=80, height=12, tolerance=None)
        return picture.plain.split("\n")[-2]

    assert below([1e-6]) == below([1e-9, 1e-3]) == below([1e-4, 1e-5])


@pytest.mark.parametrize(("width", "height"), [(40, 2), (24, 2), (30, 3), (60, 4)])
def test_the_smallest_histogram_has_bars_and_an_axis(width: int, height: int) -> None:
    array = np.array([1e-6] * 4 + [3e-6])
    one = HistogramSeries("a", style_of(0), log_histogram(array, array == 0))
    picture = charts.drift_histogram([one], width=width, height=height, tolerance=None)
    assert [c for _, _, c in inked(picture, style_of(0)) if c in glyphs.BARS]
    assert "1e-" in picture.plain

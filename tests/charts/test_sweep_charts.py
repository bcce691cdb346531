"""The front, and drift over place and length: read back from what they draw."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtui import charts
from embedtui.charts import FrontPoint, Picture
from tests.charts.test_charts import DRIFTS, SIZES, inked


def line_with(picture: Picture, text: str) -> str:
    return next(line for line in picture.plain.split("\n") if text in line)


@settings(max_examples=40, deadline=None)
@given(SIZES, DRIFTS, st.booleans())
def test_every_chart_fills_just_its_size(
    size: tuple[int, int], values: list[float], unicode: bool
) -> None:
    width, height = size
    array = np.array(values)
    points = [
        FrontPoint("a label", "series-1", 10.0 + n, value, on_front=n % 2 == 0, focused=n == 0)
        for n, value in enumerate(values)
    ]
    pictures = [
        charts.front_chart(points, width=width, height=height, tolerance=1e-6, unicode=unicode),
        charts.drift_by_count(
            np.arange(len(values)), array, width=width, height=height, x_label="tokens",
            tolerance=1e-3, unicode=unicode,
        ),
    ]  # fmt: skip
    for picture in pictures:
        assert (picture.width, picture.height) == (width, height)
        assert [len(line) for line in picture.plain.split("\n")] == [width] * height
        if not unicode:
            assert picture.plain.isascii()


def test_the_fastest_stands_at_the_right_and_the_nearest_below() -> None:
    points = [
        FrontPoint("fast", "series-1", 100.0, 1e-2, on_front=True),
        FrontPoint("exact", "series-2", 40.0, 0.0, on_front=True),
        FrontPoint("near", "series-3", 60.0, 1e-6, on_front=True),
    ]
    picture = charts.front_chart(points, width=60, height=16)
    at = {style: inked(picture, style)[0][:2] for style in ("series-1", "series-2", "series-3")}
    assert at["series-2"][0] < at["series-3"][0] < at["series-1"][0]
    assert at["series-1"][1] < at["series-3"][1] < at["series-2"][1]
    assert "equal" in picture.plain.split("\n")[at["series-2"][1]]


def test_drift_that_grows_with_the_place_rises_to_the_right() -> None:
    places = np.arange(64)
    drift = 10.0 ** (-6 + places / 16)
    drift[0] = 0.0
    picture = charts.drift_by_count(
        places, drift, width=60, height=20, x_label="place", note="rank correlation +1.00"
    )
    dots = sorted(inked(picture, "series-1"))
    columns = sorted({x for x, _, c in dots if c != "▪"})
    heights = [max(y for at, y, c in dots if at == x and c != "▪") for x in columns]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] - heights[-1] > 10
    assert [x for x, _, c in dots if c == "▪"] == [columns[0]]
    assert "rank correlation +1.00" in picture.plain
    assert picture.plain.split("\n")[-1].split()[-1] == "63"


def test_without_figures_they_say_what_they_wait_for() -> None:
    empty = np.zeros(0, dtype=np.int64)
    for picture in (
        charts.front_chart([], width=40, height=8, empty="wait"),
        charts.drift_by_count(empty, np.zeros(0), width=40, height=8, x_label="", empty="wait"),
    ):
        assert "wait" in picture.plain

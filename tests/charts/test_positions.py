"""What is drawn stands where the axis says, and what the axis says can be read, at any size."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embedtui import charts
from embedtui.charts import FrontPoint, Line, Picture, Series
from tests.charts.test_charts import histogram, inked, ridge

WIDTHS, HEIGHTS = st.integers(30, 200), st.integers(9, 50)
DISTANCES = st.floats(-16.5, -0.1).map(lambda log: 10.0**log)
DECADE = re.compile(r"1|1e-?\d+")

PassKey = Callable[[list[float], int, int], Picture]
"""Draws distances, the last of them as `series-1`, the others as another series."""


def by_batch_size(values: list[float], width: int, height: int) -> Picture:
    *others, last = values
    points = tuple((2**number, value) for number, value in enumerate([*others, None]))
    return charts.drift_by_batch_size(
        [Line("others", "series-2", points), Line("last", "series-1", ((2, last),))],
        width=width,
        height=height,
        tolerance=others[0],
        tolerance_label="RAG",
    )


def by_layer(values: list[float], width: int, height: int) -> Picture:
    *others, last = values
    points = tuple(enumerate(others))
    return charts.drift_by_layer(
        [Line("others", "series-2", points), Line("last", "series-1", ((0, last),))],
        [str(number) for number in range(max(len(others), 1))],
        width=width,
        height=height,
    )


def over_time(values: list[float], width: int, height: int) -> Picture:
    *others, last = values
    points = tuple((float(number), value) for number, value in enumerate(others))
    return charts.over_time(
        [Series("others", "series-2", points), Series("last", "series-1", ((0.5, last),))],
        width=width,
        height=height,
        first="2026-01-01 10:00",
        last="2026-01-31 10:00",
        tolerance=others[0],
    )


def front(values: list[float], width: int, height: int) -> Picture:
    *others, last = values
    points = [
        FrontPoint("other", "series-2", 9.0 + number, value, on_front=False)
        for number, value in enumerate(others)
    ]
    return charts.front_chart(
        [*points, FrontPoint("last", "series-1", 1234.0, last, on_front=True)],
        width=width,
        height=height,
    )


def by_count(values: list[float], width: int, height: int) -> Picture:
    return charts.drift_by_count(
        np.array([123456]),
        np.array(values[-1:]),
        width=width,
        height=height,
        x_label="place in the batch",
        tolerance=min(values),
    )


def scatter(values: list[float], width: int, height: int) -> Picture:
    return charts.scatter(
        np.array(values[-1:]),
        np.array(values[-1:]),
        width=width,
        height=height,
        x_label="A",
        y_label="B",
        tolerance=min(values),
    )


UPWARD: dict[str, PassKey] = {
    one.__name__: one for one in (by_batch_size, by_layer, over_time, front, by_count, scatter)
}


def read_ticks_at_the_left(picture: Picture) -> dict[int, int]:
    """Return the row of each labelled decade; every label must be a whole one."""
    found = {}
    for y, line in enumerate(picture.plain.split("\n")):
        before = re.match("[^│┤]*(?=[│┤])", line)
        label = before[0].strip() if before else ""
        if before and label not in {"", "equal"}:
            assert DECADE.fullmatch(label), line
            assert before[0].endswith(" "), line
            found[round(math.log10(float(label)))] = y
    return found


def read_ticks_below(picture: Picture, row: int) -> dict[int, int]:
    """Return the column of each decade that is labelled in a row: where the line is marked."""
    ticks, line = picture.plain.split("\n")[row - 1 : row + 1]
    ticks = ticks.replace("──┴", "   ", 1) if "=" in line else ticks
    found = {}
    for match in re.finditer(r"\S+", line.replace("=", " ")):
        assert DECADE.fullmatch(match[0]), line
        assert ticks[match.start() : match.end()].count("┴") == 1, f"{ticks}\n{line}"
        found[round(math.log10(float(match[0])))] = ticks.index("┴", match.start())
    return found


def width_of(picture: Picture) -> int:
    """Return the columns of the axis and what stands over it: names may stand beside it."""
    return max(
        len(line.rstrip()) for line in picture.plain.split("\n") if re.search(r"└|\+-", line)
    )


def assert_nearest(value: float, cell: int, ticks: dict[int, int]) -> None:
    """A value stands between the ticks that enclose it, no more than half a cell off its place."""
    log = math.log10(value)
    for (low, at), (high, beyond) in pairwise(sorted(ticks.items())):
        if low <= log <= high:
            assert min(at, beyond) <= cell <= max(at, beyond)
            share = (log - low) / (high - low)
            assert abs(cell - (at + share * (beyond - at))) <= 0.5 + 1e-6
            return


@pytest.mark.parametrize("name", UPWARD)
@settings(max_examples=60, deadline=None)
@given(st.lists(DISTANCES, min_size=2, max_size=6), WIDTHS, HEIGHTS)
@example([1.4e-3, 2e-9, 1.5e-4], 60, 11)
@example([1e-12, 1.4e-3, 1.5e-4], 38, 19)
def test_a_distance_stands_between_the_labels_that_enclose_it(
    name: str, values: list[float], width: int, height: int
) -> None:
    picture = UPWARD[name](values, width, height)
    ticks = read_ticks_at_the_left(picture)
    marks = [y for x, y, _ in inked(picture, "series-1") if x < width_of(picture)]
    assert len(marks) == 1
    assert_nearest(values[-1], marks[0], ticks)


@settings(max_examples=100, deadline=None)
@given(DISTANCES, DISTANCES, WIDTHS, HEIGHTS)
@example(1e-14, 1e-12, 52, 20)
def test_across_a_scatter_as_well(least: float, value: float, width: int, height: int) -> None:
    picture = scatter([least, value], width, height)
    assert_nearest(value, inked(picture, "series-1")[0][0], read_ticks_below(picture, height - 2))


@settings(max_examples=100, deadline=None)
@given(DISTANCES, DISTANCES, WIDTHS, HEIGHTS)
@example(1e-14, 1e-1, 47, 20)
def test_across_a_histogram_as_well(noise: float, value: float, width: int, height: int) -> None:
    picture = histogram(
        ridge([value] * 3, noise=noise), width=width, height=height, tolerance=value
    )
    ticks = read_ticks_below(picture, height - 2)
    assert len(ticks) >= 2
    limits = {x for x, y, _ in inked(picture, "tolerance") if y < height - 3}
    bars = {x for x, _, c in inked(picture, "series-1") if c in "▁▂▃▄▅▆▇█"}
    assert len(limits) == 1
    assert_nearest(value, limits.pop(), ticks)
    assert len(bars) == 1
    # A bin is a forty-eighth of a decade wide.
    assert abs(bars.pop() - inked(picture, "tolerance")[0][0]) <= 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 24), st.floats(1, 99999), WIDTHS, HEIGHTS, st.booleans())
def test_batch_sizes_and_speeds_are_whole_and_apart(
    count: int, speed: float, width: int, height: int, lane: bool
) -> None:
    sizes = [2**number for number in range(count)]
    points = tuple((size, None if lane else 1e-6) for size in sizes)
    speeds = tuple((size, speed) for size in sizes)
    line = Line("a", "series-1", points, focused=True, speeds=speeds)
    picture = charts.drift_by_batch_size([line], width=width, height=height)
    *_, below, last = picture.plain.split("\n")
    assert below.split()[0] == "batch"
    assert set(below.split()[1:]) <= {str(size) for size in sizes}
    assert last.split()[0] == "texts/s"
    assert set(last.split()[1:]) <= {f"{speed:.0f}"}


@given(st.integers(1, 10**9), WIDTHS, HEIGHTS)
def test_what_is_counted_does_not_touch_its_figures(most: int, width: int, height: int) -> None:
    picture = charts.drift_by_count(
        np.array([most]),
        np.array([1e-6]),
        width=width,
        height=height,
        x_label="place-in-the-batch-of-a-long-name",
    )
    first, *_, last = picture.plain.split("\n")[-1].split()
    assert (first, last) == ("0", str(most))


@given(WIDTHS)
def test_the_ends_of_a_time_axis_are_apart(width: int) -> None:
    below = over_time([1e-6, 1e-5], width, 12).plain.split("\n")[-1]
    early, late = re.split(r" (?=\S*2026)| {2,}", below.strip(), maxsplit=1)
    assert "2026-01-01 10:00".startswith(early.rstrip("…"))
    assert "2026-01-31 10:00".startswith(late.rstrip("…"))


def test_a_mark_on_the_tolerance_is_seen_over_its_label() -> None:
    line = Line("a", "series-1", tuple((2**number, 1e-6) for number in range(9)))
    picture = charts.drift_by_batch_size(
        [line], width=60, height=20, tolerance=1e-6, tolerance_label="RAG bears 1 - cos 1e-06"
    )
    assert len([c for _, _, c in inked(picture, "series-1") if c == "●"]) == 9

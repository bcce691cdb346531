"""The table of usual errors, and the ratios beside it, are what the shipped recordings say."""

from __future__ import annotations

from embedtui.results.usual_error import BEYOND, USUAL_ERROR, reach
from tests.usual_error import largest_ratios, usual_errors


def test_the_table_is_what_the_recordings_say() -> None:
    assert usual_errors() == USUAL_ERROR


def test_thresholds_are_above_what_the_recordings_show() -> None:
    found = largest_ratios()
    assert found == {"bfloat16": 0.89, "float16": 0.71, "float32": 1.97, "median": 1.48}
    assert all(found[dtype] < reach(dtype) for dtype in ("float32", "float16", "bfloat16"))
    assert found["median"] < BEYOND

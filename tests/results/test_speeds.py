"""Texts per second over passes: which are warm, and which count."""

from __future__ import annotations

import numpy as np
import pytest

from embedtui.measure.intervals import Spread
from embedtui.plan.plan import PassKey
from embedtui.results.events import BatchEmbedded
from embedtui.results.results import Pass, SettingResults
from embedtui.results.speeds import describe, speed_of
from tests.fakes import plan


def timed(speeds: dict[tuple[str, int], float], texts: int = 10) -> SettingResults:
    """Return a setting with a pass of batch size 4 for each speed."""
    setting = SettingResults(0, plan(texts).settings[0], texts)
    for (why, number), speed in speeds.items():
        add(setting, PassKey.parse(f"{why}-{number}" if number else why), speed, texts)
    return setting


def add(setting: SettingResults, key: PassKey, speed: float, texts: int) -> None:
    one = setting.passes[4, key] = Pass(len(setting.pass_of(1).done), 4)
    vectors = np.ones((texts, 2), dtype=np.float32)
    rows = tuple(range(texts))
    one.add(BatchEmbedded(0, 4, key, 0, rows, vectors, ((texts, texts),), texts / speed))


def test_the_first_pass_counts_only_where_it_is_the_only_one() -> None:
    alone = timed({("first", 0): 50})
    assert speed_of(alone, 4) == Spread(50.0, 50.0, 50.0, 1, alone.pass_of(4).seconds)
    warm = timed({("first", 0): 50, ("shuffle", 1): 100, ("repeat", 1): 120, ("repeat", 2): 110})
    found = speed_of(warm, 4)
    assert found is not None
    assert [found.median, found.low, found.high] == pytest.approx([110, 100, 120])
    assert found.passes == 3


def test_another_engine_is_not_warm() -> None:
    found = speed_of(timed({("first", 0): 50, ("restart", 1): 200}), 4)
    assert found is not None
    assert found.median == pytest.approx(50)
    assert found.passes == 1


def test_a_pass_that_lacks_texts_does_not_count_beside_whole_ones() -> None:
    setting = timed({("first", 0): 50})
    add(setting, PassKey("repeat", 1), 900, texts=2)
    found = speed_of(setting, 4)
    assert found is not None
    assert found.median == pytest.approx(50)
    assert speed_of(setting, 8) is None


def test_a_speed_is_said_with_its_spread_or_as_one_pass() -> None:
    assert describe(Spread(110.4, 99.8, 120.0, 3)) == "110 texts/s, 100 to 120 in 3 passes"
    assert describe(Spread(1.25, 1.25, 1.25, 1)) == "1.2 texts/s in one pass"
    assert speed_of(SettingResults(0, plan(2).settings[0], 2), 4) is None

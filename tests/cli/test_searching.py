from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from embedtui.assess import retrieval
from embedtui.cli.search_progress import Lines
from tests.fakes import Script, plan
from tests.studies import RunStudy, run_study

__all__ = ["run_study"]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_search_that_takes_long_says_how_far_it_is() -> None:
    clock, said = Clock(), io.StringIO()
    lines = Lines(Console(file=said, width=80), clock)
    for second in range(13):
        clock.now = float(second)
        lines(second / 20)
    assert said.getvalue().splitlines() == [
        "searching neighbours: 25%",
        "searching neighbours: 50%",
    ]


def test_one_that_is_soon_over_says_nothing() -> None:
    clock, said = Clock(), io.StringIO()
    lines = Lines(Console(file=said, width=80), clock)
    for number in range(100):
        clock.now = number / 25
        lines((number % 10) / 10)
    assert said.getvalue() == ""


def test_searches_of_a_report_tell_and_can_be_ended(run_study: RunStudy) -> None:
    results = run_study(plan(12, "float16", sizes=(1, 4)), Script()).results
    (setting,) = results.settings
    shares: list[float] = []

    def enough(share: float) -> None:
        shares.append(share)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), retrieval.reporting_progress(enough):
        retrieval.batch_retrieval(results, setting, 4)
    assert shares == [1.0]
    # Nothing half done is kept, and nobody is told afterwards.
    found = retrieval.batch_retrieval(results, setting, 4)
    assert found is not None
    assert np.isfinite(found.margins.gap).any()
    assert len(shares) == 1

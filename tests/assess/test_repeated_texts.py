"""Texts that come more than once are one text to every statistic, and that is said."""

from __future__ import annotations

import numpy as np
import pytest

from embedtui.assess.findings import find
from embedtui.assess.retrieval import batch_retrieval
from embedtui.assess.systematic_error import systematic_error_of
from embedtui.assess.tolerance import judge
from embedtui.assess.trends import trend_of
from embedtui.measure.repeated_rows import first_alike, largest_of_alike
from embedtui.plan.scenarios import scenario
from embedtui.report.run_report import build
from tests.fakes import Script, pack, plan
from tests.studies import Ran, RunStudy

THREE = tuple(f"{word} in a text of its own" for word in ("river", "stone", "paper"))


def ran(run_study: RunStudy, count: int = 20) -> Ran:
    texts = pack(*(THREE[number % 3] for number in range(count)))
    return run_study(plan(texts, "float16", sizes=(1, 4), repeats=1), Script())


def test_they_are_told(run_study: RunStudy) -> None:
    (note,) = find(ran(run_study).results)
    assert (note.kind, note.severity) == ("repeated-texts", "note")
    assert note.message.startswith("20 texts, 3 distinct: ")
    assert len(note.texts) == 17


def test_texts_that_differ_are_not_told(run_study: RunStudy) -> None:
    assert find(run_study(plan(20, "float16", sizes=(1, 4))).results) == []


def test_every_statistic_counts_the_distinct_ones(run_study: RunStudy) -> None:
    results = ran(run_study, 300).results
    (setting,) = results.settings
    verdicts = judge(results, setting, scenario("rag"))
    assert (verdicts.consistent.texts, verdicts.exact.texts) == (3, 3)
    assert systematic_error_of(results, setting) is None
    test = setting.noise_test()
    assert test is not None
    assert test.texts == 3
    trend = trend_of(setting)
    assert trend is not None
    assert trend.interval(0.5).low == -1
    lists = batch_retrieval(results, setting, 4)
    assert lists is not None
    assert lists.queries == 3
    (told,) = build(results)["settings"]
    drift = told["batches"][1]["drift"]["l2"]
    assert drift is not None
    assert drift["p99"] is None


def test_the_largest_of_those_alike_counts(run_study: RunStudy) -> None:
    results = ran(run_study).results
    (setting,) = results.settings
    verdict = judge(results, setting, scenario("rag")).consistent
    assert verdict.worst == pytest.approx(float(setting.drift(4)[1].cosine.max()))


def test_rows_are_alike_by_content_or_by_their_bits() -> None:
    vectors = np.arange(12, dtype=np.float32).reshape(6, 2) + 1
    vectors[5] = vectors[1]
    vectors[4] = 0
    contents = np.array([0, 1, 0, 3, 4, 5])
    there = np.ones(6, dtype=np.bool_)
    firsts = first_alike(contents, vectors, there)
    assert firsts.tolist() == [0, 1, 0, 3, 4, 1]
    assert first_alike(contents, vectors, ~there).tolist() == [0, 1, 0, 3, 4, 5]
    largest = largest_of_alike(np.array([1.0, 2, 3, np.nan, 5, 1]), firsts)
    np.testing.assert_equal(largest, [3, 2, np.nan, np.nan, 5, np.nan])

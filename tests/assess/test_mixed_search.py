"""Queries alone against documents in batches, beside both in batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from embedtui.assess import mixed_search, retrieval
from embedtui.assess.mixed_search import mixed_retrieval, worst_mixed, worst_mixed_batches
from embedtui.report import retrieval_report, run_report
from embedtui.results.results import Results, SettingResults
from tests.assess.test_cross_setting_search import lists
from tests.assess.test_ranking_quality import labelled
from tests.fakes import Script, plan
from tests.studies import RunStudy


def only_batches(change: Any) -> Script:
    """Return a script in which batches of more than one text are changed, and texts alone not."""

    def plant(batch: Any) -> None:
        if len(batch.rows) > 1:
            change(batch)

    return Script(drift=lambda *_: 0.0, plants=(plant,))


def turned(batch: Any) -> None:
    """Turn all vectors alike: the first two dimensions, by a right angle."""
    batch.vectors[:, :2] = np.stack([-batch.vectors[:, 1], batch.vectors[:, 0]], axis=1)


def compared(results: Results, setting: SettingResults) -> retrieval.Retrieval:
    found = mixed_retrieval(results, setting, 4)
    assert found is not None
    return found


@pytest.mark.parametrize("queries", [0, 6])
def test_what_changes_is_what_sorting_says(run_study: RunStudy, queries: int) -> None:
    made = plan(labelled() if queries else 30, "float16", sizes=(1, 4))
    script = Script(drift=lambda _dtype, size, _position: 0.1 if size > 1 else 0.0)
    ran = run_study(made, script)
    setting = ran.results.settings[0]
    alone, batched = setting.unbatched.vectors, setting.pass_of(4).vectors
    asked = alone[:queries] if queries else alone
    pure, mixed = (lists(asked, side[queries:], own=not queries) for side in (alone, batched))
    found = compared(ran.results, setting)
    pairs = list(zip(pure, mixed, strict=True))
    assert found.order_changed[0] == sum(a != b for a, b in pairs) > 0
    assert found.top1_changed[0] == sum(a[:1] != b[:1] for a, b in pairs)
    assert (found.quality_after is not None) is bool(queries)


def test_a_turn_of_all_vectors_of_batches_shows_only_where_queries_are_alone(
    run_study: RunStudy,
) -> None:
    ran = run_study(plan(24, "float32", sizes=(1, 4)), only_batches(turned))
    setting = ran.results.settings[0]
    both = retrieval.batch_retrieval(ran.results, setting, 4)
    assert both is not None
    assert both.order_changed == (0, 0)
    found = compared(ran.results, setting)
    assert found.order_changed[0] > 12
    report = run_report.build(ran.results)["settings"][0]
    assert (report["retrieval"], report["no_retrieval"]) == (None, "fault: turned")
    section = retrieval_report.section(ran.results, setting)
    assert section is not None
    assert section["batches"][0]["order_changed"] == [0, 0]
    (mixed,) = section["mixed"]
    assert mixed["order_changed"] == list(found.order_changed)
    low, high = mixed["order_interval"]
    assert low < found.order_changed[0] / 24 <= high
    assert section["worst_mixed_batch_size"] == 4


def test_every_order_is_looked_at_and_of_equal_sizes_the_smallest_speaks(
    run_study: RunStudy,
) -> None:
    def shuffled(batch: Any) -> None:
        if len(batch.rows) == 4 and list(batch.rows) != sorted(batch.rows):
            turned(batch)

    made = plan(24, "float32", sizes=(1, 2, 4), shuffles=2)
    ran = run_study(made, only_batches(shuffled))
    setting = ran.results.settings[0]
    assert compared(ran.results, setting).order_changed == (0, 0)
    worst = worst_mixed(ran.results, setting, 4)
    assert worst is not None
    assert worst[0].kind == "shuffle"
    by_size = worst_mixed_batches(ran.results, setting)
    assert by_size is not None
    assert by_size[0] == 4
    assert by_size[1].order_changed[0] > 0
    still = run_study(made, only_batches(lambda _batch: None))
    same = worst_mixed_batches(still.results, still.results.settings[0])
    assert same is not None
    assert same[0] == 2


def test_equal_bits_are_not_searched_again(
    run_study: RunStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run_study(plan(20, "float32", sizes=(1, 4)), only_batches(lambda _batch: None))
    setting = ran.results.settings[0]
    before = retrieval.batch_retrieval(ran.results, setting, 4)

    def searched(*_args: Any) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(retrieval.QueryDocSplit, "nearest_mixed", searched)
    found = compared(ran.results, setting)
    assert before is not None
    assert found.after is before.before
    assert compared(ran.results, setting) is found


def test_the_sentence_has_the_interval_of_its_share(run_study: RunStudy) -> None:
    ran = run_study(plan(24, "float32", sizes=(1, 4)), only_batches(turned))
    found = compared(ran.results, ran.results.settings[0])
    said = mixed_search.describe(found)
    assert said.startswith("queries alone against documents in batches: ")
    assert "find another order in the top 10 (95 %: " in said
    still = run_study(plan(24, "float32", sizes=(1, 4)), only_batches(lambda _batch: None))
    said = mixed_search.describe(compared(still.results, still.results.settings[0]))
    assert "all 24 find what they find where both are alone (at most 12 % of such" in said
    random = replace(found, random_weights=True)
    assert mixed_search.describe(random) == retrieval.RANDOM_WEIGHTS


def test_nothing_batched_mixes_with_nothing(run_study: RunStudy) -> None:
    ran = run_study(plan(8, "float32", sizes=(1, 4)))
    setting = ran.results.settings[0]
    assert mixed_retrieval(ran.results, setting, 8) is None
    assert worst_mixed_batches(ran.results, SettingResults(0, setting.setting, 8)) is None

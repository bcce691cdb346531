from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from embedtui.assess.storage_comparison import Row, compare_storage, source_of
from embedtui.common.errors import InputError
from embedtui.engine.settings import Setting
from embedtui.measure import compare
from embedtui.results.results import Results
from tests.assess.test_ranking_quality import labelled
from tests.fakes import Script, broken, plan
from tests.studies import RunStudy


def script() -> Script:
    return Script(
        drift=lambda _dtype, size, _position: 1e-3 if size > 1 else 0.0,
        precision={"bfloat16": 0.05, "float16": 3e-3, "float32": 1e-7},
    )


def formats_and_drift(results: Results, tell: Callable[[str], None] = print) -> list[Row]:
    return compare_storage(results, source_of(results), tell=tell)


def test_drift_and_formats_stand_in_one_table_by_their_size(run_study: RunStudy) -> None:
    ran = run_study(plan(60, "bfloat16", "float32", sizes=(1, 4)), script())
    rows = formats_and_drift(ran.results)
    sizes = [row.l2_max for row in rows if row.l2_max is not None]
    assert len(sizes) == len(rows)
    assert sizes == sorted(sizes)
    assert {row.side.setting.setting.label for row in rows if row.kind != "drift"} == {"float32"}
    names = [row.name for row in rows]
    assert names.index("float16") < names.index("float32 @4") < names.index("bfloat16 to float64")
    assert names.index("int8, a scale per vector") < names.index("binary, signs alone")
    assert {row.kind for row in rows} == {"drift", "storage", "wire"}
    by_name = {row.name: row for row in rows}
    drift = by_name["float32 @4"]
    setting = ran.results.settings[1]
    assert drift.l2_max == setting.drift(4)[1].l2.max()
    assert drift.bytes_per_vector is None
    stored = by_name["float16"]
    vectors = setting.unbatched.vectors
    want = compare(vectors.astype(np.float16).astype(np.float64), vectors.astype(np.float64))
    assert stored.l2_max == pytest.approx(want.l2.max(), rel=1e-9)
    assert stored.bytes_per_vector == 2 * vectors.shape[1]
    assert stored.retrieval is not None
    assert stored.retrieval.order_changed[0] < 10
    worst = by_name["binary, signs alone"].retrieval
    assert worst is not None
    assert worst.order_changed[0] > 50


def test_formats_are_told_as_they_are_tried_and_judged_by_labels(run_study: RunStudy) -> None:
    heard: list[str] = []
    ran = run_study(plan(labelled(), "float32", sizes=(1,)), script())
    rows = formats_and_drift(ran.results, tell=heard.append)
    assert heard[0] == "float32"
    assert set(heard) <= {row.name for row in rows}
    for row in rows:
        assert row.retrieval is not None
        assert row.retrieval.quality_after is not None
        assert row.retrieval.queries == 6


def test_a_broken_vector_costs_no_format_anything(run_study: RunStudy) -> None:
    ran = run_study(plan(20, "float32", sizes=(1,)), Script(plants=(broken(2, np.nan),)))
    for row in formats_and_drift(ran.results):
        assert np.isfinite(row.distances.l2).sum() == 19
        assert row.retrieval is not None
        assert row.retrieval.queries == 19


def test_what_cannot_be_compared_is_not_the_smallest(run_study: RunStudy) -> None:
    """The reference of every text is broken: no distance to it is 0."""
    ran = run_study(plan(20, "float32", sizes=(1, 4)), Script(reference_value=np.nan))
    rows = formats_and_drift(ran.results)
    assert [row.name for row in rows if row.l2_max is None] == ["float32 to float64"]
    assert rows[-1].name == "float32 to float64"


def test_a_run_without_vectors_has_no_yardstick() -> None:
    with pytest.raises(InputError, match="nothing was measured"):
        source_of(Results())


def test_drift_in_one_shuffled_order_only_is_told(run_study: RunStudy) -> None:
    def plant(batch: Any) -> None:
        if len(batch.rows) == 4 and list(batch.rows) != sorted(batch.rows):
            batch.vectors[:] = batch.vectors[::-1].copy()

    made = plan(20, "float32", sizes=(1, 4), shuffles=1)
    ran = run_study(made, Script(drift=lambda *_: 0.0, plants=(plant,)))
    row = next(row for row in formats_and_drift(ran.results) if row.name == "float32 @4, shuffle-1")
    assert row.l2_max
    assert row.retrieval is not None
    assert row.retrieval.order_changed[0] > 0
    assert str(row.pass_key) == "shuffle-1"


class TestFormatsTakeVectors:
    """Of one setting, which is named with the reason."""

    @pytest.mark.parametrize(
        ("reference", "why"),
        [(True, "nearest to float64, L2 "), (False, "its dtype usually costs least")],
    )
    def test_of_the_most_exact_one(self, run_study: RunStudy, *, reference: bool, why: str) -> None:
        made = plan(20, "bfloat16", "float16", "float32", sizes=(1, 4), reference=reference)
        source = source_of(run_study(made, script()).results)
        assert source.side.setting.setting.label == "float32"
        assert source.told.startswith("formats take vectors of float32, each text alone: ")
        assert why in source.why

    def test_not_of_one_that_changes_vectors_on_purpose(self, run_study: RunStudy) -> None:
        settings = (
            Setting("tiny", dtype="float32", quantization="fp8"),
            Setting("tiny", dtype="float32"),
        )
        ran = run_study(plan(20, settings=settings, sizes=(1, 4), reference=False))
        assert source_of(ran.results).side.setting.number == 1

    def test_of_one_that_is_named(self, run_study: RunStudy) -> None:
        ran = run_study(plan(20, "bfloat16", "float32", sizes=(1, 4)), script())
        source = source_of(ran.results, "bfloat16@4")
        assert source.told == "formats take vectors of bfloat16, in batches of 4: as named"
        rows = compare_storage(ran.results, source)
        row = next(row for row in rows if row.name == "float16")
        vectors = ran.results.settings[0].pass_of(4).vectors
        back = vectors.astype(np.float16).astype(np.float64)
        want = compare(back, vectors.astype(np.float64))
        assert row.l2_max == pytest.approx(want.l2.max(), rel=1e-9)
        with pytest.raises(InputError, match="no setting 'float64'"):
            source_of(ran.results, "float64")

"""What earlier runs found is told again and not computed again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.engine.settings import Setting
from embedtui.plan.plan import Plan
from embedtui.results.events import BatchEmbedded, EngineReady
from embedtui.results.progress import Progress
from embedtui.results.results import Results
from embedtui.run.study import Study
from tests.fakes import EventRecorder, FakeEngines, plan
from tests.studies import RunStudy

SIZES = (1, 2, 4)


def asked(*dtypes: str, sizes: tuple[int, ...] = SIZES, **further: Any) -> Plan:
    return plan(10, *dtypes, sizes=sizes, model_hash="abc", **further)


def same(one: Results, other: Results) -> bool:
    return all(
        np.array_equal(mine.pass_of(*key).vectors, theirs.pass_of(*key).vectors)
        and mine.pass_of(*key).steps == theirs.pass_of(*key).steps
        and mine.pass_of(*key).seconds == pytest.approx(theirs.pass_of(*key).seconds)
        for mine, theirs in zip(one.settings, other.settings, strict=True)
        for key in theirs.passes
    )


def test_the_same_again_asks_no_engine(run_study: RunStudy) -> None:
    first = run_study(asked("float16", "float32"))
    again = run_study(asked("float16", "float32"), earlier=(first.results,))
    assert again.engines.jobs == 0
    assert again.engines.loaded == []
    assert same(again.results, first.results)
    assert all(event.reused for event in again.told.of(BatchEmbedded))
    assert again.status == "finished"
    assert [s.status for s in again.results.settings] == ["finished", "finished"]


def test_only_the_dtype_that_is_new_is_computed(run_study: RunStudy) -> None:
    first = run_study(asked("float16"))
    again = run_study(asked("float16", "float32"), earlier=(first.results,))
    assert [setting.dtype for setting in again.engines.loaded] == ["float32"]
    assert again.engines.jobs == first.engines.jobs
    assert again.results.settings[0].pass_of(4).count == 10


def test_only_the_batch_size_that_is_new_is_computed(run_study: RunStudy) -> None:
    first = run_study(asked("float16", repeats=0))
    again = run_study(asked("float16", sizes=(1, 2, 4, 5), repeats=0), earlier=(first.results,))
    computed = [event for event in again.told.of(BatchEmbedded) if not event.reused]
    assert {event.batch_size for event in computed} == {5}
    assert again.engines.jobs == 2
    whole = run_study(asked("float16", sizes=(1, 2, 4, 5), repeats=0))
    assert same(again.results, whole.results)


def test_a_run_that_was_cut_off_goes_on_where_it_ended(run_study: RunStudy, tmp_path: Path) -> None:
    known, told = Results(), EventRecorder()
    engines = FakeEngines(logs=tmp_path)
    study = Study(asked("float16"), engines, [told, known])
    engines.script.on_job = lambda count: study.cancel() if count == 6 else None
    assert study.run() == "cancelled"
    done = len(told.of(BatchEmbedded))
    assert 0 < done < 20
    again = run_study(asked("float16"), earlier=(known,))
    whole = run_study(asked("float16"))
    assert again.engines.jobs == whole.engines.jobs - done
    assert same(again.results, whole.results)


@pytest.mark.parametrize(
    "changed",
    [
        {"model_hash": "other"},
        {"model_hash": None},
        {"too_long": "refuse"},
        {"max_length": 32},
        {"settings": (Setting("tiny", dtype="float16", threads=1),)},
    ],
)
def test_what_would_change_a_vector_is_computed(
    run_study: RunStudy, changed: dict[str, Any]
) -> None:
    first = run_study(asked("float16"))
    again = run_study(replace(asked("float16"), **changed), earlier=(first.results,))
    assert again.engines.jobs == first.engines.jobs
    assert not any(event.reused for event in again.told.of(BatchEmbedded))


def test_another_pack_is_computed(run_study: RunStudy) -> None:
    first = run_study(asked("float16"))
    other = plan(9, "float16", sizes=SIZES, model_hash="abc")
    assert run_study(other, earlier=(first.results,)).engines.jobs > 0


def test_another_machine_is_computed(run_study: RunStudy) -> None:
    first = run_study(asked("float16"))
    first.results.environment = first.results.environment | {"cpu": "another"}
    assert run_study(asked("float16"), earlier=(first.results,)).engines.jobs > 0


def test_an_engine_that_is_not_the_same_computes_all(run_study: RunStudy) -> None:
    first = run_study(asked("float16"))
    (setting,) = first.results.settings[:1]
    setting.effective = setting.effective.merged(threads=99)
    again = run_study(asked("float16", sizes=(1, 2, 4, 5)), earlier=(first.results,))
    assert not any(event.reused for event in again.told.of(BatchEmbedded))


def test_the_latest_run_is_taken(run_study: RunStudy) -> None:
    first = run_study(asked("float16"))
    second = run_study(asked("float16"))
    second.results.settings[0].unbatched.vectors[0, 0] = 9.0
    again = run_study(asked("float16"), earlier=(first.results, second.results))
    assert again.results.settings[0].unbatched.vectors[0, 0] == 9.0


def test_progress_counts_it_and_takes_no_rate_from_it(run_study: RunStudy) -> None:
    first = run_study(asked("float16"))
    progress = Progress()
    run_study(asked("float16"), earlier=(first.results,), listeners=(progress,))
    assert progress.done == progress.total
    assert progress.texts_per_second is None


def test_an_engine_is_ready_before_its_batches_are_told(run_study: RunStudy) -> None:
    first = run_study(asked("float16"))
    again = run_study(asked("float16"), earlier=(first.results,))
    ready = again.told.of(EngineReady)
    assert [event.warm for event in ready] == [True]
    assert not again.told.before(ready[0])[1:]

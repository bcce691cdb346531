"""Drift, noise and faults of repeats as a run tells them: each planted, with a silent control."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest

from embedtui.assess import verdict
from embedtui.assess.answers import Entry
from embedtui.assess.check_result import check
from embedtui.assess.diagnosis import diagnose
from embedtui.assess.findings import all_faults
from embedtui.assess.noise import is_noise, is_open
from embedtui.assess.setting_answers import answer_setting
from embedtui.assess.tolerance import judge_consistency
from embedtui.plan.plan import PassKey
from embedtui.plan.scenarios import scenario
from embedtui.results.results import SettingResults
from tests.fakes import Batch, Plant, Script, no_drift, plan
from tests.studies import Ran, RunStudy

ALONE, AGAIN = (1, PassKey("repeat", 1)), (16, PassKey("repeat", 1))
EXACT, LOOSE = scenario("cache-keys"), scenario("rag")


def ran(run_study: RunStudy, script: Script, dtype: str = "float16", texts: int = 32) -> Ran:
    return run_study(plan(texts, dtype, sizes=(1, 4, 16), reference=False, shuffles=3), script)


def setting_of(found: Ran) -> SettingResults:
    return found.results.settings[0]


def half_floor(_dtype: str, size: int, _place: int) -> float:
    return 1e-4 if size > 1 else 0.0


class TestDriftBelowTheFloor:
    def test_is_told_with_its_size(self, run_study: RunStudy) -> None:
        found = ran(run_study, Script(width=128, drift=half_floor, noise=1e-4), texts=64)
        sentence = verdict.setting_verdict(found.results, setting_of(found))
        assert not is_noise(setting_of(found))
        assert "Batch drift: L2 up to " in sentence
        assert "; not noise, 1.2" in sentence
        assert " times as far as repeats, in the median text" in sentence
        told = answer_setting(Entry("it", found.results, setting_of(found)), LOOSE, ())
        assert "(1.2 × repeats)" in told.drift.text

    def test_noise_alone_has_a_size_of_one(self, run_study: RunStudy) -> None:
        found = ran(run_study, Script(width=128, drift=no_drift, noise=1e-4), texts=64)
        assert is_noise(setting_of(found))
        sentence = verdict.setting_verdict(found.results, setting_of(found))
        assert "no batch drift beyond noise" in sentence.lower()
        assert "; batches are 1 (0.9" in sentence or "; batches are 0.99" in sentence


def test_a_text_that_moves_where_nobody_repeated_is_left_open(run_study: RunStudy) -> None:
    found = ran(run_study, Script(drift=no_drift))
    setting_of(found).pass_of(4).vectors[3, 0] += np.float32(1e-3)
    assert is_open(setting_of(found))
    assert not is_noise(setting_of(found))
    sentence = verdict.setting_verdict(found.results, setting_of(found))
    assert "Batch drift or rare noise: " in sentence


class TestRepeatsThatDifferWhereBatchesDoNot:
    @pytest.fixture
    def found(self, run_study: RunStudy) -> Ran:
        found = ran(run_study, Script(drift=no_drift))
        setting_of(found).passes[ALONE].vectors[5, 0] += np.float32(1e-4)
        return found

    def test_equal_bits_do_not_hold(self, found: Ran) -> None:
        judged = judge_consistency(setting_of(found), EXACT)
        assert EXACT.bitwise
        assert judged.identical
        assert judged.outcome == "falls short"
        assert " when run again" in judged.summary(EXACT)
        told = answer_setting(Entry("it", found.results, setting_of(found)), EXACT, ())
        assert told.drift.state == "bad"
        assert told.drift.text.startswith("it: none at batch size ")
        assert told.drift.text.endswith(" when run again")
        assert check(found.results, EXACT, confidence=0.95).outcome == "falls short"

    def test_a_limit_is_held_as_far_as_repeats_hold_it(self, found: Ran) -> None:
        assert judge_consistency(setting_of(found), LOOSE).outcome == "holds"
        tight = replace(LOOSE, tolerance=1e-12)
        judged = judge_consistency(setting_of(found), tight)
        assert judged.outcome == "falls short"

    def test_the_sentences_say_so(self, found: Ran) -> None:
        (cause,) = diagnose(found.results, setting_of(found), [])
        assert (cause.cause, "golden vectors" in cause.fix) == ("noise", True)
        for sentence in (
            verdict.setting_verdict(found.results, setting_of(found)),
            verdict.run_verdict(found.results),
        ):
            assert "golden vectors and cache keys do not hold" in sentence


class TestRequestsAtOnce:
    """A server's steps are others each time, so that repeated batches differ by their company."""

    @pytest.fixture
    def found(self, run_study: RunStudy) -> Ran:
        def other_company(batch: Batch) -> None:
            if len(batch.rows) > 1:
                rng = np.random.default_rng(int(np.abs(batch.vectors).sum() * 1e6) + count())
                moves = rng.standard_normal(batch.vectors.shape)
                batch.vectors[:] += (5e-4 * moves).astype(np.float32)
                batch.vectors[:] /= np.linalg.norm(batch.vectors, axis=1, keepdims=True)

        calls = iter(range(10_000))

        def count() -> int:
            return next(calls)

        return ran(run_study, Script(drift=no_drift, plants=(other_company,)))

    def test_are_drift_beside_the_floor_of_texts_alone(self, found: Ran) -> None:
        setting = setting_of(found)
        setting.setting = replace(setting.setting, requests="concurrent")
        fresh = SettingResults(0, setting.setting, 32)
        fresh.passes, fresh.status = setting.passes, "finished"
        found.results.settings[0] = fresh
        noise = fresh.noise()
        assert noise is not None
        assert {size for size, _ in noise[0]} == {1}
        assert noise[1].identical.all()
        assert not is_noise(fresh)
        sentence = verdict.setting_verdict(found.results, fresh)
        assert "Batch drift: L2 up to " in sentence
        assert (
            "of texts alone, since the company of requests at once cannot be repeated" in sentence
        )
        assert check(found.results, LOOSE, confidence=0.95).outcome == "falls short"


def dropout(batch: Batch) -> None:
    rng = np.random.default_rng(zlib.crc32(batch.vectors.tobytes()) + next(_CALLS))
    batch.vectors *= (rng.random(batch.vectors.shape) > 0.2).astype(np.float32)


def replicas(batch: Batch) -> None:
    if next(_CALLS) % 3 == 0:
        batch.vectors[:] = np.roll(batch.vectors, 5, axis=1) ** 3


def half_zero(batch: Batch) -> None:
    if len(batch.rows) == 16 and next(_CALLS) % 2:
        batch.vectors[2, 32:] = 0


def zero_at_times(batch: Batch) -> None:
    if len(batch.rows) == 16 and next(_CALLS) % 2:
        batch.vectors[2] = 0


def now_and_then(batch: Batch) -> None:
    if len(batch.rows) == 16 and 5 in batch.rows and not next(_CALLS):
        batch.vectors[batch.rows.index(5)] *= np.linspace(-1, 1, batch.vectors.shape[1])


_CALLS = iter(())


@pytest.mark.parametrize(
    ("plant", "cause"),
    [
        (dropout, "random"),
        (replicas, "replicas"),
        (half_zero, "partly-zero"),
        (zero_at_times, "zero-at-times"),
        (now_and_then, "intermittent"),
    ],
)
@pytest.mark.parametrize("shuffles", [0, 3, 29])
def test_repeats_beyond_any_rounding_are_a_fault_with_a_name(
    run_study: RunStudy, monkeypatch: pytest.MonkeyPatch, plant: Plant, cause: str, shuffles: int
) -> None:
    monkeypatch.setitem(globals(), "_CALLS", iter(range(100_000)))
    made = plan(32, "float16", sizes=(1, 4, 16), reference=False, shuffles=shuffles)
    found = run_study(made, Script(width=64, drift=no_drift, plants=(plant,)))
    faults = all_faults(found.results)[0]
    assert [one.kind for one in faults] == [cause]
    assert faults[0].texts
    named = diagnose(found.results, setting_of(found), faults)
    assert [one.cause for one in named] == [cause]
    assert check(found.results, LOOSE, confidence=0.95).outcome == "fault"
    assert "no distance means anything" in verdict.run_verdict(found.results)


@pytest.mark.parametrize(
    "script",
    [
        Script(drift=no_drift),
        Script(width=64, drift=no_drift, noise=5e-3),
        Script(width=64, drift=lambda _d, size, _p: 0.5 if size > 1 else 0.0),
    ],
    ids=["steady", "noise", "drift"],
)
def test_rounding_and_drift_are_no_fault_of_repeats(run_study: RunStudy, script: Script) -> None:
    found = ran(run_study, script)
    assert all_faults(found.results)[0] == []


def test_zeros_that_every_pass_has_are_the_models(run_study: RunStudy) -> None:
    def sparse(batch: Batch) -> None:
        batch.vectors[:, 20:50] = 0

    found = ran(run_study, Script(width=64, drift=no_drift, plants=(sparse,)))
    assert all_faults(found.results)[0] == []


@pytest.mark.parametrize(("dtype", "struck"), [("float32", True), ("bfloat16", False)])
def test_the_bound_is_that_of_the_dtype_in_force(
    run_study: RunStudy, dtype: str, struck: bool
) -> None:
    found = ran(run_study, Script(width=64, drift=no_drift, noise=3e-2), dtype)
    assert bool(all_faults(found.results)[0]) is struck

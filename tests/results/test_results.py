"""What the events add up to, against the same distances computed with NumPy from the batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.measure import compare
from embedtui.plan.plan import FIRST, PassKey
from embedtui.results.events import (
    BatchEmbedded,
    ReferenceComputed,
    RunEnded,
    RunStarted,
    SettingEnded,
)
from embedtui.results.results import Results
from tests.fakes import REFUSED, Script, exact, pack, plan
from tests.studies import Ran, RunStudy

Vectors = npt.NDArray[np.float64]


def vectors_of(
    ran: Ran, size: int, pass_key: PassKey = FIRST, setting: int = 0
) -> dict[int, Vectors]:
    """Return each text's vector of one pass, from the events."""
    return {
        row: vector.astype(np.float64)
        for batch in ran.told.of(BatchEmbedded)
        if (batch.setting, batch.batch_size, batch.pass_key) == (setting, size, pass_key)
        for row, vector in zip(batch.rows, batch.vectors, strict=True)
    }


def l2(a: Vectors, b: Vectors) -> float:
    return float(np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b)))


@pytest.fixture
def ran(run_study: RunStudy) -> Ran:
    """A run of 11 texts with drift and noise."""
    made = plan(11, "float16", "bfloat16", sizes=(1, 2, 4), repeats=2)
    return run_study(made, Script(noise=1e-6))


@pytest.mark.parametrize("setting", [0, 1])
@pytest.mark.parametrize("size", [2, 4])
def test_drift_is_batched_against_unbatched(ran: Ran, setting: int, size: int) -> None:
    rows, distances = ran.results.settings[setting].drift(size)
    alone, batched = vectors_of(ran, 1, FIRST, setting), vectors_of(ran, size, FIRST, setting)
    assert list(rows) == list(range(11))
    expected = [l2(batched[row], alone[row]) for row in rows]
    assert distances.l2 == pytest.approx(expected, rel=1e-6)
    assert distances.cosine == pytest.approx([x * x / 2 for x in expected], rel=1e-6)
    relative = [
        np.linalg.norm(batched[row] - alone[row]) / np.linalg.norm(alone[row]) for row in rows
    ]
    assert distances.relative_l2 == pytest.approx(relative, rel=1e-6)
    assert distances.bits == pytest.approx(-np.log2(relative), rel=1e-6)
    assert min(expected) > 0


def test_the_planted_drift_is_found_in_its_size_and_place(run_study: RunStudy) -> None:
    def drift(dtype: str, size: int, position: int) -> float:
        return 1e-3 if (dtype, size, position) == ("float16", 4, 2) else 0.0

    ran = run_study(plan(12, "float16", "bfloat16", sizes=(1, 2, 4)), Script(drift=drift))
    first, second = ran.results.settings
    _, distances = first.drift(4)
    assert np.flatnonzero(~distances.identical).tolist() == [2, 6, 10]
    assert distances.l2[[2, 6, 10]] == pytest.approx([1e-3] * 3, rel=0.2)
    assert first.pass_of(4).position[[2, 6, 10]].tolist() == [2, 2, 2]
    assert first.drift(2)[1].identical.all()
    assert second.drift(4)[1].identical.all()


def test_noise_is_every_repeat_against_its_first_run(ran: Ran) -> None:
    found = ran.results.settings[0].noise()
    assert found is not None
    passes, distances = found
    one, two = PassKey("repeat", 1), PassKey("repeat", 2)
    assert passes == [(1, one), (1, two), (4, one), (4, two)]
    expected = [
        l2(vectors_of(ran, size, pass_key)[row], vectors_of(ran, size)[row])
        for size, pass_key in passes
        for row in range(11)
    ]
    assert distances.l2 == pytest.approx(expected, rel=1e-5)
    assert distances.l2.max() < 1e-5


def test_a_shuffle_is_held_against_the_unbatched_vectors(run_study: RunStudy) -> None:
    def drift(_dtype: str, size: int, position: int) -> float:
        return 1e-3 if size == 4 and position == 3 else 0.0

    made = plan(12, "float16", sizes=(1, 2, 4), shuffles=2)
    (setting,) = run_study(made, Script(drift=drift)).results.settings
    assert setting.orders == 3
    assert [(pass_key, len(rows)) for pass_key, rows, _ in setting.drifts(4)] == [
        (FIRST, 12),
        (PassKey("shuffle", 1), 12),
        (PassKey("shuffle", 2), 12),
    ]
    moved = [
        set(np.flatnonzero(~distances.identical).tolist()) for _, _, distances in setting.drifts(4)
    ]
    assert moved[0] == {3, 7, 11}
    assert len(moved[1]) == len(moved[2]) == 3
    assert moved[0] != moved[1]
    shuffled = setting.shuffled()
    assert shuffled is not None
    assert (len(shuffled), int((~shuffled.identical).sum())) == (24, 6)
    assert len(setting.drift_in_any_order(4)) == 36
    assert setting.drift_in_any_order(2).identical.all()


def test_a_restart_is_told_apart_from_a_repeat(run_study: RunStudy) -> None:
    made = plan(6, "float16", sizes=(1, 4), repeats=1, restarts=2)
    ran = run_study(made, Script(restart_noise=1e-6))
    (setting,) = ran.results.settings
    again, restarted = setting.noise(), setting.noise("restart")
    assert again is not None
    assert restarted is not None
    assert again[1].identical.all()
    assert [str(pass_key) for _, pass_key in restarted[0]] == ["restart-1", "restart-2"] * 2
    assert not restarted[1].identical.any()
    assert restarted[1].l2.max() < 1e-5
    assert len(ran.engines.loaded) == 3


def test_precision_error_is_unbatched_against_the_reference_of_unit_length(ran: Ran) -> None:
    found = ran.results.settings[1].precision_error(ran.results.reference)
    assert found is not None
    rows, distances = found
    alone = vectors_of(ran, 1, FIRST, 1)
    texts = ran.results.plan.pack.texts
    reference = {row: exact(texts[row].text, 16) for row in rows}
    assert distances.l2 == pytest.approx([l2(alone[row], reference[row]) for row in rows], rel=1e-6)
    # The reference is three times as long; of one that normalises the direction is compared.
    relative = [np.linalg.norm(alone[row] - reference[row]) for row in rows]
    assert distances.relative_l2 == pytest.approx(relative, rel=1e-6)
    assert distances.l2.max() == pytest.approx(5e-3, rel=0.1)


def test_precision_error_of_vectors_of_any_length_keeps_the_references_length(ran: Ran) -> None:
    setting = ran.results.settings[1]
    setting.effective = setting.effective.merged(normalized=False)
    found = setting.precision_error(ran.results.reference)
    assert found is not None
    assert found[1].relative_l2 == pytest.approx([2 / 3] * 11, rel=1e-2)


def test_no_reference_no_precision_error(run_study: RunStudy) -> None:
    ran = run_study(plan(3, reference=False))
    assert ran.results.settings[0].precision_error(ran.results.reference) is None


def test_a_reference_of_another_width_is_none(run_study: RunStudy) -> None:
    ran = run_study(plan(3, reference=False))
    ran.results(ReferenceComputed((0, 1, 2), (4, 4, 4), np.ones((3, 5)), cached=False))
    assert ran.results.settings[0].precision_error(ran.results.reference) is None


def test_no_repeats_no_noise(run_study: RunStudy) -> None:
    assert run_study(plan(3, repeats=0)).results.settings[0].noise() is None


def test_identical_is_to_the_bit(run_study: RunStudy) -> None:
    setting = run_study(plan(9, "float32", sizes=(1, 4))).results.settings[0]
    assert compare(setting.pass_of(4).vectors, setting.unbatched.vectors).identical.all()
    setting.passes[4, FIRST].vectors[5, 0] = np.nextafter(
        setting.unbatched.vectors[5, 0], np.float32(2)
    )
    assert np.flatnonzero(~setting.drift(4)[1].identical).tolist() == [5]


def test_realised_batches_and_rate_come_from_the_steps(run_study: RunStudy) -> None:
    ran = run_study(plan(10, sizes=(1, 4)), Script(seconds_per_text=0.002))
    pass_ = ran.results.settings[0].pass_of(4)
    assert pass_.realised == {"min": 2, "max": 4, "steps": 3}
    assert pass_.split_steps == 0
    assert pass_.texts_per_second == pytest.approx(500)
    assert pass_.position.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_split_steps_are_counted(run_study: RunStudy) -> None:
    ran = run_study(plan(10, sizes=(1, 4)), Script(most_in_step=3))
    pass_ = ran.results.settings[0].pass_of(4)
    assert pass_.realised == {"min": 1, "max": 3, "steps": 5}
    assert pass_.split_steps == 4


def test_a_pass_that_has_not_begun_is_empty(run_study: RunStudy) -> None:
    pass_ = run_study(plan(3)).results.settings[0].pass_of(64)
    assert (pass_.count, pass_.texts_per_second, pass_.split_steps) == (0, None, 0)
    assert pass_.realised == {"min": 0, "max": 0, "steps": 0}


def test_drift_is_over_the_texts_that_are_there_on_both_sides(run_study: RunStudy) -> None:
    made = plan(pack("a", REFUSED, "c", "d"), "float16", sizes=(1, 2), repeats=0)
    told = run_study(made).told
    results = Results()
    for event in told.before(told.of(BatchEmbedded)[4]):
        results(event)
    setting = results.settings[0]
    assert np.flatnonzero(setting.unbatched.done).tolist() == [0, 2, 3]
    rows, distances = setting.drift(2)
    assert rows.tolist() == [0, 2]
    assert len(distances) == 2
    assert setting.drift(64)[0].tolist() == []
    assert results.status == "running"


def test_the_end_of_the_run_is_the_end_of_every_setting(run_study: RunStudy) -> None:
    started = run_study(plan(2, "float16", "float32")).told.of(RunStarted)[0]
    results = Results()
    results(started)
    assert [s.status for s in results.settings] == ["running", "running"]
    results(SettingEnded(0, "failed", "no kernel"))
    results(RunEnded("cut off", "power"))
    assert [(s.status, s.reason) for s in results.settings] == [
        ("failed", "no kernel"),
        ("cut off", "power"),
    ]

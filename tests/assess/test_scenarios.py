"""Scenarios, and the three answers that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from embedtui.assess.answers import Entry, answer, largest_drift
from embedtui.assess.setting_answers import answer_setting
from embedtui.assess.tolerance import judge_consistency
from embedtui.assess.vector_faults import faults_of
from embedtui.common.errors import InputError
from embedtui.plan.scenarios import scenario, scenarios
from embedtui.results.speeds import fastest
from tests.fakes import Script, broken, plan
from tests.studies import Ran, RunStudy

SIZES = (1, 2, 4, 8)


def entries(ran: Ran) -> list[Entry]:
    found = []
    for setting in ran.results.settings:
        faults = faults_of(ran.results, setting)
        fault = faults[0].message if faults else ""
        found.append(Entry(setting.setting.dtype, ran.results, setting, fault))
    return found


def asked(*dtypes: str) -> object:
    return plan(16, *dtypes, sizes=SIZES)


def test_every_scenario_says_why_and_from_where() -> None:
    for one in scenarios().values():
        assert one.reason
        assert one.source
        assert one.limit in {"equal bits"} or "≤" in one.limit


def test_a_tolerance_in_another_metric_is_the_same_angle() -> None:
    rag = scenario("rag")
    angle = np.arccos(1 - rag.tolerance)
    one, other = np.array([1.0, 0.0]), np.array([np.cos(angle), np.sin(angle)])
    assert rag.tolerance_in("l2") == pytest.approx(np.linalg.norm(one - other), rel=1e-6)
    dedup = scenario("deduplication")
    assert dedup.tolerance_in("cosine") == pytest.approx(dedup.tolerance**2 / 2)
    assert dedup.tolerance_in("max_abs") is None
    assert scenario("golden").tolerance_in("l2") is None


def test_an_unknown_scenario_names_its_nearest() -> None:
    with pytest.raises(InputError, match="did you mean clustering"):
        scenario("clustring")


def test_a_drift_is_held_against_the_tolerance(run_study: RunStudy) -> None:
    ran = run_study(asked("float16", "float32", "bfloat16"))
    float16, float32, bfloat16 = ran.results.settings
    assert judge_consistency(float16, scenario("rag")).outcome == "holds"
    assert judge_consistency(bfloat16, scenario("rag")).outcome == "holds"
    assert judge_consistency(bfloat16, scenario("deduplication")).outcome == "falls short"
    assert judge_consistency(float16, scenario("golden")).outcome == "falls short"
    golden = judge_consistency(float32, scenario("golden"))
    assert golden.outcome == "holds"
    assert golden.identical
    assert judge_consistency(float16, scenario("rag")).worst == pytest.approx(
        largest_drift(float16, "cosine"), rel=1e-12
    )


def test_a_setting_with_a_nan_is_not_judged(run_study: RunStudy) -> None:
    ran = run_study(asked("float16"), Script(plants=(broken(3, np.nan, size=4),)))
    found = judge_consistency(ran.results.settings[0], scenario("rag"))
    assert found.outcome == "not measured"
    told = answer(entries(ran), scenario("rag"))
    one = answer_setting(entries(ran)[0], scenario("rag"), ())
    assert one.drift.state == "bad"
    assert one.drift.text.startswith("float16: fault: ")
    assert told.recommended is None
    assert told.command == ""


def test_the_answers_name_what_drifts_what_fails_and_what_serves(run_study: RunStudy) -> None:
    ran = run_study(asked("bfloat16", "float16", "float32"))
    told = answer(entries(ran), scenario("deduplication"))
    bfloat16, float16, float32 = (
        answer_setting(entry, scenario("deduplication"), ()) for entry in entries(ran)
    )
    assert bfloat16.drift.state == "bad"
    assert "× the limit" in bfloat16.drift.text
    assert "float32: none at batch size " in float32.drift.text
    assert float32.drift.text.endswith(" identical")
    assert float16.drift.text.startswith("float16: within the limit: ")
    # All are equally fast here: the most precise of those that hold is taken.
    assert told.recommended == 2
    assert told.serve.text.startswith("float32: ")
    assert told.command.startswith("vllm serve ")
    assert "--dtype float32" in told.command


def test_nothing_is_recommended_where_nothing_holds(run_study: RunStudy) -> None:
    ran = run_study(asked("bfloat16"))
    told = answer(entries(ran), scenario("golden"))
    assert told.serve.state == "bad"
    assert told.command == ""


def test_before_anything_was_measured_nothing_is_claimed() -> None:
    told = answer([], scenario("rag"))
    assert told.serve.text == "not measured yet"
    assert told.recommended is None


def test_drift_within_the_noise_is_no_drift(run_study: RunStudy) -> None:
    ran = run_study(asked("float32"), Script(noise=1e-6))
    told = answer_setting(entries(ran)[0], scenario("rag"), ())
    assert told.drift.state == "good"
    assert "none beyond noise" in told.drift.text


def test_the_fastest_batch_size_is_the_one_with_most_texts_a_second(run_study: RunStudy) -> None:
    ran = run_study(plan(16, "float32", sizes=SIZES))
    setting = ran.results.settings[0]
    setting.pass_of(4).seconds = setting.pass_of(8).seconds / 3
    found = fastest(setting)
    assert found is not None
    assert found[0] == 4
    assert found[1].median == pytest.approx(setting.pass_of(4).texts_per_second)


def test_a_batch_size_in_the_middle_of_its_pass_does_not_outrun_one_that_is_through(
    run_study: RunStudy,
) -> None:
    ran = run_study(plan(16, "float32", sizes=SIZES))
    setting = ran.results.settings[0]
    setting.pass_of(8).done[3] = False
    setting.pass_of(8).seconds /= 100
    found = fastest(setting)
    assert found is not None
    assert found[0] != 8

"""Consistent and exact are two verdicts, and the situation says which decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embedtui.assess.answers import Answers, Entry, answer, headline
from embedtui.assess.retrieval import precision_retrieval
from embedtui.assess.setting_answers import SettingAnswers, answer_setting
from embedtui.assess.tolerance import Outcome, judge, judge_consistency
from embedtui.assess.verdict import run_verdict, setting_verdict
from embedtui.common.errors import EngineError
from embedtui.engine.settings import Setting
from embedtui.plan.scenarios import Scenario, scenario
from tests.fakes import Script, no_drift, plan
from tests.studies import Ran, RunStudy

RAG = scenario("rag")
L2 = replace(RAG, metric="l2", tolerance=1e-3)


def answered(ran: Ran, use: Scenario = RAG) -> Answers:
    settings = ran.results.settings
    return answer([Entry(one.setting.short_label, ran.results, one) for one in settings], use)


def one_answered(ran: Ran, use: Scenario = RAG) -> SettingAnswers:
    return answer_setting(Entry("it", ran.results, ran.results.settings[0]), use, ())


def drift_of(ran: Ran, values: list[float]) -> None:
    """Give each text a batch drift of just this L2."""
    setting = ran.results.settings[0]
    alone, batched = setting.unbatched.vectors, setting.pass_of(4).vectors
    batched[:] = alone
    for row, l2 in enumerate(values):
        unit = alone[row] / np.linalg.norm(alone[row])
        aside = np.roll(unit, 1) - unit * float(np.roll(unit, 1) @ unit)
        batched[row] = unit + l2 * aside / np.linalg.norm(aside)


class TestConsistent:
    @pytest.mark.parametrize(
        ("largest", "outcome"),
        [
            ([2e-5], "holds"),
            ([9e-4], "borderline"),
            ([1.1e-3], "borderline"),
            ([1.1e-3] * 3, "falls short"),
            ([0.1], "falls short"),
        ],
    )
    def test_is_borderline_where_another_sample_may_fall_on_the_other_side(
        self, run_study: RunStudy, largest: list[float], outcome: Outcome
    ) -> None:
        """The tail of the other texts says how far another sample's largest may be."""
        ran = run_study(
            plan(64, "float16", sizes=(1, 4), repeats=0), Script(drift=no_drift, width=64)
        )
        others = np.random.default_rng(1).lognormal(0, 0.8, 64 - len(largest))
        others *= 0.9 * min(largest[0], 1e-3) / others.max()
        drift_of(ran, [*largest, *others.tolist()])
        found = judge_consistency(ran.results.settings[0], L2)
        assert found.outcome == outcome
        assert found.beyond == sum(one > 1e-3 for one in largest)
        assert found.texts == 64

    def test_counts_texts_and_not_texts_times_orders(self, run_study: RunStudy) -> None:
        ran = run_study(
            plan(16, "float16", sizes=(1, 4), shuffles=3), Script(drift=lambda *_: 0.05)
        )
        found = judge_consistency(ran.results.settings[0], RAG)
        assert (found.beyond, found.texts) == (16, 16)
        assert "(16 of 16 texts)" in found.summary(RAG)

    def test_the_claim_has_its_reach(self, run_study: RunStudy) -> None:
        ran = run_study(plan(64, "float16", sizes=(1, 4)), Script(drift=no_drift))
        found = judge_consistency(ran.results.settings[0], RAG)
        assert found.share_beyond == pytest.approx(0.0457, abs=1e-3)


class TestSituations:
    @pytest.fixture
    def ran(self, run_study: RunStudy) -> Ran:
        script = Script(drift=no_drift, precision={"bfloat16": 1e-2, "float32": 5e-7})
        return run_study(plan(40, "bfloat16", "float32", sizes=(1, 4)), script)

    def test_one_server_asks_for_consistency_and_an_index_for_exactness(self, ran: Ran) -> None:
        for situation, outcome in (
            ("one-server", "holds"),
            ("queries-alone", "holds"),
            ("index", "falls short"),
        ):
            found = judge(ran.results, ran.results.settings[0], scenario("rag", situation))  # type: ignore[arg-type]
            assert found.consistent.outcome == "holds"
            assert found.exact.outcome == "falls short"
            assert found.outcome == outcome

    def test_equal_bits_are_asked_of_consistency_in_any(self, ran: Ran) -> None:
        found = judge(ran.results, ran.results.settings[0], scenario("golden", "index"))
        assert (found.binding, found.outcome) == ("consistent", "holds")
        assert found.exact.outcome == "no limit"
        assert found.both() == "consistent"

    def test_the_headline_names_what_a_search_would_notice(self, ran: Ran) -> None:
        setting = ran.results.settings[0]
        lists = precision_retrieval(ran.results, setting)
        assert lists is not None
        share = round(100 * lists.order_changed[0] / lists.queries)
        assert headline(judge(ran.results, setting, RAG), RAG, None, lists).startswith(
            f"consistent, not exact: {share} % of top-10 orders differ from float64's (95 %: "
        )

    def test_what_is_not_exact_is_not_recommended_for_an_index(self, ran: Ran) -> None:
        use = scenario("rag", "index")
        assert answered(ran, use).recommended == 1
        assert one_answered(ran, use).exact.state == "bad"
        assert "× the limit" in one_answered(ran, use).exact.text


class TestUndecided:
    """Where what decides was not measured, nothing is recommended, and it says what to do."""

    WHY = (
        "undecided: the distance from float64 decides, and was not measured: no float64 reference "
        "was asked for: run it again with the reference"
    )

    def test_for_an_index_without_a_reference(self, run_study: RunStudy) -> None:
        use = scenario("rag", "index")
        made = plan(8, "float32", "float16", sizes=(1, 4), reference=False)
        ran = run_study(made, Script(drift=no_drift))
        found = answered(ran, use)
        assert (found.serve.state, found.serve.text) == ("open", self.WHY)
        assert (found.recommended, found.command) == (None, "")
        assert self.WHY in setting_verdict(ran.results, ran.results.settings[0], use=use)
        assert self.WHY in run_verdict(ran.results, use=use)

    def test_not_while_it_may_still_be_measured(self, run_study: RunStudy) -> None:
        ran = run_study(plan(8, "float32", sizes=(1, 4), reference=False), Script(drift=no_drift))
        ran.results.status = "running"
        assert answered(ran, scenario("rag", "index")).serve.text == "not measured yet"

    def test_without_batches(self, run_study: RunStudy) -> None:
        ran = run_study(plan(8, "float32", sizes=(1,)), Script(drift=no_drift))
        assert "give a batch size above 1" in answered(ran, RAG).serve.text


class TestRecommended:
    def test_of_about_equal_speeds_the_fewest_switches(self, run_study: RunStudy) -> None:
        settings = (
            Setting("tiny", "float16", kernel_precision="ieee"),
            Setting("tiny", "float16"),
        )
        ran = run_study(plan(8, settings=settings, sizes=(1, 4)), Script(drift=no_drift))
        for number, speed in enumerate((120.0, 100.0)):
            for one in ran.results.settings[number].passes.values():
                one.seconds = one.count / speed
        assert answered(ran).recommended == 1

    def test_a_reference_that_failed_recommends_nothing(self, run_study: RunStudy) -> None:
        script = Script(drift=no_drift, failures={("reference", ""): EngineError("out of memory")})
        found = answered(run_study(plan(8, "float32", sizes=(1, 4)), script))
        assert found.recommended is None
        assert found.command == ""
        assert found.serve.text == (
            "nothing: the error against float64 was not measured: out of memory"
        )

    def test_one_that_was_not_asked_for_is_no_obstacle(self, run_study: RunStudy) -> None:
        made = plan(8, "float32", sizes=(1, 4), reference=False)
        assert answered(run_study(made, Script(drift=no_drift))).recommended == 0

    def test_a_batch_size_that_no_step_held_is_not_claimed(self, run_study: RunStudy) -> None:
        ran = run_study(plan(4, "float32", sizes=(1, 2, 256)), Script(drift=no_drift))
        found = answered(ran)
        assert "256" not in found.serve.text + found.command

    def test_how_many_texts_stand_behind_it_is_said_while_it_runs(
        self, run_study: RunStudy
    ) -> None:
        ran = run_study(plan(8, "float32", sizes=(1, 4)), Script(drift=no_drift))
        ran.results.settings[0].status = "running"
        ran.results.settings[0].unbatched.done[3:] = False
        assert one_answered(ran).drift.text.endswith(" · 3 of 8 texts so far")

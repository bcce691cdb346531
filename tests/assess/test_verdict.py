from __future__ import annotations

import numpy as np
import pytest

from embedtui.assess import verdict
from embedtui.common.errors import EngineError
from embedtui.engine.settings import Setting
from tests.fakes import Drift, Script, broken, no_drift, plan, swapped
from tests.studies import Ran, RunStudy


def said(ran: Ran, setting: int = 0) -> str:
    return verdict.setting_verdict(ran.results, ran.results.settings[setting])


def constant(l2: float) -> Drift:
    return lambda _dtype, size, _position: l2 if size > 1 else 0.0


class TestOfSetting:
    def test_no_drift_is_said_as_bitwise_identical(self, run_study: RunStudy) -> None:
        ran = run_study(plan(8, sizes=(1, 2, 4), reference=False))
        assert (
            said(ran) == "For RAG: consistent, exactness not measured. No batch drift: all 8 texts "
            "are bitwise identical at batch size 2 to 4."
        )

    def test_one_bit_is_drift(self, run_study: RunStudy) -> None:
        ran = run_study(plan(8, sizes=(1, 4), reference=False))
        vectors = ran.results.settings[0].pass_of(4).vectors
        vectors[3, 1] = np.nextafter(vectors[3, 1], np.float32(9))
        assert "identical" not in said(ran)
        assert "1 of 8 texts changed at batch size 4" in said(ran)

    def test_drift_without_noise_says_that_a_repeat_gives_the_same_bits(
        self, run_study: RunStudy
    ) -> None:
        ran = run_study(
            plan(8, "bfloat16", sizes=(1, 2, 4), reference=False), Script(drift=constant(1e-3))
        )
        assert said(ran).startswith("For RAG: consistent, exactness not measured. Batch drift: ")
        assert "e-03, 8 of 8 texts changed at batch size" in said(ran)
        assert "; not noise, a repeat gives the same bits. " in said(ran)

    def test_drift_below_the_noise_is_none(self, run_study: RunStudy) -> None:
        made = plan(8, "float16", sizes=(1, 4), reference=False)
        ran = run_study(made, Script(drift=constant(1e-7), noise=1e-3))
        assert ". No batch drift beyond noise: L2 up to " in said(ran)
        assert "and simply running again does " in said(ran)

    def test_noise_has_no_ratio_to_the_precision_error(self, run_study: RunStudy) -> None:
        ran = run_study(plan(8, "float16", sizes=(1, 4)), Script(drift=no_drift, noise=1e-3))
        assert "Precision error" in said(ran)
        assert "×" not in said(ran)

    def test_drift_above_the_noise_is_told_in_multiples_of_it(self, run_study: RunStudy) -> None:
        made = plan(8, "float16", sizes=(1, 4), reference=False)
        ran = run_study(made, Script(drift=constant(1e-2), noise=1e-5))
        setting = ran.results.settings[0]
        noise = setting.noise()
        assert noise is not None
        times = setting.drift(4)[1].l2.max() / noise[1].l2.max()
        assert f"; {times:.0f} × the noise floor ({noise[1].l2.max():.1e})" in said(ran)
        assert times > 100

    def test_drift_far_above_the_noise_has_no_long_number(self, run_study: RunStudy) -> None:
        made = plan(8, "float16", sizes=(1, 4), reference=False)
        sentence = said(run_study(made, Script(drift=constant(3e-2), noise=1e-7)))
        assert "; far above the noise floor (" in sentence

    def test_drift_without_repeats_says_that_noise_is_not_known(self, run_study: RunStudy) -> None:
        made = plan(8, "float16", sizes=(1, 4), reference=False, repeats=0)
        assert "; the noise floor was not measured. " in said(run_study(made))

    def test_growth_is_told(self, run_study: RunStudy) -> None:
        def drift(_dtype: str, size: int, _position: int) -> float:
            return {1: 0.0, 2: 1e-4, 4: 2e-4, 8: 16e-4}[size]

        made = plan(16, "float16", sizes=(1, 2, 4, 8), reference=False)
        assert "; it grows with the batch, 16 × from 2 to 8." in said(
            run_study(made, Script(drift=drift))
        )

    def test_growth_is_not_told_of_a_constant(self, run_study: RunStudy) -> None:
        made = plan(16, "float16", sizes=(1, 2, 8), reference=False)
        assert "grows" not in said(run_study(made, Script(drift=constant(1e-3))))

    def test_drift_stands_beside_the_precision_error(self, run_study: RunStudy) -> None:
        script = Script(drift=constant(1e-4), precision={"float16": 4e-4})
        ran = run_study(plan(8, "float16", sizes=(1, 4)), script)
        setting = ran.results.settings[0]
        error = setting.precision_error(ran.results.reference)
        assert error is not None
        ratio = setting.drift(4)[1].l2.max() / error[1].l2.max()
        assert ratio == pytest.approx(0.25, rel=0.2)
        assert said(ran).endswith(
            f". Precision error against float64: L2 up to {error[1].l2.max():.1e}, "
            f"so batch drift is {ratio:.2g} × what the setting costs anyway."
        )

    def test_no_drift_has_no_ratio(self, run_study: RunStudy) -> None:
        assert "×" not in said(run_study(plan(8)))
        assert "Precision error against float64: L2 up to 5" in said(run_study(plan(8)))

    def test_unbatched_only(self, run_study: RunStudy) -> None:
        ran = run_study(plan(4, sizes=(1,), reference=False))
        assert said(ran) == "Unbatched only: batch drift was not measured."

    @pytest.mark.parametrize("plant", [broken(2, np.nan), swapped(4)])
    def test_a_fault_comes_before_any_distance(self, run_study: RunStudy, plant: object) -> None:
        ran = run_study(plan(8, "float16"), Script(plants=(plant,)))  # type: ignore[arg-type]
        assert said(ran).startswith("fault: ")
        assert said(ran).endswith("; no distance means anything until that is mended")
        assert "L2" not in said(ran)

    def test_a_reference_that_is_no_vector_is_no_precision_error(self, run_study: RunStudy) -> None:
        assert "Precision" not in said(run_study(plan(4), Script(reference_value=np.nan)))

    def test_not_measured_says_why(self, run_study: RunStudy) -> None:
        script = Script(failures={("load", "float16"): EngineError("out of memory")})
        ran = run_study(plan(4, "float32", "float16"), script)
        assert said(ran, 1) == "not measured: out of memory"


class TestOfRun:
    def test_names_the_steady_the_moving_the_nearest_and_the_fastest(
        self, run_study: RunStudy
    ) -> None:
        ran = run_study(plan(8, "bfloat16", "float16", "float32", sizes=(1, 2, 4)))
        for setting, seconds in zip(ran.results.settings, (0.02, 0.01, 0.04), strict=True):
            for (size, _), one in setting.passes.items():
                one.seconds = 100 * (seconds if size == 4 else 1.0)
        sentence = verdict.run_verdict(ran.results)
        parts = sentence.split("; ")
        assert parts.pop(0) == "for RAG bfloat16 is consistent, not exact"
        assert parts.pop(0) == "float16, float32 are consistent and exact"
        assert parts[0] == "float32: no batch drift, bitwise identical at every batch size"
        assert parts[1].startswith("bfloat16 drifts most, up to L2 1.")
        assert parts[2].startswith(
            "a search would notice none of it, all 8 texts keep the order of their top 10 (at most"
        )
        assert parts[3].startswith("float32 is nearest to the float64 reference, L2 at most 5")
        assert parts[4] == "float16 is fastest at batch size 4: 8 texts/s in one pass."

    def test_speeds_that_overlap_and_alike_drifts_are_not_ranked(self, run_study: RunStudy) -> None:
        made = plan(40, "bfloat16", "float16", "float32", sizes=(1, 4), shuffles=2)
        drift = {"bfloat16": 0.05, "float16": 0.045, "float32": 0.0}
        ran = run_study(made, Script(drift=lambda d, size, _: drift[d] if size > 1 else 0.0))
        for setting, seconds in zip(ran.results.settings, (0.02, 0.031, 0.1), strict=True):
            for number, (size, key) in enumerate(sorted(setting.passes)):
                slow = 1.6 if number == len(setting.passes) - 1 else 1.0
                setting.passes[size, key].seconds = seconds * slow
        said = verdict.run_verdict(ran.results)
        assert "bfloat16, float16 drift most, about equally, up to L2 5" in said
        assert "a search would notice bfloat16, float16 most, about equally: in the worst" in said
        assert "do not tell the speeds of bfloat16, float16 apart, up to 2000" in said

    def test_of_one_setting_is_its_own(self, run_study: RunStudy) -> None:
        ran = run_study(plan(4, "float32"))
        assert verdict.run_verdict(ran.results) == f"float32: {said(ran)}"

    def test_of_unbatched_runs_claims_no_steadiness(self, run_study: RunStudy) -> None:
        ran = run_study(plan(4, "float16", "float32", sizes=(1,)))
        sentence = verdict.run_verdict(ran.results)
        assert "drift" not in sentence
        assert "identical" not in sentence
        assert "float32 is nearest to the float64 reference" in sentence

    def test_drift_within_noise_is_not_told_as_the_most(self, run_study: RunStudy) -> None:
        script = Script(drift=no_drift, noise=1e-5)
        ran = run_study(plan(8, "float16", "float32", sizes=(1, 4), reference=False), script)
        sentence = verdict.run_verdict(ran.results)
        assert "; float16, float32: no batch drift beyond noise" in sentence
        assert "drifts most" not in sentence

    def test_a_faulty_setting_is_said_to_be_one(self, run_study: RunStudy) -> None:
        ran = run_study(plan(8, "float16", "float32"))
        ran.results.settings[0].pass_of(2).vectors[3, 3] = np.nan
        sentence = verdict.run_verdict(ran.results)
        assert sentence.startswith(
            "float16: fault, no distance means anything; for RAG float32 is "
        )
        assert "float16 is" not in sentence

    def test_nothing_but_faults(self, run_study: RunStudy) -> None:
        ran = run_study(plan(8, "float16", "float32"), Script(plants=(swapped(2),)))
        assert (
            verdict.run_verdict(ran.results)
            == "float16, float32: fault, no distance means anything."
        )

    def test_what_failed_is_left_out(self, run_study: RunStudy) -> None:
        script = Script(failures={("load", "float16"): EngineError("out of memory")})
        ran = run_study(plan(4, "float32", "float16"), script)
        assert verdict.run_verdict(ran.results) == f"float32: {said(ran)}"

    def test_switches_are_in_the_names(self, run_study: RunStudy) -> None:
        settings = (Setting("tiny", "float32"), Setting("tiny", "float32", threads=1))
        ran = run_study(plan(4, settings=settings))
        said = verdict.run_verdict(ran.results)
        assert "; float32, float32 · threads=1: no batch drift" in said

    def test_a_setting_that_was_cut_short_is_not_compared(self, run_study: RunStudy) -> None:
        ran = run_study(plan(8, "float16", "float32", sizes=(1, 2)))
        ran.results.settings[1].status = "failed"
        sentence = verdict.run_verdict(ran.results)
        assert "float32: cut short, not compared" in sentence
        assert "float32 is" not in sentence
        assert said(ran, 1).startswith("Cut short after 8 of 8 texts. ")

    def test_figures_that_are_about_equal_have_no_winner(self, run_study: RunStudy) -> None:
        settings = tuple(Setting("tiny", "float32", threads=n) for n in (None, 1))
        sentence = verdict.run_verdict(run_study(plan(8, settings=settings)).results)
        assert (
            "float32, float32 · threads=1 are about equally near to the float64 reference"
            in sentence
        )
        assert "do not tell the speeds of float32, float32 · threads=1 apart" in sentence

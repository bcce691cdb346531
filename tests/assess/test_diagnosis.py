"""Each cause has its fault planted, and a control without it that names something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.assess.causes.cause import Diagnosis
from embedtui.assess.diagnosis import diagnose
from embedtui.assess.findings import all_faults
from embedtui.assess.trends import trend_of
from embedtui.engine.messages import Variant
from embedtui.plan.plan import Plan
from tests.fakes import Batch, Script, broken, collapsed, no_drift, pack, plan, swapped
from tests.studies import Ran, RunStudy

Figures = npt.NDArray[Any]

TF32 = {
    "device": "cuda",
    "matmul_precision": "highest",
    "kernel_precision": "default",
    "attention_backend": "triton_attn",
}


def causes(ran: Ran, **effective: object) -> list[Diagnosis]:
    (setting,) = ran.results.settings
    setting.effective = setting.effective.merged(effective)
    return diagnose(ran.results, setting, all_faults(ran.results)[0])


def names(found: list[Diagnosis]) -> list[str]:
    return [one.cause for one in found]


def made(dtype: str, texts: int = 32) -> Plan:
    return plan(texts, dtype, sizes=(1, 2, 4, 16))


def by_place(_dtype: str, size: int, place: int) -> float:
    return 0.0 if size == 1 else 1e-3 * (1 + place)


def constant(_dtype: str, size: int, _place: int) -> float:
    return 0.0 if size == 1 else 2e-3


def far(_dtype: str, size: int, _place: int) -> float:
    return 0.0 if size == 1 else 0.2


class TestARunWithoutFaults:
    @pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
    def test_that_does_not_drift_says_so_and_nothing_else(
        self, run_study: RunStudy, dtype: str
    ) -> None:
        (found,) = causes(run_study(made(dtype), Script(drift=no_drift)))
        assert (found.cause, found.name, found.confidence) == ("none", "no drift", "certain")

    def test_whose_drift_is_below_the_dtypes_error_is_rounding_order(
        self, run_study: RunStudy
    ) -> None:
        (found,) = causes(run_study(made("bfloat16"), Script(drift=constant)))
        assert found.name == "rounding order, below the dtype's own error"
        assert "2.0e-03 at most, 0.4 times what bfloat16 costs anyway (5.0e-03)" in found.evidence

    def test_without_a_reference_is_held_against_the_usual_error(self, run_study: RunStudy) -> None:
        ran = run_study(plan(16, "bfloat16", sizes=(1, 4), reference=False), Script(drift=constant))
        (found,) = causes(ran)
        assert found.cause == "rounding-order"
        assert "as usual" in found.evidence

    def test_that_differs_as_much_when_run_again_is_noise(self, run_study: RunStudy) -> None:
        (found,) = causes(run_study(made("float16"), Script(drift=no_drift, noise=1e-6)))
        assert found.cause == "noise"

    def test_of_no_batches_has_no_cause(self, run_study: RunStudy) -> None:
        assert causes(run_study(plan(4, "float16", sizes=(1,)))) == []


class TestAccumulation:
    def test_grows_with_the_place_in_the_batch(self, run_study: RunStudy) -> None:
        (found,) = causes(run_study(made("float16"), Script(drift=by_place)))
        assert found.name == "accumulation in the model dtype, grows with the place in the batch"
        assert found.confidence == "likely"
        assert "upgrade vLLM" in found.fix

    def test_that_was_put_back_is_certain(self, run_study: RunStudy) -> None:
        ran = run_study(made("float16"), Script(drift=by_place))
        (found,) = causes(ran, pooling_accumulation="model")
        assert found.confidence == "certain"

    def test_no_correlation_is_told_where_there_is_none(self, run_study: RunStudy) -> None:
        ran = run_study(plan(2, "float16", sizes=(1, 2)), Script(drift=far))
        (setting,) = ran.results.settings
        trend = trend_of(setting)
        assert trend is not None
        assert trend.by_position is None
        (found,) = causes(ran, pooling_accumulation="model")
        assert found.cause == "accumulation"
        assert "correlation" not in found.evidence

    def test_is_not_named_for_last_bits_that_happen_to_grow(self, run_study: RunStudy) -> None:
        ran = run_study(made("float16"), Script(drift=lambda d, s, p: by_place(d, s, p) * 1e-3))
        (found,) = causes(ran)
        assert found.cause == "rounding-order"

    def test_is_not_named_where_the_place_does_not_matter(self, run_study: RunStudy) -> None:
        (found,) = causes(run_study(made("float16"), Script(drift=far)))
        assert found.cause == "beyond-rounding"


class TestFaults:
    def test_nan_in_float16_is_overflow(self, run_study: RunStudy) -> None:
        (found,) = causes(run_study(made("float16"), Script(plants=(broken(3, np.nan),))))
        assert (found.name, found.confidence) == ("overflow in float16", "likely")
        assert found.fix == "serve with bfloat16 or float32"

    def test_nan_in_float32_is_not_blamed_on_float16(self, run_study: RunStudy) -> None:
        (found,) = causes(run_study(made("float32"), Script(plants=(broken(3, np.nan),))))
        assert (found.name, found.confidence) == ("infinities or NaN in float32", "possible")

    def test_swapped_rows_are_order(self, run_study: RunStudy) -> None:
        (found,) = causes(run_study(made("float16"), Script(plants=(swapped(4),))))
        assert (found.cause, found.confidence) == ("order", "certain")

    def test_collapsed_vectors_are_named(self, run_study: RunStudy) -> None:
        assert names(causes(run_study(made("float16"), Script(plants=(collapsed,))))) == [
            "collapsed"
        ]

    def test_a_truncated_text_is_truncation_beside_the_cause_of_the_drift(
        self, run_study: RunStudy
    ) -> None:
        texts = pack(*(f"text {n} " + "word " * (200 if n == 3 else n) for n in range(12)))
        ran = run_study(plan(texts, "float16", sizes=(1, 4)), Script(drift=no_drift))
        found = causes(ran)
        assert names(found) == ["truncation", "none"]
        assert "1 text is longer than 64 tokens" in found[0].evidence


class TestTf32:
    def test_is_named_with_the_kernel_that_it_runs_in(self, run_study: RunStudy) -> None:
        script = Script(drift=no_drift, precision={"float32": 1.4e-3})
        found = causes(run_study(made("float32"), script), **TF32)
        assert names(found) == ["tf32", "none"]
        assert found[0].name == "TF32 where float32 was asked for"
        assert "Triton's attention kernel" in found[0].explanation
        assert "L2 1.4e-03 from the float64 reference" in found[0].evidence

    def test_asked_for_in_matrix_products_is_named_there(self, run_study: RunStudy) -> None:
        script = Script(drift=no_drift, precision={"float32": 6e-4})
        ran = run_study(made("float32"), script)
        found = causes(ran, **TF32 | {"matmul_precision": "high", "kernel_precision": "ieee"})
        assert "it runs in matrix products" in found[0].explanation

    @pytest.mark.parametrize("dtype", ["float32", "float16"])
    def test_is_not_named_where_float32_is_float32(self, run_study: RunStudy, dtype: str) -> None:
        found = causes(run_study(made(dtype), Script(drift=no_drift)), **TF32)
        assert names(found) == ["none"]

    def test_is_certain_where_the_kernel_itself_was_probed(self, run_study: RunStudy) -> None:
        ran = run_study(plan(16, "float32", sizes=(1, 4), reference=False), Script(drift=no_drift))
        found = causes(ran, **TF32, probe_matmul=1.3e-7, probe_attention=2.9e-4)
        assert names(found) == ["tf32", "none"]
        assert found[0].confidence == "certain"
        assert found[0].evidence == (
            "the attention in use is 2.9e-04 from float64, which is 12 bits of float32's 24"
        )

    @pytest.mark.parametrize("dtype", ["float32", "float16"])
    def test_is_not_named_where_the_kernels_are_exact_enough(
        self, run_study: RunStudy, dtype: str
    ) -> None:
        probes = {"float32": 3.5e-7, "float16": 2.1e-4}[dtype]
        found = causes(
            run_study(made(dtype), Script(drift=no_drift)),
            probe_matmul=probes,
            probe_attention=probes,
        )
        assert names(found) == ["none"]


class TestWire:
    @pytest.mark.parametrize(
        ("how", "said"),
        [
            (lambda v: v.astype(np.float16), "a float16 holds every figure"),
            (lambda v: (v.view(np.uint32) & 0xFFFF0000).view(np.float32), "a bfloat16 holds"),
            (lambda v: np.round(v.astype(np.float64), 5), "ends after 5 decimals"),
        ],
    )
    def test_digits_lost_after_computing_are_named(
        self, run_study: RunStudy, how: Callable[[Figures], Figures], said: str
    ) -> None:
        def rounded(batch: Batch) -> None:
            batch.vectors[:] = how(batch.vectors)

        found = causes(run_study(made("float32"), Script(drift=no_drift, plants=(rounded,))))
        wire = next(one for one in found if one.cause == "wire")
        assert said in wire.evidence

    def test_float32_as_it_comes_is_not(self, run_study: RunStudy) -> None:
        assert names(causes(run_study(made("float32"), Script(drift=no_drift)))) == ["none"]


def test_noise_that_a_prefix_cache_makes_is_the_caches(run_study: RunStudy) -> None:
    script = Script(drift=no_drift, noise=1e-2)
    (found,) = causes(run_study(made("bfloat16"), script), prefix_caching=True)
    assert (found.cause, found.name) == ("cache", "prefix_caching")
    (found,) = causes(run_study(made("bfloat16"), script))
    assert found.cause == "noise"


def test_a_kernel_that_computes_another_formula_is_no_tf32(run_study: RunStudy) -> None:
    ran = run_study(made("float32"), Script(drift=no_drift))
    assert names(causes(ran, **TF32, probe_matmul=1.3e-7, probe_attention=1.2)) == ["none"]


def test_old_pooling_that_saturates_is_still_accumulation(run_study: RunStudy) -> None:
    ran = run_study(made("bfloat16"), Script(drift=far, precision={"bfloat16": 0.11}))
    assert names(causes(ran)) == ["another-input", "beyond-rounding"]
    far_out = run_study(made("bfloat16"), Script(drift=lambda d, s, p: 1.2 if s > 1 else 0.0))
    (found,) = causes(far_out, pooling_accumulation="model")
    assert (found.cause, found.confidence) == ("accumulation", "certain")


def test_batches_that_were_split_are_named(run_study: RunStudy) -> None:
    found = causes(run_study(made("float32"), Script(drift=no_drift, most_in_step=8)))
    assert names(found) == ["split", "none"]
    assert "4 of 4 steps at batch size 16" in found[0].evidence


class TestRestarts:
    def test_that_change_the_bits_are_named(self, run_study: RunStudy) -> None:
        ran = run_study(
            plan(16, "float16", sizes=(1, 4), restarts=1),
            Script(drift=no_drift, restart_noise=1e-5),
        )
        found = causes(ran)
        assert names(found) == ["restart", "none"]
        assert "0.0e+00 by running again without one" in found[0].evidence

    def test_without_repeats_no_figure_is_given_for_them(self, run_study: RunStudy) -> None:
        ran = run_study(
            plan(16, "float16", sizes=(1, 4), restarts=1, repeats=0),
            Script(drift=no_drift, restart_noise=1e-5),
        )
        found = causes(ran)
        assert names(found) == ["restart", "none"]
        assert "nothing was run again without one" in found[0].evidence
        assert found[0].confidence == "possible"

    def test_that_differ_no_more_than_repeats_are_not(self, run_study: RunStudy) -> None:
        ran = run_study(
            plan(16, "float16", sizes=(1, 4), restarts=1), Script(drift=no_drift, noise=1e-5)
        )
        assert names(causes(ran)) == ["noise"]


def test_vectors_of_another_pooling_are_another_input(run_study: RunStudy) -> None:
    script = Script(drift=no_drift, precision={"float16": 1.05})
    assert names(causes(run_study(made("float16"), script))) == ["another-input", "none"]


def test_a_cache_that_is_on_is_blamed_for_what_rounding_cannot_do(run_study: RunStudy) -> None:
    (found,) = causes(run_study(made("float16"), Script(drift=far)), prefix_caching=True)
    assert (found.cause, found.name) == ("cache", "prefix_caching")


class TestVectorsThatAreNotTheModelsOwn:
    FITS = Variant("pooling", "pooling by cls where the model's files ask for mean", (3e-7,) * 3)
    NOT = Variant("case", "the text in lower case", (0.9,) * 3)

    def test_are_named_by_the_one_variant_that_fits(self, run_study: RunStudy) -> None:
        script = Script(drift=no_drift, precision={"float32": 1.05}, variants=(self.NOT, self.FITS))
        ran = run_study(made("float32"), script)
        found, nothing = causes(ran)
        assert (found.cause, found.name, found.confidence) == (
            "another-input",
            self.FITS.name,
            "certain",
        )
        assert "all 32 texts" in found.evidence
        assert nothing.cause == "none"
        (fault,) = all_faults(ran.results)[0]
        assert fault.severity == "fault"
        assert self.FITS.name in fault.message

    def test_have_no_name_where_two_variants_fit_alike(self, run_study: RunStudy) -> None:
        other = Variant("module", "the Dense layer left out", (4e-7,) * 3)
        script = Script(drift=no_drift, precision={"float32": 1.05}, variants=(other, self.FITS))
        found, _ = causes(run_study(made("float32"), script))
        assert (found.name, found.confidence) == (
            "another pooling, prompt or tokenizer than the model's own",
            "likely",
        )

    @pytest.mark.parametrize(("dtype", "error"), [("float32", 9e-4), ("bfloat16", 0.09)])
    def test_are_none_as_far_as_rounding_goes(
        self, run_study: RunStudy, dtype: str, error: float
    ) -> None:
        script = Script(drift=no_drift, precision={dtype: error}, variants=(self.FITS,))
        ran = run_study(made(dtype), script)
        (setting,) = ran.results.settings
        setting.effective = setting.effective.merged(device="cpu")
        assert all_faults(ran.results)[0] == []

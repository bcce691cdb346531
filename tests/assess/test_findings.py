"""Each finding has a fault planted for it, and a run without the fault that stays silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from embedtui.assess.finding import Finding
from embedtui.assess.findings import find
from embedtui.common.errors import EngineError
from embedtui.engine.settings import Setting
from tests.fakes import REFUSED, Script, broken, collapsed, no_drift, pack, plan, swapped
from tests.studies import RunStudy

PLAN = plan(12, "float16", sizes=(1, 2, 4))


def only(found: list[Finding], kind: str) -> Finding:
    assert [finding.kind for finding in found] == [kind]
    return found[0]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_run_without_faults_finds_nothing(run_study: RunStudy, dtype: str) -> None:
    ran = run_study(plan(12, dtype, sizes=(1, 2, 4)), Script(noise=1e-6))
    assert find(ran.results) == []


@pytest.mark.parametrize(
    ("value", "kind"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "inf"), (0.0, "zero")]
)
class TestBroken:
    def test_vectors_are_found_and_named(
        self, run_study: RunStudy, value: float, kind: str
    ) -> None:
        finding = only(find(run_study(PLAN, Script(plants=(broken(5, value),))).results), kind)
        assert finding.severity == "fault"
        assert (finding.setting, finding.texts) == (0, ("6",))
        assert finding.message.startswith("1 text at batch size 1, 2, 4: ")

    def test_vectors_in_one_batch_size_alone_are_found_there(
        self, run_study: RunStudy, value: float, kind: str
    ) -> None:
        plants = (broken(5, value, size=2), broken(8, value, size=2))
        finding = only(find(run_study(PLAN, Script(plants=plants)).results), kind)
        assert finding.texts == ("6", "9")
        assert finding.message.startswith("2 texts at batch size 2: ")

    def test_vectors_of_refused_texts_are_none(
        self, run_study: RunStudy, value: float, kind: str
    ) -> None:
        made = plan(pack("a", REFUSED, "c"), sizes=(1, 2))
        assert only(find(run_study(made).results), "refused").kind != kind


class TestSwapped:
    def test_rows_are_found_and_named(self, run_study: RunStudy) -> None:
        finding = only(find(run_study(PLAN, Script(plants=(swapped(4),))).results), "swapped")
        assert finding.severity == "fault"
        assert finding.texts == ("1", "2", "5", "6", "9", "10")
        assert "6 texts at batch size 4 came back with another text's vector" in finding.message

    def test_rows_of_texts_that_are_equal_are_none(self, run_study: RunStudy) -> None:
        made = plan(pack("same", "same", "other", "more"), "float16", sizes=(1, 2))
        finding = only(find(run_study(made, Script(plants=(swapped(2),))).results), "swapped")
        assert finding.texts == ("3", "4")

    def test_drift_is_no_swap(self, run_study: RunStudy) -> None:
        script = Script(drift=lambda _dtype, size, _position: 0.3 if size > 1 else 0.0)
        assert find(run_study(PLAN, script).results) == []


class TestCollapsed:
    def test_vectors_are_found(self, run_study: RunStudy) -> None:
        finding = only(find(run_study(PLAN, Script(plants=(collapsed,))).results), "collapsed")
        assert finding.severity == "fault"
        assert len(finding.texts) == 12
        assert "12 texts have all but the same vector although they differ" in finding.message

    def test_texts_that_are_the_same_may_be(self, run_study: RunStudy) -> None:
        made = plan(pack("same", "same", " Same ", "other", "more"), "float16", sizes=(1, 2))
        only(find(run_study(made).results), "repeated-texts")


class TestTexts:
    def test_too_long_are_named_with_the_limit_and_the_way_out(self, run_study: RunStudy) -> None:
        made = plan(pack("a b", "word " * 30, "word " * 20), sizes=(1, 2))
        finding = only(find(run_study(made, Script(max_length=16)).results), "truncated")
        assert finding.severity == "warning"
        assert finding.texts == ("2", "3")
        assert "2 texts longer than the model's limit of 16 tokens" in finding.message
        assert "the longest has 32 tokens" in finding.message
        assert "--too-long refuse" in finding.message

    def test_just_within_the_limit_are_not(self, run_study: RunStudy) -> None:
        made = plan(pack("a b", "word " * 14), sizes=(1, 2))
        assert find(run_study(made, Script(max_length=16)).results) == []

    def test_refused_by_choice_are_named(self, run_study: RunStudy) -> None:
        made = plan(pack("a b", "word " * 30, "c"), sizes=(1, 2), too_long="refuse")
        finding = only(find(run_study(made, Script(max_length=16)).results), "refused")
        assert finding.texts == ("2",)
        assert (
            finding.message == "1 text left out, the first because 32 tokens are more than "
            "the model's 16"
        )

    def test_that_no_tokenizer_reads_are_named(self, run_study: RunStudy) -> None:
        made = plan(pack("a", REFUSED, "", "d"), sizes=(1, 2))
        finding = only(find(run_study(made).results), "refused")
        assert finding.texts == ("2", "3")
        assert "the tokenizer cannot read it" in finding.message

    def test_beyond_the_positions_of_the_model_are_warned_of(self, run_study: RunStudy) -> None:
        script = Script(max_length=64, vllm_max_length=66)
        finding = only(find(run_study(plan(4), script).results), "beyond-positions")
        assert "up to 66 tokens" in finding.message
        assert "positions for 64" in finding.message


class TestBatches:
    def test_that_were_split_are_named_with_the_budget(self, run_study: RunStudy) -> None:
        finding = only(find(run_study(PLAN, Script(most_in_step=3)).results), "split")
        assert finding.severity == "warning"
        assert "batch size 4: vLLM split batches, 6 of 6 steps held fewer" in finding.message
        assert "because vLLM's cache for a decoder had no room" in finding.message

    def test_that_hold_more_tokens_than_a_step_may_are_told_so(self, run_study: RunStudy) -> None:
        ran = run_study(PLAN, Script(most_in_step=3))
        (setting,) = ran.results.settings[:1]
        setting.effective = setting.effective.merged(max_num_batched_tokens=5)
        finding = only(find(ran.results), "split")
        assert finding.message.endswith("because a step may hold 5 tokens")

    def test_larger_than_all_texts_are_noted(self, run_study: RunStudy) -> None:
        finding = only(find(run_study(plan(3, sizes=(1, 2, 8))).results), "few-texts")
        assert finding.message == "batches of 8 held 3 texts: there are no more"

    def test_with_a_remainder_are_not(self, run_study: RunStudy) -> None:
        assert find(run_study(plan(7, sizes=(1, 2, 4))).results) == []


class TestReference:
    def test_that_failed_is_named(self, run_study: RunStudy) -> None:
        script = Script(
            failures={("reference", ""): EngineError("no float64 reference: too large")}
        )
        finding = only(find(run_study(PLAN, script).results), "no-reference")
        assert (finding.severity, finding.setting) == ("warning", None)
        assert finding.message == "no float64 reference: too large"

    def test_that_was_not_wanted_is_not(self, run_study: RunStudy) -> None:
        assert find(run_study(plan(4, reference=False)).results) == []

    def test_of_another_width_is_named(self, run_study: RunStudy) -> None:
        ran = run_study(plan(4))
        ran.results.reference.vectors = ran.results.reference.vectors[:, :8]
        (finding,) = find(ran.results)
        assert (finding.kind, finding.severity) == ("another-input", "fault")
        assert "vectors have 16 dimensions, the model's own 8" in finding.message

    def test_of_other_tokens_is_named(self, run_study: RunStudy) -> None:
        finding = only(
            find(run_study(PLAN, Script(tokens_of_reference=1)).results), "tokens-differ"
        )
        assert finding.severity == "warning"
        assert len(finding.texts) == 12
        assert "another number of tokens in vLLM than in sentence-transformers" in finding.message

    @pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
    def test_that_is_no_vector_is_named(self, run_study: RunStudy, value: float) -> None:
        finding = only(
            find(run_study(PLAN, Script(reference_value=value)).results), "broken-reference"
        )
        assert finding.severity == "warning"
        assert len(finding.texts) == 12


class TestSettings:
    def test_that_failed_are_named(self, run_study: RunStudy) -> None:
        script = Script(failures={("load", "float16"): EngineError("out of memory")})
        finding = only(find(run_study(plan(4, "float32", "float16"), script).results), "failed")
        assert (finding.severity, finding.setting) == ("warning", 1)
        assert finding.message == "out of memory"

    def test_with_the_old_pooling_are_labelled(self, run_study: RunStudy) -> None:
        old = Setting("tiny", "float16", pooling_accumulation="model")
        new = Setting("tiny", "float16")
        finding = only(find(run_study(plan(4, settings=(new, old))).results), "old-pooling")
        assert (finding.severity, finding.setting) == ("note", 1)
        assert "not what today's vLLM serves" in finding.message

    def test_of_dtype_auto_say_what_was_chosen(self, run_study: RunStudy) -> None:
        finding = only(find(run_study(plan(4, "auto")).results), "auto-dtype")
        assert (finding.severity, finding.message) == ("note", "dtype auto: vLLM chose float16")


def test_faults_come_first_then_warnings_then_notes(run_study: RunStudy) -> None:
    made = plan(
        pack("a b", "word " * 70, "c", "d"),
        sizes=(1, 2),
        settings=(
            Setting("tiny", "float16", pooling_accumulation="model"),
            Setting("tiny", "float32"),
        ),
    )
    script = Script(plants=(broken(2, np.nan),))
    found = find(run_study(made, script).results)
    assert [(finding.kind, finding.setting) for finding in found] == [
        ("nan", 0),
        ("nan", 1),
        ("truncated", None),
        ("old-pooling", 0),
    ]


def test_what_is_true_of_every_setting_is_told_once(run_study: RunStudy) -> None:
    made = plan(pack("a", "word " * 70), "float16", "float32", sizes=(1, 2))
    found = [f for f in find(run_study(made).results) if f.kind == "truncated"]
    assert [(f.setting, f.texts) for f in found] == [(None, ("2",))]


def test_what_is_true_of_some_settings_is_told_of_each(run_study: RunStudy) -> None:
    old = [Setting("tiny", d, pooling_accumulation="model") for d in ("float16", "bfloat16")]
    made = plan(4, settings=(*old, Setting("tiny", "float32")))
    found = [f for f in find(run_study(made).results) if f.kind == "old-pooling"]
    assert [f.setting for f in found] == [0, 1]


class TestNativeBfloat16:
    """A CPU with bfloat16 products shows no batch drift; the reader is told that others do."""

    IN_FORCE: ClassVar = {
        "dtype": "bfloat16",
        "cpu_isa": "avx512_bf16",
        "pooling_accumulation": "float32",
        "threads": 2,
    }

    def kinds(self, run_study: RunStudy, script: Script, **changed: object) -> list[str]:
        script = replace(script, precision={"bfloat16": 1e-6})
        ran = run_study(plan(8, "bfloat16", sizes=(1, 2, 4)), script)
        (setting,) = ran.results.settings[:1]
        setting.effective = setting.effective.merged(self.IN_FORCE | changed)
        return [finding.kind for finding in find(ran.results)]

    def test_is_told_where_nothing_drifts(self, run_study: RunStudy) -> None:
        assert self.kinds(run_study, Script(drift=no_drift)) == ["native-bfloat16"]

    def test_is_not_told_where_something_drifts(self, run_study: RunStudy) -> None:
        assert self.kinds(run_study, Script()) == []

    @pytest.mark.parametrize(
        "changed",
        [{"dtype": "float32"}, {"cpu_isa": "avx512"}, {"threads": 1}, {"cpu_isa": None}],
    )
    def test_is_not_told_of_anything_else(
        self, run_study: RunStudy, changed: dict[str, Any]
    ) -> None:
        assert self.kinds(run_study, Script(drift=no_drift), **changed) == []


def test_scores_of_another_kind_than_cosines_are_told(run_study: RunStudy) -> None:
    made = plan(4, "float32", sizes=(1, 2), similarity="dot product")
    (one,) = [f for f in find(run_study(made).results) if f.kind == "similarity"]
    assert one.severity == "warning"
    assert one.message.startswith("the model's files score by dot product: ")
    plain = run_study(plan(4, "float32", sizes=(1, 2)))
    assert "similarity" not in {f.kind for f in find(plain.results)}

"""Whether vectors are the model's own is one decision: all that speaks of it says the same."""

from __future__ import annotations

import numpy as np
import pytest

from embedtui.assess.another_input import another_input
from embedtui.assess.diagnosis import diagnose
from embedtui.assess.findings import all_faults
from embedtui.assess.verdict import setting_verdict
from embedtui.engine.messages import Variant
from embedtui.results.mismatch import mismatch_of, text_errors
from tests.fakes import Batch, Script, no_drift, plan
from tests.studies import RunStudy

FITS = Variant("pooling", "pooling by cls where the model's files ask for mean", (3e-7,) * 3)


@pytest.mark.parametrize("variants", [(), (FITS,)], ids=["no variant", "one that fits"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("error", [4e-4, 5e-3, 1.7e-2, 8e-2, 0.7])
def test_fault_cause_and_sentence_agree(
    run_study: RunStudy, error: float, dtype: str, device: str, variants: tuple[Variant, ...]
) -> None:
    script = Script(drift=no_drift, precision={dtype: error}, variants=variants)
    results = run_study(plan(12, dtype, sizes=(1, 4)), script).results
    (setting,) = results.settings
    setting.effective = setting.effective.merged(device=device)
    errors = text_errors(setting, results.reference)
    assert errors is not None
    wrong = bool(errors.wrong.any())
    faults = all_faults(results)
    said = {
        "run": mismatch_of(setting, results.reference) is not None,
        "fault": any(one.kind == "another-input" for one in faults[0]),
        "cause": any(one.cause == "another-input" for one in diagnose(results, setting, faults[0])),
        "sentence": "not the model's own" in setting_verdict(results, setting),
    }
    assert said == dict.fromkeys(said, wrong)


def _prompted(batch: Batch) -> None:
    """Move the last 19 of 24 texts far, and the others within what rounding explains."""
    for place, row in enumerate(batch.rows):
        step = np.zeros(batch.vectors.shape[1])
        step[row % len(step)] = 0.3 if row >= 5 else 3e-4
        moved = batch.vectors[place] + step
        batch.vectors[place] = moved / np.linalg.norm(moved)


def test_a_variant_is_held_against_all_texts_and_named_for_all(run_study: RunStudy) -> None:
    fits = Variant("prompt", "the prompt 'query:' before the text", (3e-7,) * 3)
    script = Script(drift=no_drift, plants=(_prompted,), variants=(fits,))
    ran = run_study(plan(24, "float32", sizes=(1, 4)), script)
    (setting,) = ran.results.settings
    assert setting.variants is not None
    assert [len(one.l2) for one in setting.variants.variants] == [24, 24]
    found = another_input(ran.results, setting)
    assert found is not None
    assert len(found.mismatch.rows) == 19
    assert (found.name, found.texts, found.confidence) == (fits.name, "all 24 texts", "certain")


def test_a_variant_that_one_text_contradicts_is_no_name(run_study: RunStudy) -> None:
    fits = Variant("prompt", "the prompt 'query:' before the text", (3e-7,) * 23 + (0.3,))
    script = Script(drift=no_drift, plants=(_prompted,), variants=(fits,))
    ran = run_study(plan(24, "float32", sizes=(1, 4)), script)
    found = another_input(ran.results, ran.results.settings[0])
    assert found is not None
    assert found.kind == ""

"""Whether vectors are the model's own is one decision: all that speaks of it says the same."""

from __future__ import annotations

import pytest

from embedtui.assess.diagnosis import diagnose
from embedtui.assess.findings import all_faults
from embedtui.assess.verdict import setting_verdict
from embedtui.engine.messages import Variant
from embedtui.results.mismatch import mismatch_of, text_errors
from tests.fakes import Script, no_drift, plan
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

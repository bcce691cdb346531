"""What moved vectors between two runs: each cause planted, and a pair where nothing did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from embedtui.assess.changes import changes
from embedtui.common.errors import InputError
from embedtui.plan.plan import Plan
from embedtui.results.results import Results
from tests.fakes import Batch, Script, no_drift, plan
from tests.studies import RunStudy


def made(texts: int = 12, dtype: str = "float16", **further: Any) -> Plan:
    return replace(plan(texts, dtype, sizes=(1, 4), **further), model_hash="ab" * 32)


def nudged(batch: Batch) -> None:
    batch.vectors[:, 0] += 1e-3


def pair(run_study: RunStudy, **script: Any) -> tuple[Results, Results]:
    before = run_study(made(), Script(drift=no_drift)).results
    after = run_study(made(), Script(drift=no_drift, **script)).results
    before.environment = dict(before.environment) | {"versions": {"vllm": "0.26.0", "numpy": "2"}}
    after.environment = dict(before.environment)
    return before, after


def test_the_same_bits_are_no_change(run_study: RunStudy) -> None:
    before, after = pair(run_study)
    after.environment |= {"versions": {"vllm": "0.33.0", "numpy": "2"}}
    (found,) = changes(before, after)
    assert (found.identical, found.texts, found.diagnosis.cause) == (12, 12, "none")


def test_another_version_is_named(run_study: RunStudy) -> None:
    before, after = pair(run_study, plants=(nudged,))
    after.environment |= {"versions": {"vllm": "0.33.0", "numpy": "2"}}
    (found,) = changes(before, after)
    assert found.diagnosis.cause == "version"
    assert found.diagnosis.explanation == "between the runs changed: vllm 0.26.0 → 0.33.0"
    assert found.l2_max == pytest.approx(1e-3, rel=0.1)


def test_other_hardware_and_other_kernels_are_named(run_study: RunStudy) -> None:
    before, after = pair(run_study, plants=(nudged,))
    after.environment |= {"machine": "another GPU"}
    after.settings[0].effective = after.settings[0].effective.merged(attention_backend="flash_attn")
    (found,) = changes(before, after)
    assert "→ another GPU" in found.diagnosis.explanation
    assert "attention_backend cpu_attn → flash_attn" in found.diagnosis.explanation
    assert found.diagnosis.confidence == "possible"


def test_without_any_difference_it_is_the_engine(run_study: RunStudy) -> None:
    (found,) = changes(*pair(run_study, plants=(nudged,)))
    assert found.diagnosis.cause == "restart"


def test_what_running_again_does_as_well_is_noise(run_study: RunStudy) -> None:
    before = run_study(made(), Script(drift=no_drift, noise=1e-4)).results
    after = pair(run_study, noise=1e-4, noise_from=10_000)[1]
    after.environment |= {"versions": {"vllm": "0.33.0", "numpy": "2"}}
    (found,) = changes(before, after)
    assert found.diagnosis.cause == "noise"


def test_a_move_of_less_than_the_noise_in_every_vector_is_not_noise(run_study: RunStudy) -> None:
    steady, moved = (Script(drift=no_drift, noise=1e-3, noise_from=n) for n in (0, 10_000))
    moved.plants = (nudged,)
    before, after = (run_study(made(48), script).results for script in (steady, moved))
    before.environment |= {"versions": {"vllm": "0.26.0"}}
    after.environment = dict(before.environment) | {"versions": {"vllm": "0.33.0"}}
    (found,) = changes(before, after)
    assert found.diagnosis.cause == "version"


def test_vectors_without_a_distance_are_not_taken_for_noise(run_study: RunStudy) -> None:
    """NaN is no distance of 0, which any noise floor would explain."""

    def spoiled(batch: Batch) -> None:
        batch.vectors[:] = np.nan

    before = pair(run_study, noise=1e-4)[1]
    after = pair(run_study, plants=(spoiled,))[1]
    (found,) = changes(before, after)
    assert found.diagnosis.cause != "noise"
    assert found.diagnosis.evidence == "no distance can be measured, 12 of 12 vectors changed"


def test_runs_that_cannot_be_compared_are_refused(run_study: RunStudy) -> None:
    one = run_study(made()).results
    with pytest.raises(InputError, match="differ in their texts"):
        changes(one, run_study(made(5)).results)
    with pytest.raises(InputError, match="no measured setting in common"):
        changes(one, run_study(made(12, "float32")).results)
    with pytest.raises(InputError, match="differ in their model"):
        changes(one, run_study(replace(made(), model_hash="cd" * 32)).results)

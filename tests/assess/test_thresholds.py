"""A kernel that changes with the tokens of a step: planted, absent, and as it was recorded."""

from __future__ import annotations

import numpy as np
import pytest

from embedtui.assess.diagnosis import diagnose
from embedtui.assess.trends import token_threshold
from embedtui.results.results import Results
from embedtui.storage import library, run_file
from tests.fake_reference import count_tokens
from tests.fakes import Batch, Plant, Script, pack, plan
from tests.studies import RunStudy

TEXTS = pack(*(f"text {number} {'word ' * (3 + number % 9)}" for number in range(24)))
BOUND = 32
SIZES = (1, 2, 8)


def still(*_: object) -> float:
    return 0.0


def crossing(bound: int, *, chance: float = 0.0) -> Plant:
    """Move the vectors of steps that hold so many tokens or more, and of others by chance."""
    counts = [count_tokens(text.text) for text in TEXTS.texts]
    rng = np.random.default_rng(5)

    def plant(batch: Batch) -> None:
        over = sum(counts[row] for row in batch.rows) >= bound
        for at in range(len(batch.rows)):
            if over or rng.random() < chance:
                batch.vectors[at, 0] += np.float32(1e-4)

    return plant


def test_one_that_was_planted_is_named(run_study: RunStudy) -> None:
    assert max(count_tokens(text.text) for text in TEXTS.texts) < BOUND
    script = Script(drift=still, plants=(crossing(BOUND),))
    (setting,) = run_study(plan(TEXTS, "float16", sizes=SIZES), script).results.settings
    found = token_threshold(setting)
    assert found is not None
    assert found.tokens == BOUND
    assert found.explained == found.texts


def test_drift_that_has_nothing_to_do_with_tokens_has_none(run_study: RunStudy) -> None:
    script = Script(drift=still, plants=(crossing(1 << 30, chance=0.5),))
    (setting,) = run_study(plan(TEXTS, "float16", sizes=SIZES), script).results.settings
    assert token_threshold(setting) is None


def test_equal_bits_have_none(run_study: RunStudy) -> None:
    ran = run_study(plan(TEXTS, "float16", sizes=SIZES), Script(drift=still))
    assert token_threshold(ran.results.settings[0]) is None


@pytest.fixture(scope="module")
def decoder() -> Results:
    return run_file.read(library.recordings()["h200-decoder"])


def test_the_gap_in_batch_invariant_mode_is_named_from_the_recording(decoder: Results) -> None:
    (setting,) = [s for s in decoder.settings if s.setting.batch_invariant]
    found = token_threshold(setting)
    assert found is not None
    assert (found.tokens, found.explained) == (256, found.texts)
    (cause,) = [one for one in diagnose(decoder, setting, []) if one.cause == "token-threshold"]
    assert "256 tokens" in cause.name
    assert "upgrade vLLM" in cause.fix


def test_no_other_setting_of_the_recording_has_one(decoder: Results) -> None:
    for setting in decoder.settings:
        if not setting.setting.batch_invariant:
            assert token_threshold(setting) is None


def test_a_text_in_many_orders_is_one_text() -> None:
    restarts = run_file.read(library.recordings()["h200-restarts"])
    for setting in restarts.settings:
        assert setting.orders == 9
        assert token_threshold(setting) is None

"""A planted fault: mean pooling by a running sum over the whole batch, in the model's dtype.

vLLM pooled so until it moved to float32: the sum of a text was what the running sum had grown by,
and the later a text stood in the batch, the larger were the numbers that its sum was lost in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from embedtui.measure import compare, faults, misplaced_rows, summarize

TEXTS, TOKENS, WIDTH = 64, 64, 96

Hidden = npt.NDArray[np.float16]
Pool = Callable[[Hidden, int], npt.NDArray[np.float32]]


def running_sum(dtype: type[np.floating]) -> Pool:
    def pool(hidden: Hidden, texts: int) -> npt.NDArray[np.float32]:
        length = len(hidden) // texts
        sums = np.add.accumulate(hidden.astype(dtype), axis=0, dtype=dtype)
        first = np.arange(texts) * length
        grown = sums[first + length - 1] - sums[first] + hidden[first].astype(dtype)
        return np.asarray(grown / dtype(length), dtype=np.float32)

    return pool


def segment_sums(hidden: Hidden, texts: int) -> npt.NDArray[np.float32]:
    parts = [part.astype(np.float32).sum(axis=0) for part in np.split(hidden, texts)]
    return np.asarray(np.stack(parts) / np.float32(len(hidden) // texts), dtype=np.float32)


@pytest.fixture
def hidden() -> Hidden:
    """Return the last hidden states of a batch, flattened as vLLM holds them."""
    rng = np.random.default_rng(7)
    common, own = rng.standard_normal(WIDTH), rng.standard_normal((TEXTS, 1, WIDTH))
    tokens = 0.5 * common + 0.5 * own + rng.standard_normal((TEXTS, TOKENS, WIDTH))
    return tokens.reshape(TEXTS * TOKENS, WIDTH).astype(np.float16)


def pooled(pool: Pool, hidden: Hidden) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Pool all texts in one batch, and every text alone in its own."""
    alone = [pool(text, 1) for text in np.split(hidden, TEXTS)]
    return pool(hidden, TEXTS), np.concatenate(alone)


def test_drift_of_a_rounded_running_sum_grows_with_the_place_in_the_batch(hidden: Hidden) -> None:
    batched, alone = pooled(running_sum(np.float16), hidden)
    found = compare(batched, alone)
    assert found.identical[0]
    assert not found.identical[8:].any()
    by_place = np.median(found.l2[1:].reshape(7, 9), axis=1)
    assert by_place[-1] > 5 * by_place[0]
    ranks = np.argsort(np.argsort(found.l2))
    assert np.corrcoef(ranks, np.arange(TEXTS))[0, 1] > 0.9
    # One figure for all would not tell: the tail has to be looked at.
    figures = summarize(found)["cosine"]
    assert figures["max"] > 3 * figures["mean"]
    # So large a drift is looked at, and is no swap.
    assert (found.l2 > faults.SUSPECT_L2).sum() > 10
    assert misplaced_rows(batched, alone) is None


def test_a_running_sum_in_float32_drifts_too_but_thousands_of_times_less(hidden: Hidden) -> None:
    half = compare(*pooled(running_sum(np.float16), hidden))
    single = compare(*pooled(running_sum(np.float32), hidden))
    assert 0 < single.l2.max() < half.l2.max() / 2000
    # 13 bits more in the significand, and sums of float16 values are exact for longer.
    assert 13 <= np.median(single.bits[8:] - half.bits[8:]) < 18


def test_segment_sums_in_float32_do_not_see_the_batch(hidden: Hidden) -> None:
    found = summarize(compare(*pooled(segment_sums, hidden)))
    assert found.all_identical
    assert found["l2"]["max"] == 0


def test_the_reference_names_the_culprit(hidden: Hidden) -> None:
    reference = hidden.astype(np.float64).reshape(TEXTS, TOKENS, WIDTH).mean(axis=1)
    batched, alone = pooled(running_sum(np.float16), hidden)
    late = slice(TEXTS // 2, None)
    worse = compare(batched.astype(np.float64), reference).rows(late)
    better = compare(alone.astype(np.float64), reference).rows(late)
    sound = compare(pooled(segment_sums, hidden)[0].astype(np.float64), reference).rows(late)
    assert worse.l2.min() > 3 * better.l2.max()
    assert better.l2.min() > 100 * sound.l2.max()
